/**
 * SECRET_HASH: proof that the caller has one of the client's secrets ("Computing secret hash values", Amazon Cognito
 * Developer Guide).
 */
import { equalText } from "../../lib/bytes.ts";
import { secretHashFits } from "../../lib/secret-hash.ts";
import { refuse } from "../../wire/refuse.ts";
import type { Client } from "../user-pools/load-pool.ts";

/**
 * Checks the hash over the username as submitted in this request, with either of two secrets. A client without a secret
 * accepts any hash or none. Cognito's message differs between sign-in operations and others. Throws
 * NotAuthorizedException.
 */
export function checkSecretHash(
  client: Client,
  username: string,
  hash: string | undefined,
  operation: "auth" | "other",
): void {
  if (client.secrets.length === 0) return;
  if (hash === undefined) {
    refuse(
      "NotAuthorizedException",
      operation === "auth"
        ? `Client ${client.id} is configured with secret but SECRET_HASH was not received`
        : `Client ${client.id} is configured for secret but secret was not received`,
    );
  }
  if (!secretHashFits(hash, client.secrets, username, client.id)) {
    refuse(
      "NotAuthorizedException",
      operation === "auth"
        ? `SecretHash does not match for the client: ${client.id}`
        : `Unable to verify secret hash for client ${client.id}`,
    );
  }
}

/** Whether a plain secret, as GetTokensFromRefreshToken and RevokeToken take it, is one of the client's. */
export function clientSecretFits(client: Client, secret: string | undefined): boolean {
  if (client.secrets.length === 0) return true;
  return secret !== undefined && client.secrets.filter((known) => equalText(known, secret)).length > 0;
}
