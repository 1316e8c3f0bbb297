/** A SAML identity provider of our own, whose every message can be made wrong in one place, and pools that know it. */
import "reflect-metadata";
import { KeyObject, randomBytes } from "node:crypto";
import { signXml } from "@node-saml/node-saml/lib/xml.js";
import { X509CertificateGenerator } from "@peculiar/x509";
import type { Ctx } from "../../src/app.ts";
import type { Place } from "../../src/domain/federation/protocol.ts";
import { findProvider, type Provider } from "../../src/domain/federation/provider.ts";
import { loadPool } from "../../src/domain/user-pools/load-pool.ts";
import { createCtx } from "../../src/http/context.ts";
import { insertProvider } from "../../src/store/identity-providers.ts";
import { insertSamlKey } from "../../src/store/saml-keys.ts";
import { makePool, unique } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { nextSigningPair } from "../kit/signing-pairs.ts";

export interface Key {
  /** PKCS8 PEM. */
  readonly privateKey: string;
  /** DER in base64. */
  readonly certificate: string;
}

export async function newKey(name: string): Promise<Key> {
  const keys = await nextSigningPair();
  const made = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    notBefore: new Date("2020-01-01T00:00:00Z"),
    notAfter: new Date("2060-01-01T00:00:00Z"),
    signingAlgorithm: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    keys: keys as CryptoKeyPair,
  });
  const privateKey = String(KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" }));
  return { privateKey, certificate: Buffer.from(made.rawData).toString("base64") };
}

type CryptoKeyPair = Parameters<typeof X509CertificateGenerator.createSelfSigned>[0]["keys"];

export const entityId = "https://idp.example/metadata";
export const base = "https://login.example";
export const acs = `${base}/saml2/idpresponse`;
export const slo = `${base}/saml2/logout`;

/** Metadata of the provider. `more` is put into the EntityDescriptor's tag, `role` into that of the IDPSSODescriptor. */
export function metadataOf(
  certificates: readonly string[],
  { more = "", role = "", entity = entityId, extra = "" } = {},
): string {
  const at = (name: string, binding: string) =>
    `<md:${name} Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-${binding}" Location="https://idp.example/${name}/${binding}"/>`;
  const keys = certificates.map(
    (certificate) =>
      `<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`,
  );
  return `<?xml version="1.0"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="_metadata" entityID="${entity}" ${more}>${extra}
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" ${role}>
${keys.join("\n")}
${at("SingleLogoutService", "Redirect")}${at("SingleSignOnService", "POST")}${at("SingleSignOnService", "Redirect")}
</md:IDPSSODescriptor></md:EntityDescriptor>`;
}

/** What a response says. `null` leaves the attribute or element out. */
export interface Said {
  readonly now: number;
  readonly poolId: string;
  readonly requestId: string | null;
  readonly confirmedRequestId: string | null;
  readonly destination: string | null;
  readonly responseIssuer: string | null;
  readonly status: string;
  readonly version: string;
  readonly assertionIssuer: string;
  readonly issued: number;
  readonly nameId: string | null;
  /** The whole element that names the user, in place of a NameID. */
  readonly named: string | undefined;
  readonly recipient: string | null;
  readonly confirmedUntil: number | null;
  readonly method: string;
  readonly notBefore: number | null;
  readonly notOnOrAfter: number | null;
  readonly audience: string | null;
  readonly conditions: string | null;
  readonly statement: string;
  readonly attributes: string;
  /** What is signed. */
  readonly signs: "assertion" | "response" | "both" | "nothing";
  readonly algorithm: "sha1" | "sha256" | "sha512";
  readonly digest: "sha1" | "sha256" | "sha512";
  readonly signer: Key;
  /** The certificate that the signature brings along. */
  readonly brings: string | undefined;
}

/** When the user authenticated at the provider. */
export const authnInstant = "2026-01-01T00:00:00Z";

export const success =
  '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>';
export const attributeOf = (name: string, ...values: readonly string[]) =>
  `<saml:Attribute Name="${name}">${values.map((value) => `<saml:AttributeValue>${value}</saml:AttributeValue>`).join("")}</saml:Attribute>`;

const iso = (time: number) => new Date(time).toISOString();
const attr = (name: string, value: string | number | null) =>
  value === null ? "" : ` ${name}="${typeof value === "number" ? iso(value) : value}"`;
const newId = () => `_${randomBytes(16).toString("hex")}`;

/** A response that is right but for what `differences` say. */
export function sayings(
  from: Pick<Said, "now" | "poolId" | "signer">,
  requestId: string | null,
  differences: Partial<Said> = {},
): Said {
  const { now, poolId } = from;
  return {
    ...from,
    requestId,
    confirmedRequestId: differences.requestId === undefined ? requestId : differences.requestId,
    destination: acs,
    responseIssuer: entityId,
    status: success,
    version: "2.0",
    assertionIssuer: entityId,
    issued: now,
    nameId: "ann@example.com",
    named: undefined,
    recipient: acs,
    confirmedUntil: now + 300_000,
    method: "urn:oasis:names:tc:SAML:2.0:cm:bearer",
    notBefore: now - 1000,
    notOnOrAfter: now + 300_000,
    audience: `urn:amazon:cognito:sp:${poolId}`,
    conditions: "",
    statement: `<saml:AuthnStatement AuthnInstant="${authnInstant}" SessionIndex="_session"/>`,
    attributes: attributeOf("email", "ann@example.com") + attributeOf("groups", "staff", "admins"),
    signs: "assertion",
    algorithm: "sha256",
    digest: "sha256",
    brings: undefined,
    ...differences,
  };
}

export function responseXml(said: Said): string {
  const { conditions } = said;
  const audience =
    said.audience === null
      ? ""
      : `<saml:AudienceRestriction><saml:Audience>${said.audience}</saml:Audience></saml:AudienceRestriction>`;
  const assertion = `<saml:Assertion ID="${newId()}" Version="${said.version}" IssueInstant="${iso(said.issued)}"><saml:Issuer>${said.assertionIssuer}</saml:Issuer><saml:Subject>${
    said.named !== undefined || said.nameId === null
      ? (said.named ?? "")
      : `<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" NameQualifier="${entityId}">${said.nameId}</saml:NameID>`
  }<saml:SubjectConfirmation Method="${said.method}"><saml:SubjectConfirmationData${attr("NotOnOrAfter", said.confirmedUntil)}${attr("Recipient", said.recipient)}${attr("InResponseTo", said.confirmedRequestId)}/></saml:SubjectConfirmation></saml:Subject>${
    conditions === null
      ? ""
      : `<saml:Conditions${attr("NotBefore", said.notBefore)}${attr("NotOnOrAfter", said.notOnOrAfter)}>${audience}${conditions}</saml:Conditions>`
  }${said.statement}<saml:AttributeStatement>${said.attributes}</saml:AttributeStatement></saml:Assertion>`;
  const response = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${newId()}" Version="2.0" IssueInstant="${iso(said.issued)}"${attr("Destination", said.destination)}${attr("InResponseTo", said.requestId)}>${
    said.responseIssuer === null ? "" : `<saml:Issuer>${said.responseIssuer}</saml:Issuer>`
  }${said.status}${assertion}</samlp:Response>`;
  return signResponse(response, said);
}

export function signResponse(
  xml: string,
  { signs, ...by }: Pick<Said, "signs" | "algorithm" | "digest" | "signer" | "brings">,
): string {
  const assertion = "/*[local-name()='Response']/*[local-name()='Assertion']";
  const inner = signs === "assertion" || signs === "both" ? signAt(xml, assertion, by) : xml;
  return signs === "response" || signs === "both" ? signAt(inner, "/*[local-name()='Response']", by) : inner;
}

/** Signs an element, and puts the signature after its Issuer, or in its beginning. */
export function signAt(
  xml: string,
  xpath: string,
  { signer, algorithm = "sha256", digest = algorithm, brings }: Partial<Said> & Pick<Said, "signer">,
): string {
  const issuer = `${xpath}/*[local-name()='Issuer']`;
  const location = xml.includes("Issuer>")
    ? { reference: issuer, action: "after" as const }
    : { reference: xpath, action: "prepend" as const };
  return signXml(xml, xpath, location, {
    privateKey: signer.privateKey,
    signatureAlgorithm: algorithm,
    digestAlgorithm: digest,
    ...(brings !== undefined && { publicCert: pem(brings) }),
  });
}

export const pem = (certificate: string) =>
  `-----BEGIN CERTIFICATE-----\n${certificate.replace(/.{1,64}/g, "$&\n")}-----END CERTIFICATE-----\n`;

export const base64 = (xml: string) => Buffer.from(xml).toString("base64");

/** A context of the server as it is now. */
export const contextOf = ({ app }: Pick<TestServer, "app">): Ctx =>
  createCtx(app, { requestId: "test", address: "127.0.0.1", userAgent: undefined });

export interface SamlPlace extends Place {
  readonly provider: Provider;
}

/** A pool with a SAML provider, and with keys of its own. */
export async function makePlace(
  server: TestServer,
  details: Readonly<Record<string, string>>,
  keys: { readonly pool: Key; readonly provider: Key },
): Promise<SamlPlace> {
  const { UserPoolId: poolId } = await makePool(server);
  const ctx = contextOf(server);
  const name = unique("Saml");
  for (const [provider, key] of [
    ["", keys.pool],
    [name, keys.provider],
  ] as const)
    await insertSamlKey(ctx.db, { poolId, provider, ...key, createdAt: ctx.now });
  await insertProvider(ctx.db, {
    poolId,
    name,
    type: "SAML",
    version: 1,
    document: { ProviderDetails: details, AttributeMapping: {}, IdpIdentifiers: [] },
    secrets: {},
    createdAt: ctx.now,
    updatedAt: ctx.now,
  });
  const provider = (await findProvider(ctx, poolId, name))!;
  return { pool: await loadPool(ctx, poolId), base, provider };
}
