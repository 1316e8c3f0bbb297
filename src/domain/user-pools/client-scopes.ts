/** The scopes that a client may have now, and what remains of those it was granted. */
import type { Ctx } from "../../app.ts";
import { isStrict } from "./client-tags.ts";
import type { Client, Pool } from "./load-pool.ts";
import { addressScope, existingScopes } from "./resource-servers.ts";

/** Scopes that reveal a user's data only together with `openid`. */
export const needOpenid: readonly string[] = ["phone", "email", "profile", addressScope];

/** AllowedOAuthScopes; without `address`, which Cognito does not have, unless the client wants the standard. */
export function allowedScopes(
  { document: { AllowedOAuthScopes = [] } }: Pick<Client, "document">,
  { strict }: { readonly strict: boolean },
): readonly string[] {
  return strict ? AllowedOAuthScopes : AllowedOAuthScopes.filter((scope) => scope !== addressScope);
}

/** The granted scopes that the client may still have by its current settings; possibly none. */
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

/** Whether the client may still use codes, and the refresh tokens issued for them. */
export function allowsCodeFlow({ document }: Pick<Client, "document">): boolean {
  return (
    document.AllowedOAuthFlowsUserPoolClient === true && document.AllowedOAuthFlows?.includes("code") === true
  );
}
