/** The scopes that a client is granted ("Scopes, M2M, and resource servers", Amazon Cognito Developer Guide). Pure. */
import { allowedScopes, needOpenid } from "../user-pools/client-scopes.ts";
import type { Client } from "../user-pools/load-pool.ts";
import { refuseOAuth } from "./oauth-error.ts";

/**
 * The scopes of a request without duplicates; all of the client's if it asks for none. Throws invalid_scope for a scope
 * that is not the client's, for phone, email, profile or address without openid, and for address unless the client
 * wants the standard: Cognito has no such scope.
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

/**
 * The scopes for an answer with tokens; undefined if they are those that were asked for, and need not be named (RFC 6749
 * sections 4.2.2 and 5.1).
 */
export function namedScope(granted: readonly string[], asked: string | undefined): string | undefined {
  const wanted = new Set((asked ?? "").split(" ").filter((scope) => scope !== ""));
  const isSame = wanted.size === granted.length && granted.every((scope) => wanted.has(scope));
  return isSame ? undefined : granted.join(" ");
}
