/** The identity providers that an app client's pages offer (SupportedIdentityProviders). */
import type { Ctx } from "../../app.ts";
import { providerButtons } from "../../store/identity-providers.ts";
import { refuse } from "../../wire/refuse.ts";
import { ownUsers } from "./providers.ts";

/** "The maximum number of identity providers per user pool" after all increases (Quotas, Amazon Cognito Developer Guide). */
const mostProviders = 1_000;

/**
 * Checks that the pool has the providers that a request names. A client keeps the names of providers that were deleted
 * later, but no request can name them. Throws InvalidParameterException.
 */
export async function checkProviders(ctx: Ctx, poolId: string, given: readonly string[] = []): Promise<void> {
  const names = [...new Set(given)].filter((name) => name !== ownUsers);
  if (names.length > mostProviders)
    refuse("InvalidParameterException", `A client can have ${mostProviders} identity providers at most.`);
  const existing = new Set((await providerButtons(ctx.db, poolId, names)).map(({ name }) => name));
  const unknown = names.find((name) => !existing.has(name));
  if (unknown !== undefined)
    refuse("InvalidParameterException", `The provider ${unknown} does not exist for User Pool ${poolId}.`);
}
