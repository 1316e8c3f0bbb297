/** Keys of the 3072-bit MODP group (RFC 3526 section 4) with a 256-bit private exponent, in DER. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";

export function modp3072(): { privateDer: Buffer; publicDer: Buffer } {
  // OpenSSL chooses an exponent of twice the group's strength for its named groups, which is 256 bits here.
  const { privateKey, publicKey } = generateKeyPairSync(
    "dh" as never,
    { group: "modp15" } as never,
  ) as unknown as {
    privateKey: KeyObject;
    publicKey: KeyObject;
  };
  return {
    privateDer: privateKey.export({ type: "pkcs8", format: "der" }),
    publicDer: publicKey.export({ type: "spki", format: "der" }),
  };
}
