/** base^exponent mod N by OpenSSL: a Diffie-Hellman secret with the base as public value. */
import { createPrivateKey, createPublicKey, diffieHellman } from "node:crypto";
import { N, pad } from "../../src/lib/srp.ts";

function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const n = content.length;
  const length = n < 0x80 ? [n] : n < 0x100 ? [0x81, n] : [0x82, n >> 8, n & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...length), content]);
}

const integer = (n: bigint) => der(0x02, pad(n));
const algorithm = der(
  0x30,
  der(0x06, Buffer.from("2a864886f70d010301", "hex")),
  der(0x30, integer(N), integer(2n)),
);

export function modPow(base: bigint, exponent: bigint): bigint {
  const privateKey = createPrivateKey({
    key: der(0x30, integer(0n), algorithm, der(0x04, integer(exponent))),
    format: "der",
    type: "pkcs8",
  });
  const spki = der(0x30, algorithm, der(0x03, Uint8Array.of(0), integer(base)));
  const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });
  return BigInt(`0x${diffieHellman({ privateKey, publicKey }).toString("hex")}`);
}
