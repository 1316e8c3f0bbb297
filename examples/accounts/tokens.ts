/** Access tokens of the pool, verified offline with its published keys. */
import { createVerifier, TokenError } from "poolhouse/verify";
import { setting } from "./settings.ts";

const verifier = createVerifier({ issuer: setting("ISSUER"), clientId: setting("CLIENT_ID") });

/** The name of a token's user; undefined if it is forged, expired, not an access token, or not of our client. */
export async function userNameOf(token: string): Promise<string | undefined> {
  try {
    return (await verifier.verify(token)).username;
  } catch (error) {
    // Anything else, such as keys that cannot be read, says nothing about the token.
    if (error instanceof TokenError && error.status === 401) return undefined;
    throw error;
  }
}
