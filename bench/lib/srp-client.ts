/** The client's side of SRP with as little work as possible: one ephemeral key, and v = g^x cached per user. */
import { randomBytes } from "node:crypto";
import { hmacSha256, sha256, toHex } from "../../src/lib/bytes.ts";
import { k, makeVerifier, N, pad, signature } from "../../src/lib/srp.ts";
import { modPow } from "./mod-pow.ts";

const integer = (bytes: Uint8Array) => BigInt(`0x${toHex(bytes)}`);

export class SrpClient {
  readonly #a = integer(randomBytes(32));
  readonly #A: bigint;
  readonly #users = new Map<string, { x: bigint; gx: bigint }>();
  readonly #group: string;
  readonly #password: string;

  constructor(poolId: string, password: string) {
    this.#group = poolId.slice(poolId.indexOf("_") + 1);
    this.#password = password;
    this.#A = modPow(2n, this.#a);
  }

  get srpA(): string {
    return this.#A.toString(16);
  }

  /** The answer to PASSWORD_VERIFIER. */
  prove(parameters: Readonly<Record<string, string>>): Record<string, string> {
    const identity = parameters["USER_ID_FOR_SRP"]!;
    const { x, gx } = this.#userOf(identity, parameters["SALT"]!);
    const B = BigInt(`0x${parameters["SRP_B"]}`);
    const u = integer(sha256(pad(this.#A), pad(B)));
    const S = modPow((((B - k * gx) % N) + N) % N, this.#a + u * x);
    const K = hmacSha256(hmacSha256(pad(u), pad(S)), "Caldera Derived Key\x01").subarray(0, 16);
    const TIMESTAMP = timestamp(new Date());
    const block = parameters["SECRET_BLOCK"]!;
    return {
      USERNAME: identity,
      PASSWORD_CLAIM_SECRET_BLOCK: block,
      PASSWORD_CLAIM_SIGNATURE: signature(
        K,
        this.#group,
        identity,
        Buffer.from(block, "base64"),
        TIMESTAMP,
      ).toString("base64"),
      TIMESTAMP,
    };
  }

  #userOf(identity: string, saltHex: string): { x: bigint; gx: bigint } {
    const found = this.#users.get(identity);
    if (found !== undefined) return found;
    const salt = pad(BigInt(`0x${saltHex}`));
    const x = integer(sha256(salt, sha256(`${this.#group}${identity}:${this.#password}`)));
    const gx = integer(makeVerifier({ group: this.#group, identity, password: this.#password, salt }));
    const made = { x, gx };
    this.#users.set(identity, made);
    return made;
  }
}

/** `Sat Nov 21 09:00:00 UTC 2026`. */
function timestamp(now: Date): string {
  const [day, date, month, year, time] = now.toUTCString().replace(",", "").split(" ");
  return `${day} ${month} ${Number(date)} ${time} UTC ${year}`;
}
