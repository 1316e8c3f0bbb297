/** Which scopes a client is granted (AWS: "Scopes, M2M, and resource servers"). Pure. */
import { allowedScopes, needOpenid } from "../user-pools/client-scopes.ts";
import type { Client } from "../user-pools/load-pool.ts";
import { refuseOAuth } from "./oauth-error.ts";

/**
 * The scopes of a request, each once; all of the client's where it asks for none. Throws invalid_scope for a scope that
 * is not the client's, for phone, email, profile or address without openid, and for address where the client does not
 * want the standard: Cognito has no such scope.
 */
export function grantedScopes(
  client: Pick<Client, "document">,
  asked: string | null | undefined,
  { strict }: { readonly strict: boolean },
): string[] {
  const allowed = allowedScopes(client, { strict });
  const scopes = [...new Set((asked ?? "").split(" ").filter((scope) => scope !== ""))];
  if (scopes.length === 0) return [...allowed];
  if (scopes.some((scope) => !allowed.includes(scope)))
    refuseOAuth("invalid_scope", "The client may not ask for that scope.");
  if (!scopes.includes("openid") && scopes.some((scope) => needOpenid.includes(scope)))
    refuseOAuth("invalid_scope", "phone, email, profile and address need openid.");
  return scopes;
}
