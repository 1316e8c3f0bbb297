/**
 * A SAML provider for sign-ins that are measured. It writes assertions in the form that exclusive canonicalization gives
 * them, so that making one costs little more than its signature.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { inflateRawSync } from "node:zlib";
import { selfSignedCertificate } from "../../src/integrations/certificates.ts";

const entityId = "https://idp.example/metadata";
const saml = "urn:oasis:names:tc:SAML:2.0";
const dsig = "http://www.w3.org/2000/09/xmldsig#";
const exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
const claims = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";

interface Asked {
  readonly poolId: string;
  /** The Assertion Consumer Service. */
  readonly acs: string;
  readonly nameId: string;
}

export interface SamlStandIn {
  readonly metadata: string;
  readonly mapping: Readonly<Record<string, string>>;
  /** The SAMLResponse, in base64, to the request in the URL that a browser was sent to. */
  answer(location: URL, asked: Asked): string;
}

export async function newSamlProvider(): Promise<SamlStandIn> {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const certificate = await selfSignedCertificate({
    commonName: "bench",
    keys: {
      privateKey: privateKey.toCryptoKey(algorithm, true, ["sign"]),
      publicKey: publicKey.toCryptoKey(algorithm, true, ["verify"]),
    },
    from: Date.now() - 86_400_000,
    until: Date.now() + 86_400_000,
    serial: randomBytes(8),
  });
  const keyInfo = `<ds:KeyInfo xmlns:ds="${dsig}"><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`;
  return {
    metadata: `<md:EntityDescriptor xmlns:md="${saml}:metadata" entityID="${entityId}"><md:IDPSSODescriptor protocolSupportEnumeration="${saml}:protocol"><md:KeyDescriptor use="signing">${keyInfo}</md:KeyDescriptor><md:SingleSignOnService Binding="${saml}:bindings:HTTP-Redirect" Location="https://idp.example/sign-in"/></md:IDPSSODescriptor></md:EntityDescriptor>`,
    mapping: {
      email: `${claims}/emailaddress`,
      given_name: `${claims}/givenname`,
      family_name: `${claims}/surname`,
    },
    answer: (location, asked) => {
      const request = inflateRawSync(Buffer.from(location.searchParams.get("SAMLRequest") ?? "", "base64"));
      const [, requestId] = / ID="([^"]*)"/.exec(request.toString()) ?? [];
      if (requestId === undefined) throw new Error(`no request: ${location}`);
      const assertion = signed(assertionTo(requestId, asked), privateKey, keyInfo);
      return Buffer.from(responseTo(requestId, asked, assertion)).toString("base64");
    },
  };
}

const newId = () => `_${randomBytes(16).toString("hex")}`;
const instant = (seconds = 0) => new Date(Date.now() + seconds * 1000).toISOString();

/** Ten attributes, as the large providers send them by default. */
const attributesOf = (nameId: string) =>
  Object.entries({
    [`${claims}/emailaddress`]: `${nameId}@example.com`,
    [`${claims}/givenname`]: "Ada",
    [`${claims}/surname`]: "Example",
    [`${claims}/name`]: nameId,
    "http://schemas.microsoft.com/identity/claims/displayname": "Ada Example",
    "http://schemas.microsoft.com/identity/claims/objectidentifier": "5a5ab7a0-0000-4000-8000-000000000000",
    "http://schemas.microsoft.com/identity/claims/tenantid": "9c1d2a55-0000-4000-8000-000000000000",
    "http://schemas.microsoft.com/identity/claims/identityprovider": entityId,
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/role": "reader",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/department": "research",
  })
    .map(
      ([name, value]) =>
        `<saml:Attribute Name="${name}"><saml:AttributeValue>${value}</saml:AttributeValue></saml:Attribute>`,
    )
    .join("");

const issuer = `<saml:Issuer>${entityId}</saml:Issuer>`;

/** The parts before and after the place of the signature. */
function assertionTo(requestId: string, { poolId, acs, nameId }: Asked): [id: string, string, string] {
  const id = newId();
  const until = instant(300);
  const confirmation = `<saml:SubjectConfirmation Method="${saml}:cm:bearer"><saml:SubjectConfirmationData InResponseTo="${requestId}" NotOnOrAfter="${until}" Recipient="${acs}"></saml:SubjectConfirmationData></saml:SubjectConfirmation>`;
  return [
    id,
    `<saml:Assertion xmlns:saml="${saml}:assertion" ID="${id}" IssueInstant="${instant()}" Version="2.0">${issuer}`,
    `<saml:Subject><saml:NameID>${nameId}</saml:NameID>${confirmation}</saml:Subject>` +
      `<saml:Conditions NotBefore="${instant(-60)}" NotOnOrAfter="${until}"><saml:AudienceRestriction><saml:Audience>urn:amazon:cognito:sp:${poolId}</saml:Audience></saml:AudienceRestriction></saml:Conditions>` +
      `<saml:AttributeStatement>${attributesOf(nameId)}</saml:AttributeStatement>` +
      `<saml:AuthnStatement AuthnInstant="${instant()}" SessionIndex="${id}"></saml:AuthnStatement></saml:Assertion>`,
  ];
}

function signed(
  [id, before, after]: ReturnType<typeof assertionTo>,
  key: KeyObject,
  keyInfo: string,
): string {
  const method = (name: string, algorithm: string) => `<ds:${name} Algorithm="${algorithm}"></ds:${name}>`;
  const digest = createHash("sha256")
    .update(before + after)
    .digest("base64");
  const signedInfo =
    `<ds:SignedInfo xmlns:ds="${dsig}">${method("CanonicalizationMethod", exclusive)}` +
    `${method("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")}<ds:Reference URI="#${id}">` +
    `<ds:Transforms>${method("Transform", `${dsig}enveloped-signature`)}${method("Transform", exclusive)}</ds:Transforms>` +
    `${method("DigestMethod", "http://www.w3.org/2001/04/xmlenc#sha256")}<ds:DigestValue>${digest}</ds:DigestValue>` +
    "</ds:Reference></ds:SignedInfo>";
  const value = sign("sha256", Buffer.from(signedInfo), key).toString("base64");
  return `${before}<ds:Signature xmlns:ds="${dsig}">${signedInfo}<ds:SignatureValue>${value}</ds:SignatureValue>${keyInfo}</ds:Signature>${after}`;
}

function responseTo(requestId: string, { acs }: Asked, assertion: string): string {
  const status = `<samlp:Status><samlp:StatusCode Value="${saml}:status:Success"/></samlp:Status>`;
  return `<samlp:Response xmlns:samlp="${saml}:protocol" xmlns:saml="${saml}:assertion" ID="${newId()}" Version="2.0" IssueInstant="${instant()}" Destination="${acs}" InResponseTo="${requestId}">${issuer}${status}${assertion}</samlp:Response>`;
}
