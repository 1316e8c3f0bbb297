/** Signatures in XML: which keys and algorithms count, and how often a document is read for them. */
import assert from "node:assert/strict";
import { createSign } from "node:crypto";
import { test } from "node:test";
import { SignedXml } from "xml-crypto";
import { isSigned, readSigned, UnknownSigner } from "../../src/domain/saml/signature.ts";
import { readSamlXml } from "../../src/domain/saml/xml.ts";
import { textOf } from "../../src/lib/xml.ts";
import { newKey, pem } from "./saml-kit.ts";

const [signer, other] = [await newKey("signer"), await newKey("other")];
const [right, wrong] = [pem(signer.certificate), pem(other.certificate)];
const limits = { characters: 100_000, depth: 20, elements: 100 };
const assertion = "urn:oasis:names:tc:SAML:2.0:assertion";
const signatureMethods = {
  "RSA with SHA-256": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
  "RSA with SHA-512": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
  "RSA-PSS with SHA-256": "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
} as const;

function signedBy(
  signatureAlgorithm: (typeof signatureMethods)[keyof typeof signatureMethods],
  says = "it",
): string {
  const { privateKey } = signer;
  const canonicalizationAlgorithm = "http://www.w3.org/2001/10/xml-exc-c14n#";
  const signing = new SignedXml({ privateKey, signatureAlgorithm, canonicalizationAlgorithm });
  signing.addReference({
    xpath: "/*",
    transforms: ["http://www.w3.org/2000/09/xmldsig#enveloped-signature", canonicalizationAlgorithm],
    digestAlgorithm: "http://www.w3.org/2001/04/xmlenc#sha256",
  });
  signing.computeSignature(
    `<a:Assertion xmlns:a="${assertion}" ID="_1"><a:Issuer>${says}</a:Issuer></a:Assertion>`,
  );
  return signing.getSignedXml();
}

async function read(text: string, certificates: readonly string[]): Promise<string> {
  const root = readSamlXml(text, limits);
  assert.ok(isSigned(root));
  return textOf(await readSigned(text, root, certificates, limits));
}

for (const [title, method] of Object.entries(signatureMethods))
  test(`${title}: any certificate of the provider counts, and no other`, async () => {
    const text = signedBy(method);
    for (const certificates of [[right], [wrong, right], [right, wrong]])
      assert.equal(await read(text, certificates), "it");
    for (const certificates of [[wrong], [wrong, wrong], []])
      await assert.rejects(read(text, certificates), UnknownSigner);
    const changed = text.replace(">it<", ">me<");
    await assert.rejects(read(changed, [right]), UnknownSigner);
  });

test("twenty certificates cost a document one reading if one fits, and none if not", async (t) => {
  const text = signedBy(signatureMethods["RSA with SHA-256"]);
  const readings = t.mock.method(SignedXml.prototype, "checkSignature").mock;
  const certificates = Array.from({ length: 19 }, () => wrong);
  assert.equal(await read(text, [...certificates, right]), "it");
  assert.equal(readings.callCount(), 1);
  await assert.rejects(read(text, [...certificates, wrong]), UnknownSigner);
  const forged = text.replace(/(<(?:\w+:)?SignatureValue>)[^<]+/, "$1AAAA");
  assert.notEqual(forged, text);
  await assert.rejects(read(forged, [right]), UnknownSigner);
  assert.equal(readings.callCount(), 1);
});

test("prefixes of SignedInfo that are declared around it (Exclusive XML Canonicalization section 3)", async () => {
  const { privateKey } = signer;
  const canonicalizationAlgorithm = "http://www.w3.org/2001/10/xml-exc-c14n#";
  const signing = new SignedXml({
    ...{ privateKey, canonicalizationAlgorithm },
    signatureAlgorithm: signatureMethods["RSA with SHA-256"],
  });
  signing.addReference({
    xpath: "/*",
    transforms: ["http://www.w3.org/2000/09/xmldsig#enveloped-signature", canonicalizationAlgorithm],
    digestAlgorithm: "http://www.w3.org/2001/04/xmlenc#sha256",
  });
  signing.computeSignature(
    `<a:Assertion xmlns:a="${assertion}" xmlns:t="urn:types" ID="_1"><a:Issuer>it</a:Issuer></a:Assertion>`,
  );
  // As signers write it whose SignedInfo mentions a prefix in a value.
  const listed = signing
    .getSignedXml()
    .replace(
      /(<CanonicalizationMethod [^>]*?)\/>/,
      `$1><c:InclusiveNamespaces xmlns:c="${canonicalizationAlgorithm}" PrefixList="t a"/></CanonicalizationMethod>`,
    );
  const [, info = ""] = /<SignedInfo>(.*)<\/SignedInfo>/s.exec(listed) ?? assert.fail(listed);
  const dsig = "http://www.w3.org/2000/09/xmldsig#";
  const canonical =
    `<SignedInfo xmlns="${dsig}" xmlns:a="${assertion}" xmlns:t="urn:types">${info}</SignedInfo>`
      .replace(/<([\w:]+)((?: [^<>]*?)?)\/>/g, "<$1$2></$1>")
      .replace(/(<c:InclusiveNamespaces) (xmlns:c="[^"]*") (PrefixList="[^"]*")/, "$1 $2 $3");
  const value = createSign("RSA-SHA256").update(canonical).sign(privateKey, "base64");
  const text = listed.replace(/(<SignatureValue>)[^<]+/, `$1${value}`);
  assert.equal(await read(text, [right]), "it");
});

test("a signature has not more elements than one needs", async () => {
  const text = signedBy(signatureMethods["RSA with SHA-256"]);
  const full = text.replace("</Signature>", `<KeyInfo>${"<a/>".repeat(50)}</KeyInfo></Signature>`);
  assert.notEqual(full, text);
  await assert.rejects(read(full, [right]), /more than 50 elements/);
});

test("lines may end as they do on Windows (XML 1.0 section 2.11)", async () => {
  const text = signedBy(signatureMethods["RSA with SHA-256"], "it\nis");
  const other = `<?xml version="1.0"?>\n${text}\n`.replaceAll("\n", "\r\n");
  assert.notEqual(other, text);
  assert.equal(await read(other, [right]), "it\nis");
});
