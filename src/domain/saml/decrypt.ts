/** Decrypts assertions and names (XML Encryption, SAML 2.0 Core sections 2.3.4 and 2.2.4). Pure. */
import { constants, createDecipheriv, type DecipherGCM, type KeyObject, privateDecrypt } from "node:crypto";
import { elementsOf, textOf, walkXml, type XmlElement } from "../../lib/xml.ts";
import { attribute, child, fault, isElement, namespaces, theChild } from "./xml.ts";

/** Loads the key that decrypts what a provider has encrypted, where there is such a thing. */
export type DecryptionKey = () => Promise<KeyObject>;

const [xmlenc, xmlenc11] = [namespaces.encryption, "http://www.w3.org/2009/xmlenc11#"];

interface Cipher {
  readonly name: string;
  /** In bytes. */
  readonly key: number;
  readonly iv: number;
}

/** Algorithms of the content. */
const ciphers: Readonly<Record<string, Cipher>> = {
  [`${xmlenc11}aes128-gcm`]: { name: "aes-128-gcm", key: 16, iv: 12 },
  [`${xmlenc11}aes192-gcm`]: { name: "aes-192-gcm", key: 24, iv: 12 },
  [`${xmlenc11}aes256-gcm`]: { name: "aes-256-gcm", key: 32, iv: 12 },
  [`${xmlenc}aes128-cbc`]: { name: "aes-128-cbc", key: 16, iv: 16 },
  [`${xmlenc}aes192-cbc`]: { name: "aes-192-cbc", key: 24, iv: 16 },
  [`${xmlenc}aes256-cbc`]: { name: "aes-256-cbc", key: 32, iv: 16 },
};

/** Hashes of RSA-OAEP, by DigestMethod and by the mask generation function (MGF). */
const hashes: Readonly<Record<string, string>> = {
  "http://www.w3.org/2000/09/xmldsig#sha1": "sha1",
  [`${xmlenc}sha256`]: "sha256",
  [`${xmlenc}sha512`]: "sha512",
  [`${xmlenc11}mgf1sha1`]: "sha1",
  [`${xmlenc11}mgf1sha256`]: "sha256",
  [`${xmlenc11}mgf1sha512`]: "sha512",
};

/** Ciphers that a service provider's metadata announces, the best first. */
export const announcedCiphers: readonly string[] = ["256", "128"].flatMap((bits) => [
  `${xmlenc11}aes${bits}-gcm`,
  `${xmlenc}aes${bits}-cbc`,
]);

/** What is inside an EncryptedAssertion or EncryptedID. Throws SamlFault, or whatever Node throws: callers tell nobody which. */
export function decryptElement(encrypted: XmlElement, key: KeyObject): string {
  const data = theChild(encrypted, "encryption", "EncryptedData");
  const cipher =
    ciphers[attribute(theChild(data, "encryption", "EncryptionMethod"), "Algorithm")] ??
    fault(`the ${encrypted.name} is encrypted by an algorithm that is not allowed.`);
  const keys = [...walkXml(encrypted)].filter(({ element }) =>
    isElement(element, "encryption", "EncryptedKey"),
  );
  const [wrapped, another] = keys;
  if (wrapped === undefined || another !== undefined) fault(`the ${encrypted.name} needs one EncryptedKey.`);
  const contentKey = unwrap(wrapped.element, key);
  if (contentKey.length !== cipher.key) fault("the EncryptedKey does not fit the algorithm.");
  return new TextDecoder("utf-8", { fatal: true }).decode(decipher(cipher, contentKey, cipherValue(data)));
}

function cipherValue(parent: XmlElement): Buffer {
  const data = theChild(parent, "encryption", "CipherData");
  return Buffer.from(textOf(theChild(data, "encryption", "CipherValue")), "base64");
}

function unwrap(wrapped: XmlElement, key: KeyObject): Buffer {
  const method = theChild(wrapped, "encryption", "EncryptionMethod");
  const name = attribute(method, "Algorithm");
  if (name !== `${xmlenc}rsa-oaep-mgf1p` && name !== `${xmlenc11}rsa-oaep`)
    fault(`the key transport ${name.slice(0, 100)} is not allowed.`);
  const digest = child(method, "signature", "DigestMethod")?.attributes.get("Algorithm");
  const mask = elementsOf(method)
    .find((element) => element.namespace === xmlenc11 && element.name === "MGF")
    ?.attributes.get("Algorithm");
  const oaepHash = digest === undefined ? "sha1" : hashes[digest];
  // Node has one hash for both.
  if (oaepHash === undefined || (mask === undefined ? "sha1" : hashes[mask]) !== oaepHash)
    fault("RSA-OAEP is used with hashes that are not supported: both must be the same.");
  return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, cipherValue(wrapped));
}

function decipher({ name, iv }: Cipher, key: Buffer, bytes: Buffer): Buffer {
  const opening = createDecipheriv(name, key, bytes.subarray(0, iv));
  if (name.endsWith("gcm")) {
    if (bytes.length < iv + 16) fault("the encrypted content is too short.");
    (opening as DecipherGCM).setAuthTag(bytes.subarray(-16));
    return Buffer.concat([opening.update(bytes.subarray(iv, -16)), opening.final()]);
  }
  // XML Encryption section 5.2.1: the last byte says how long the padding is; the others may be anything.
  opening.setAutoPadding(false);
  const padded = Buffer.concat([opening.update(bytes.subarray(iv)), opening.final()]);
  const padding = padded.at(-1) ?? 0;
  if (padding < 1 || padding > 16) fault("the padding is wrong.");
  return padded.subarray(0, -padding);
}
