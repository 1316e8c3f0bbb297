/** Which scopes a client may have at present, and what is left of those it was granted. */
import type { Ctx } from "../../app.ts";
import { isStrict } from "./client-tags.ts";
import type { Client, Pool } from "./load-pool.ts";
import { addressScope, existingScopes } from "./resource-servers.ts";

/** Scopes that tell of a user only together with `openid`. */
export const needOpenid: readonly string[] = ["phone", "email", "profile", addressScope];

/** AllowedOAuthScopes; without `address`, which Cognito does not have, where the client does not want the standard. */
export function allowedScopes(
  { document: { AllowedOAuthScopes = [] } }: Pick<Client, "document">,
  { strict }: { readonly strict: boolean },
): readonly string[] {
  return strict ? AllowedOAuthScopes : AllowedOAuthScopes.filter((scope) => scope !== addressScope);
}

/** Those that were granted and that the client, as it is set now, may still have; maybe none. */
export async function remainingScopes(
  ctx: Ctx,
  { pool, client }: { readonly pool: Pool; readonly client: Client },
  granted: readonly string[],
): Promise<string[]> {
  const allowed = allowedScopes(client, { strict: isStrict(pool, client) });
  const kept = granted.filter((scope) => allowed.includes(scope));
  const lostOpenid = granted.includes("openid") && !kept.includes("openid");
  return existingScopes(
    ctx,
    pool,
    kept.filter((scope) => !lostOpenid || !needOpenid.includes(scope)),
  );
}

/** Whether codes, and the refresh tokens that came of them, are of any use to the client. */
export function allowsCodeFlow({ document }: Pick<Client, "document">): boolean {
  return (
    document.AllowedOAuthFlowsUserPoolClient === true && document.AllowedOAuthFlows?.includes("code") === true
  );
}
