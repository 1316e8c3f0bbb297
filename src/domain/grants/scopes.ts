/** Which scopes a client is granted (AWS: "Scopes, M2M, and resource servers"). Pure. */
import type { Client } from "../pools/settings.ts";
import { refuseOAuth } from "./refuse.ts";

/** Scopes that tell of a user only together with `openid`. */
const needOpenid: readonly string[] = ["phone", "email", "profile"];

/**
 * The scopes of a request, each once; all of the client's where it asks for none. Throws invalid_scope for a scope that
 * is not the client's, and for phone, email or profile without openid.
 */
export function grantedScopes(client: Pick<Client, "document">, asked: string | null | undefined): string[] {
  const allowed = client.document.AllowedOAuthScopes ?? [];
  const scopes = [...new Set((asked ?? "").split(" ").filter((scope) => scope !== ""))];
  if (scopes.length === 0) return [...allowed];
  if (scopes.some((scope) => !allowed.includes(scope)))
    refuseOAuth("invalid_scope", "The client may not ask for that scope.");
  if (!scopes.includes("openid") && scopes.some((scope) => needOpenid.includes(scope)))
    refuseOAuth("invalid_scope", "phone, email and profile need openid.");
  return scopes;
}
