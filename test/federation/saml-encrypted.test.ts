/** Encrypted assertions and names by an encrypter of our own: what is accepted, and what all ends in one and the same refusal. */
import assert from "node:assert/strict";
import { constants, createCipheriv, publicEncrypt, randomBytes } from "node:crypto";
import { test } from "node:test";
import { saml } from "../../src/domain/federation/saml.ts";
import { readLogoutMessage } from "../../src/domain/federation/saml-logout.ts";
import { Refusal } from "../../src/lib/refusal.ts";
import { forEachServer } from "../kit/server.ts";
import {
  base64,
  contextOf,
  entityId,
  type Key,
  makePlace,
  metadataOf,
  newKey,
  pem,
  responseXml,
  type Said,
  sayings,
  signAt,
  slo,
} from "./saml-kit.ts";

const keys = { idp: await newKey("provider"), foreign: await newKey("foreign"), own: await newKey("own") };

const xmlenc = "http://www.w3.org/2001/04/xmlenc#";
const xmlenc11 = "http://www.w3.org/2009/xmlenc11#";
const sha1 = "http://www.w3.org/2000/09/xmldsig#sha1";

interface Encryption {
  readonly cipher: string;
  readonly transport: string;
  readonly padding: number;
  readonly hash: string;
  /** Children of the key's EncryptionMethod. */
  readonly methods: string;
  readonly to: Key;
  /** Where the EncryptedKey lies, and how often. */
  readonly key: "inside" | "beside" | "twice" | "nowhere";
  readonly tamper: (bytes: Buffer) => Buffer;
  readonly change: (assertion: string) => string;
}

const usual: Encryption = {
  cipher: `${xmlenc11}aes256-gcm`,
  transport: `${xmlenc}rsa-oaep-mgf1p`,
  padding: constants.RSA_PKCS1_OAEP_PADDING,
  hash: "sha1",
  methods: `<ds:DigestMethod Algorithm="${sha1}"/>`,
  to: keys.own,
  key: "inside",
  tamper: (bytes) => bytes,
  change: (assertion) => assertion,
};

/** XML Encryption 1.1 sections 5.2 and 5.5. */
function encrypt(assertion: string, by: Encryption, element = "EncryptedAssertion"): string {
  const [, bits = "", mode = ""] = /aes(\d+)-(gcm|cbc)$/.exec(by.cipher) ?? [];
  const [key, iv] = [randomBytes(Number(bits) / 8), randomBytes(mode === "gcm" ? 12 : 16)];
  const cipher = createCipheriv(`aes-${bits}-${mode}`, key, iv);
  const sealed: Buffer[] = [iv, cipher.update(by.change(assertion)), cipher.final()];
  if (mode === "gcm") sealed.push((cipher as unknown as { getAuthTag(): Buffer }).getAuthTag());
  const wrapped = publicEncrypt({ key: pem(by.to.certificate), padding: by.padding, oaepHash: by.hash }, key);
  const value = (bytes: Buffer) =>
    `<xenc:CipherData><xenc:CipherValue>${bytes.toString("base64")}</xenc:CipherValue></xenc:CipherData>`;
  const encryptedKey = `<xenc:EncryptedKey Id="_key"><xenc:EncryptionMethod Algorithm="${by.transport}">${by.methods}</xenc:EncryptionMethod>${value(wrapped)}</xenc:EncryptedKey>`;
  const inner = {
    inside: encryptedKey,
    beside: '<ds:RetrievalMethod URI="#_key"/>',
    twice: encryptedKey,
    nowhere: "",
  };
  const outer = {
    inside: "",
    beside: encryptedKey,
    twice: encryptedKey.replace("_key", "_key2"),
    nowhere: "",
  };
  return `<saml:${element} xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xenc="${xmlenc}" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedData Type="${xmlenc}Element"><xenc:EncryptionMethod Algorithm="${by.cipher}"/><ds:KeyInfo>${inner[by.key]}</ds:KeyInfo>${value(by.tamper(Buffer.concat(sealed)))}</xenc:EncryptedData>${outer[by.key]}</saml:${element}>`;
}

function encrypted(said: Said, how: Partial<Encryption>): string {
  const xml = responseXml({ ...said, signs: said.signs === "response" ? "nothing" : said.signs });
  const [assertion] = /<saml:Assertion [\s\S]*<\/saml:Assertion>/.exec(xml) ?? assert.fail();
  // What is encrypted stands by itself, with the prefixes it needs.
  const whole = assertion.replace(
    "<saml:Assertion ",
    '<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ',
  );
  const response = xml.replace(assertion, encrypt(whole, { ...usual, ...how }));
  if (said.signs !== "response") return response;
  return signAt(response, "/*[local-name()='Response']", { signer: said.signer });
}

const flip = (bytes: Buffer, at: number) => {
  const copy = Buffer.from(bytes);
  copy[at < 0 ? copy.length + at : at]! ^= 1;
  return copy;
};
const wrongly: Readonly<Record<string, Partial<Encryption> & { readonly said?: Partial<Said> }>> = {
  "RSA 1.5": { transport: `${xmlenc}rsa-1_5`, padding: constants.RSA_PKCS1_PADDING },
  "another padding than it says": { padding: constants.RSA_PKCS1_PADDING },
  "no key": { key: "nowhere" },
  "the key of another": { to: keys.foreign },
  "two keys": { key: "twice" },
  "a mask by another hash": { methods: `<ds:DigestMethod Algorithm="${xmlenc}sha256"/>`, hash: "sha256" },
  "a changed ciphertext": { tamper: (bytes) => flip(bytes, 40) },
  "a changed tag": { tamper: (bytes) => flip(bytes, -1) },
  "a cut ciphertext": { tamper: (bytes) => bytes.subarray(0, 20) },
  "a changed ciphertext of CBC": { cipher: `${xmlenc}aes128-cbc`, tamper: (bytes) => flip(bytes, 100) },
  "a changed padding of CBC": { cipher: `${xmlenc}aes128-cbc`, tamper: (bytes) => flip(bytes, -17) },
  "another length of CBC": { cipher: `${xmlenc}aes128-cbc`, tamper: (bytes) => bytes.subarray(0, -1) },
  "no XML": { change: () => "hello" },
  "no assertion": { change: () => '<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>' },
  "a document type": { change: (text) => `<!DOCTYPE a>${text}` },
  "no signature": { said: { signs: "nothing" } },
  "the signature of a stranger": { said: { signer: keys.foreign } },
  "a signature by SHA-1": { said: { algorithm: "sha1" } },
  "a changed name": { change: (text) => text.replace(">ann@", ">admin@") },
  "an assertion in the assertion": {
    change: (text) =>
      text.replace("<saml:Subject>", `${text.replaceAll(' ID="', ' ID="evil')}<saml:Subject>`),
  },
};

forEachServer("Encrypted assertions", (open, database) => {
  // Nothing of this is stored.
  if (database !== "sqlite") return;
  test("are accepted by what is safe, and end in one refusal otherwise", async () => {
    const server = await open();
    const details = { MetadataFile: metadataOf([keys.idp.certificate]), EncryptedResponses: "true" };
    const place = await makePlace(server, details, { pool: keys.own, provider: keys.own });
    const verify = (how: Partial<Encryption>, said: Partial<Said> = {}) => {
      const from = { now: server.clock.now, poolId: place.pool.id, signer: keys.idp };
      return saml.verify(contextOf(server), {
        ...place,
        remembered: { requestId: "_request" },
        parameters: new URLSearchParams({
          SAMLResponse: base64(encrypted(sayings(from, "_request", said), how)),
        }),
      });
    };
    const sha256 = {
      transport: `${xmlenc11}rsa-oaep`,
      hash: "sha256",
      methods: `<ds:DigestMethod Algorithm="${xmlenc}sha256"/><x:MGF xmlns:x="${xmlenc11}" Algorithm="${xmlenc11}mgf1sha256"/>`,
    };
    const ciphers = ["128", "192", "256"].flatMap((bits) => [
      `${xmlenc11}aes${bits}-gcm`,
      `${xmlenc}aes${bits}-cbc`,
    ]);
    for (const how of [
      ...ciphers.map((cipher) => ({ cipher })),
      sha256,
      { methods: "" },
      { key: "beside" as const },
    ])
      assert.equal((await verify(how)).subject, "ann@example.com", JSON.stringify(how));
    assert.equal((await verify({}, { signs: "response" })).subject, "ann@example.com");
    for (const [name, { said, ...how }] of Object.entries(wrongly))
      await assert.rejects(
        verify(how, said),
        (error: unknown) => {
          assert.ok(error instanceof Refusal, `${name}: ${String((error as Error).stack)}`);
          const one = "the EncryptedAssertion cannot be decrypted, or is not signed by the provider.";
          assert.equal(error.message, `Error in SAML response processing: ${one}`, name);
          return true;
        },
        name,
      );
  });

  test("an encrypted name is read, in what is signed, encrypted or not, and in logout messages", async () => {
    const server = await open();
    server.clock.freeze();
    const from = { now: server.clock.now, signer: keys.idp };
    const name = '<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">ann</saml:NameID>';
    const hidden = (how: Partial<Encryption> = {}, what = name) =>
      encrypt(what, { ...usual, ...how }, "EncryptedID");
    const refusal =
      "the EncryptedID cannot be decrypted by the key of the provider's ActiveEncryptionCertificate.";
    for (const EncryptedResponses of ["true", "false"]) {
      const details = { MetadataFile: metadataOf([keys.idp.certificate]), EncryptedResponses };
      const place = await makePlace(server, details, { pool: keys.own, provider: keys.own });
      const verify = (named: string) => {
        const said = sayings({ ...from, poolId: place.pool.id }, "_request", { named });
        const response = EncryptedResponses === "true" ? encrypted(said, {}) : responseXml(said);
        return saml.verify(contextOf(server), {
          ...place,
          remembered: { requestId: "_request" },
          parameters: new URLSearchParams({ SAMLResponse: base64(response) }),
        });
      };
      const { subject, logout } = await verify(hidden());
      assert.deepEqual([subject, logout["nameId"]], ["ann", "ann"]);
      const wrong: Readonly<Record<string, string>> = {
        [hidden({ to: keys.foreign })]: refusal,
        [hidden({ change: () => "hello" })]: refusal,
        [hidden({ tamper: (bytes) => flip(bytes, 20) })]: refusal,
        [hidden({}, name.replaceAll("NameID", "BaseID"))]: "there is no NameID in the EncryptedID.",
        [`${name}${hidden()}`]: "the Subject has a NameID and an EncryptedID.",
        "": "the Subject has no NameID and no EncryptedID.",
      };
      for (const [named, why] of Object.entries(wrong))
        await assert.rejects(verify(named), { message: `Error in SAML response processing: ${why}` });
      const request = signAt(
        `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_out" Version="2.0" IssueInstant="${new Date(from.now).toISOString()}" Destination="${slo}"><saml:Issuer>${entityId}</saml:Issuer>${hidden()}</samlp:LogoutRequest>`,
        "/*[local-name()='LogoutRequest']",
        from,
      );
      const sent = new URLSearchParams({ SAMLRequest: base64(request) }).toString();
      const read = await readLogoutMessage(contextOf(server), place, sent, "post");
      assert.equal(read.kind === "request" && read.name.nameId, "ann");
    }
  });
});
