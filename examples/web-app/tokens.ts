/** Access tokens of the user pool, verified offline with the pool's published keys. */
import { decodeJwt } from "jose";
import { createVerifier, TokenError } from "poolhouse/verify";
import { setting } from "./settings.ts";

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

const verifier = createVerifier({
  issuer: setting("ISSUER"),
  // Our own client, and the one with which scripts sign in. Tokens that the pool issued to other applications are not for us.
  clientId: [setting("CLIENT_ID"), setting("SCRIPT_CLIENT_ID")],
});

/** The user of a token; undefined if it is forged, expired, not an access token, or not for us. */
export async function userOf(token: string): Promise<User | undefined> {
  try {
    const { username, subject, groups } = await verifier.verify(token);
    return { name: username ?? subject, groups };
  } catch (error) {
    // Anything else, such as keys that cannot be read, says nothing about the token.
    if (error instanceof TokenError && error.status === 401) return undefined;
    throw error;
  }
}

/** The user in a token that has been verified before, and may have expired since. */
export function userIn(token: string): User {
  const { username, "cognito:groups": groups } = decodeJwt(token);
  return { name: String(username), groups: Array.isArray(groups) ? groups : [] };
}
