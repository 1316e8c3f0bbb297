/** SECRET_HASH: proof that the caller holds one of the client's secrets (AWS: "Computing secret hash values"). */
import { equalText } from "../../lib/bytes.ts";
import { secretHashFits } from "../../lib/secret-hash.ts";
import { refuse } from "../../wire/refuse.ts";
import type { Client } from "../user-pools/load-pool.ts";

/**
 * Checks the hash over the username as submitted in this request; either of two secrets fits. A client without secret
 * takes any hash or none. The sentences differ between sign-in operations and the others [memory, see facts §2.2].
 * Throws NotAuthorizedException.
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

/** A secret in the clear, as GetTokensFromRefreshToken and RevokeToken take it. */
export function clientSecretFits(client: Client, secret: string | undefined): boolean {
  if (client.secrets.length === 0) return true;
  return secret !== undefined && client.secrets.filter((known) => equalText(known, secret)).length > 0;
}
