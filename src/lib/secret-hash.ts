/** Cognito's SECRET_HASH ("Computing secret hash values", Amazon Cognito Developer Guide). */
import { equalText, hmacSha256, toBase64 } from "./bytes.ts";

/** Base64(HMAC-SHA256(key = client secret, message = username + client id)). */
export function secretHash(clientSecret: string, username: string, clientId: string): string {
  return toBase64(hmacSha256(clientSecret, username, clientId));
}

/**
 * Whether `given` is the hash under any of the client's secrets (there are two while one is being rotated). Every
 * secret is tried, so that the time does not reveal which one matched.
 */
export function secretHashFits(
  given: string,
  clientSecrets: readonly string[],
  username: string,
  clientId: string,
): boolean {
  let fits = false;
  for (const secret of clientSecrets) {
    if (equalText(given, secretHash(secret, username, clientId))) fits = true;
  }
  return fits;
}
