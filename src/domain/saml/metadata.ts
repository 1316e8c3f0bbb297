/** Reads the metadata of a SAML identity provider (Metadata for SAML 2.0). */
import { X509Certificate } from "node:crypto";
import { textOf, type XmlElement } from "../../lib/xml.ts";
import { isSigned, readSigned } from "./signature.ts";
import { attribute, children, fault, isElement, namespaces, readSamlXml, theChild, time } from "./xml.ts";

/** What a provider's metadata says. */
export interface SamlProvider {
  readonly entityId: string;
  /** SingleSignOnService; the binding HTTP-Redirect is the one that is used. */
  readonly signIn: { readonly redirect: string; readonly post: string | undefined };
  /** SingleLogoutService, as far as there is one. */
  readonly signOut: {
    readonly redirect: LogoutService | undefined;
    readonly post: LogoutService | undefined;
  };
  /** The certificates for signing, PEM. Their dates do not count, their keys do. */
  readonly certificates: readonly string[];
  readonly wantsSignedRequests: boolean;
  /** After which this must not be used, epoch milliseconds. */
  readonly validUntil: number | undefined;
  /** How long it need not be fetched again (cacheDuration), in milliseconds. */
  readonly cacheFor: number | undefined;
}

interface LogoutService {
  /** Where requests go. */
  readonly location: string;
  /** Where answers go: the ResponseLocation, or the same. */
  readonly responses: string;
}

/** A message is checked with one after the other, whoever sends it. */
const mostCertificates = 20;

/** The metadata of one provider is some 10,000 characters; that of AD FS, up to 100,000. */
const limits = { characters: 1_000_000, depth: 40, elements: 20_000 };

/**
 * Throws SamlFault with a line that says what is wrong, and where.
 * @param demands.now epoch milliseconds
 * @param demands.signedBy a certificate, PEM or base64, with whose key the document must be signed
 */
export async function parseSamlMetadata(
  text: string,
  demands: { readonly now: number; readonly signedBy?: string | undefined },
): Promise<SamlProvider> {
  const given = text.replace(/^\uFEFF/, "").trim();
  const root = readSamlXml(given, limits);
  const provider = readEntity(
    demands.signedBy === undefined ? root : await signed(given, root, demands.signedBy),
  );
  if (provider.validUntil !== undefined && provider.validUntil <= demands.now)
    fault(`the metadata has expired: its validUntil is ${new Date(provider.validUntil).toISOString()}.`);
  return provider;
}

/** The EntityDescriptor: the root, or the only one in an EntitiesDescriptor. */
function entityOf(root: XmlElement): XmlElement {
  if (isElement(root, "metadata", "EntityDescriptor")) return root;
  if (isElement(root, "metadata", "EntitiesDescriptor"))
    return theChild(root, "metadata", "EntityDescriptor");
  const seen = `${root.name} of the namespace ${root.namespace || "(none)"}`;
  return fault(
    `this is no metadata: the root is ${seen}, and not EntityDescriptor of ${namespaces.metadata}.`,
  );
}

async function signed(text: string, root: XmlElement, signedBy: string): Promise<XmlElement> {
  if (!isSigned(root))
    fault(`the metadata is not signed: the ${root.name} has no Signature, which is demanded.`);
  const certificate = readCertificate(signedBy) ?? fault("the certificate of the metadata is none.");
  return readSigned(text, root, [certificate], limits);
}

function readEntity(root: XmlElement): SamlProvider {
  const entity = entityOf(root);
  const roles = children(entity, "metadata", "IDPSSODescriptor").filter((role) =>
    attribute(role, "protocolSupportEnumeration").split(/\s+/).includes(namespaces.protocol),
  );
  const [role, another] = roles;
  if (role === undefined || another !== undefined)
    fault(`the metadata has ${roles.length} IDPSSODescriptor elements for SAML 2.0, and needs one.`);
  const signOn = endpoints(role, "SingleSignOnService");
  const redirect =
    signOn.redirect ??
    fault("the IDPSSODescriptor has no SingleSignOnService with the binding HTTP-Redirect.");
  const parts = [...new Set([root, entity, role])];
  const ends = parts.map((part) => time(part, "validUntil")).filter((at) => at !== undefined);
  const lasts = parts.map(duration).filter((at) => at !== undefined);
  const entityId = attribute(entity, "entityID");
  if (entityId.length > 1024) fault("the entityID has more than 1024 characters.");
  return {
    entityId,
    signIn: { redirect: redirect.location, post: signOn.post?.location },
    signOut: endpoints(role, "SingleLogoutService"),
    certificates: certificatesOf(role),
    wantsSignedRequests: /^(?:true|1)$/.test(role.attributes.get("WantAuthnRequestsSigned") ?? ""),
    validUntil: ends.length > 0 ? Math.min(...ends) : undefined,
    cacheFor: lasts.length > 0 ? Math.min(...lasts) : undefined,
  };
}

const bindings = { redirect: "HTTP-Redirect", post: "HTTP-POST" } as const;

function endpoints(role: XmlElement, name: string): Record<keyof typeof bindings, LogoutService | undefined> {
  const services = children(role, "metadata", name);
  const of = (binding: keyof typeof bindings) => {
    const service = services.find(
      (one) => attribute(one, "Binding") === `urn:oasis:names:tc:SAML:2.0:bindings:${bindings[binding]}`,
    );
    if (service === undefined) return undefined;
    const location = webAddress(service, "Location");
    const responses = service.attributes.has("ResponseLocation")
      ? webAddress(service, "ResponseLocation")
      : location;
    return { location, responses };
  };
  return { redirect: of("redirect"), post: of("post") };
}

function webAddress(service: XmlElement, name: string): string {
  const given = attribute(service, name).trim();
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if ((url?.protocol !== "https:" && url?.protocol !== "http:") || url.username !== "" || url.password !== "")
    fault(`the ${name} of the ${service.name} is no https or http URL: ${given.slice(0, 100)}.`);
  return given;
}

function certificatesOf(role: XmlElement): string[] {
  const found = children(role, "metadata", "KeyDescriptor")
    .filter((key) => (key.attributes.get("use") ?? "signing") === "signing")
    .flatMap((key) => children(theChild(key, "signature", "KeyInfo"), "signature", "X509Data"))
    .flatMap((data) => children(data, "signature", "X509Certificate"));
  if (found.length > mostCertificates)
    fault(
      `the IDPSSODescriptor has ${found.length} certificates for signing, and may have ${mostCertificates}.`,
    );
  const certificates = new Set(
    found.map((element) => readCertificate(textOf(element)) ?? fault("an X509Certificate cannot be read.")),
  );
  const usable = [...certificates].filter(isStrong);
  if (usable.length === 0)
    fault(
      certificates.size === 0
        ? "the IDPSSODescriptor has no KeyDescriptor for signing with an X509Certificate."
        : "no certificate for signing has an RSA key of 2048 bits or more.",
    );
  return usable;
}

/** A certificate, PEM or DER in base64, as PEM; undefined if it is none. */
function readCertificate(text: string): string | undefined {
  const base64 = text.replace(/-----(?:BEGIN|END) CERTIFICATE-----|\s/g, "");
  try {
    return new X509Certificate(Buffer.from(base64, "base64")).toString();
  } catch {
    return undefined;
  }
}

function isStrong(pem: string): boolean {
  const { asymmetricKeyType, asymmetricKeyDetails } = new X509Certificate(pem).publicKey;
  return asymmetricKeyType === "rsa" && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
}

const durationForm =
  /^P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
/** Seconds of a year, a month, a day, an hour, a minute and a second. */
const units = [31_536_000, 2_592_000, 86_400, 3600, 60, 1];

/** cacheDuration (xs:duration) in milliseconds; undefined if there is none. */
function duration(element: XmlElement): number | undefined {
  const given = element.attributes.get("cacheDuration");
  if (given === undefined) return undefined;
  const parts = durationForm.exec(given);
  if (parts === null)
    fault(`the cacheDuration of the ${element.name} is no duration: ${given.slice(0, 40)}.`);
  return 1000 * units.reduce((sum, unit, at) => sum + unit * Number(parts[at + 1] ?? 0), 0);
}
