/** Access tokens of the pool, verified offline with its published keys. */
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import { setting } from "./settings.ts";

const issuer = setting("ISSUER");
const clientId = setting("CLIENT_ID");
const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));

/** The name of a token's user; undefined if it is forged, expired, not an access token, or not of our client. */
export async function userNameOf(token: string): Promise<string | undefined> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      algorithms: ["RS256"],
      requiredClaims: ["exp", "username"],
    });
    const isOurs = payload["token_use"] === "access" && payload["client_id"] === clientId;
    return isOurs ? String(payload["username"]) : undefined;
  } catch (error) {
    if (error instanceof errors.JOSEError && !keysAreMissing(error)) return undefined;
    throw error;
  }
}

/** Whether the keys could not be loaded, which says nothing about the token. */
const keysAreMissing = ({ code }: errors.JOSEError) =>
  code === errors.JWKSTimeout.code || code === errors.JWKSInvalid.code || code === errors.JOSEError.code;
