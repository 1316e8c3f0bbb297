/** Access tokens of the user pool, verified offline with the pool's published keys. */
import { createRemoteJWKSet, decodeJwt, errors, type JWTPayload, jwtVerify } from "jose";
import { setting } from "./settings.ts";

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

const issuer = setting("ISSUER");
const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));

/**
 * Our own client, and the one with which scripts sign in. Tokens that the pool issued to other applications are not for
 * us.
 */
const clients: readonly unknown[] = [setting("CLIENT_ID"), setting("SCRIPT_CLIENT_ID")];

/** The user of a token; undefined if it is forged, expired, not an access token, or not for us. */
export async function userOf(token: string): Promise<User | undefined> {
  try {
    const options = { issuer, algorithms: ["RS256"], requiredClaims: ["exp"] };
    const { payload } = await jwtVerify(token, keys, options);
    if (payload["token_use"] !== "access" || !clients.includes(payload["client_id"])) return undefined;
    return named(payload);
  } catch (error) {
    if (error instanceof errors.JOSEError && !keysAreMissing(error)) return undefined;
    throw error;
  }
}

/** The user in a token that has been verified before, and may have expired since. */
export const userIn = (token: string): User => named(decodeJwt(token));

function named({ username, "cognito:groups": groups }: JWTPayload): User {
  return { name: String(username), groups: Array.isArray(groups) ? groups : [] };
}

/** Whether the keys could not be loaded, which says nothing about the token. */
const keysAreMissing = ({ code }: errors.JOSEError) =>
  code === errors.JWKSTimeout.code || code === errors.JWKSInvalid.code || code === errors.JOSEError.code;
