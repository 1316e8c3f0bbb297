/** The client's side of a sign-in by SRP (RFC 5054, and what Cognito makes of it). */
import { createHash, createHmac, randomBytes } from "node:crypto";
import { modPow } from "../../bench/lib/mod-pow.ts";
import { N, pad } from "../../src/lib/srp.ts";

const integer = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
const sha256 = (...parts: (Uint8Array | string)[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const hmac = (key: Uint8Array, ...parts: (Uint8Array | string)[]) => {
  const made = createHmac("sha256", key);
  for (const part of parts) made.update(part);
  return made.digest();
};

/** x: the secret hashed with the salt, whose hex is taken byte by byte. */
export const saltedSecret = (salt: string, secret: string) =>
  integer(sha256(Buffer.from(salt, "hex"), sha256(secret)));

/**
 * The client's side of SRP, for tests that must send the same proof more than once. It hashes the salt as the text says,
 * like clients in other languages that never make a number of it.
 */
export class SrpClient {
  readonly #a = integer(randomBytes(32));
  readonly A = modPow(2n, this.#a);

  get srpA(): string {
    return this.A.toString(16);
  }

  /** The answer to PASSWORD_VERIFIER. */
  prove(
    poolId: string,
    parameters: Readonly<Record<string, string>>,
    secret: string,
    now = new Date(),
  ): Record<string, string> {
    const group = poolId.slice(poolId.indexOf("_") + 1);
    const identity = parameters["USER_ID_FOR_SRP"]!;
    const B = BigInt(`0x${parameters["SRP_B"]}`);
    const x = saltedSecret(parameters["SALT"]!, `${group}${identity}:${secret}`);
    const k = integer(sha256(pad(N), pad(2n)));
    const u = integer(sha256(pad(this.A), pad(B)));
    const S = modPow((((B - k * modPow(2n, x)) % N) + N) % N, this.#a + u * x);
    const K = hmac(hmac(pad(u), pad(S)), "Caldera Derived Key\x01").subarray(0, 16);
    const [day, date, month, year, time] = now.toUTCString().replace(",", "").split(" ");
    const TIMESTAMP = `${day} ${month} ${Number(date)} ${time} UTC ${year}`;
    const block = Buffer.from(parameters["SECRET_BLOCK"]!, "base64");
    return {
      USERNAME: identity,
      PASSWORD_CLAIM_SECRET_BLOCK: parameters["SECRET_BLOCK"]!,
      PASSWORD_CLAIM_SIGNATURE: hmac(K, group, identity, block, TIMESTAMP).toString("base64"),
      TIMESTAMP,
    };
  }
}
