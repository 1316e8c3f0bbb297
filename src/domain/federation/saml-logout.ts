/** Single logout (SAML 2.0 Profiles section 4.4): what a provider sends, by HTTP-Redirect or HTTP-POST. */
import { verify } from "node:crypto";
import { inflateRawSync } from "node:zlib";
import type { Ctx } from "../../app.ts";
import { CacheKind } from "../../lib/caches.ts";
import { clockSkew } from "../../lib/provider-clocks.ts";
import { textOf, walkXml, type XmlElement } from "../../lib/xml.ts";
import { listProviders } from "../../store/identity-providers.ts";
import { type NameId, readNameId } from "../saml/assertion.ts";
import type { SamlProvider } from "../saml/metadata.ts";
import { knownProvider, withItsKeys } from "../saml/provider.ts";
import { decodePosted } from "../saml/response.ts";
import { isSigned, readSigned, UnknownSigner } from "../saml/signature.ts";
import {
  attribute,
  child,
  children,
  fault,
  isElement,
  plainText,
  readSamlXml,
  SamlFault,
  theChild,
  time,
} from "../saml/xml.ts";
import type { Place } from "./protocol.ts";
import { findProvider, type Provider } from "./provider.ts";
import { answering, logoutRequestId, once } from "./saml.ts";
import { decryptionKeyOf, samlKey } from "./saml-keys.ts";
import { logoutResponseUrl, logoutUrl, newMessageId } from "./saml-messages.ts";

/** A provider ends a session. */
export interface LogoutRequest {
  readonly kind: "request";
  /** Usually one; several have the same entity id where a provider was added more than once. */
  readonly providers: readonly Provider[];
  /** The provider's entity id: with the NameID, the key of the identity whose sessions end. */
  readonly issuer: string;
  readonly name: NameId;
  /** The sessions that end; empty for all of this user. */
  readonly sessionIndexes: readonly string[];
  /** The URL at the provider that takes the answer; undefined if it takes none by HTTP-Redirect. */
  readonly answer: (succeeded: boolean) => Promise<string | undefined>;
}

/** A provider answers our LogoutRequest. */
export interface LogoutResponse {
  readonly kind: "response";
  readonly succeeded: boolean;
  /** The state that our request had. */
  readonly state: string;
}

/** Anybody may send such a message, and checking its signature takes long for a large one. */
const limits = { characters: 40_000, depth: 20, elements: 200 };

/** How old a LogoutRequest may be, in milliseconds, besides the difference of the clocks. */
const oldest = 3 * 60_000;

/**
 * Reads what came to /saml2/logout. Refuses with invalid_request what is not signed, fresh, for us, and new.
 * @param parameters the query or the body as it came, undecoded: signatures of HTTP-Redirect cover its very characters
 */
export function readLogoutMessage(
  ctx: Ctx,
  place: Place,
  parameters: string,
  binding: "redirect" | "post",
): Promise<LogoutRequest | LogoutResponse> {
  return answering("Error in SAML logout message processing", () => read(ctx, place, parameters, binding));
}

async function read(
  ctx: Ctx,
  place: Place,
  parameters: string,
  binding: "redirect" | "post",
): Promise<LogoutRequest | LogoutResponse> {
  const given = readParameters(parameters);
  const text = binding === "redirect" ? inflate(given.message) : decodePosted(given.message);
  const unverified = readSamlXml(text, limits);
  const named = plainText(theChild(unverified, "assertion", "Issuer")).trim();
  const signers = await eachOf(await providersOf(ctx, place, named), async ({ provider, metadata }) => {
    const message = await withItsKeys(ctx, provider, metadata, async (by) =>
      binding === "redirect" ? signedQuery(unverified, given, by) : signedDocument(unverified, text, by),
    );
    if (plainText(theChild(message, "assertion", "Issuer")).trim() !== metadata.entityId)
      fault("the Issuer is not the provider.");
    return { provider, metadata, message };
  });
  const [{ message }] = signers;
  checkAddress(ctx, place, message);
  return isElement(message, "protocol", "LogoutRequest")
    ? readRequest(ctx, place, message, { signers, relayState: given.relayState })
    : readResponse(message, given.relayState);
}

/** The results of those for which the work succeeds. Throws the first SamlFault if there are none. */
async function eachOf<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<[R, ...R[]]> {
  const results: R[] = [];
  let problem: SamlFault | undefined;
  for (const one of all) {
    try {
      results.push(await work(one));
    } catch (error) {
      if (!(error instanceof SamlFault)) throw error;
      problem ??= error;
    }
  }
  const [first, ...others] = results;
  if (first === undefined) throw problem ?? new SamlFault("the Issuer is no provider of this pool.");
  return [first, ...others];
}

interface Given {
  readonly message: string;
  readonly relayState: string | undefined;
  /** `name=value` as it came, by the name as it is read. */
  readonly raw: ReadonlyMap<string, string>;
  readonly values: URLSearchParams;
}

function readParameters(parameters: string): Given {
  const raw = new Map<string, string>();
  for (const pair of parameters.split("&")) {
    // Decoded as the values are: otherwise one spelling would be signed, and another be read.
    const [name = ""] = new URLSearchParams(pair).keys();
    if (raw.has(name)) fault(`the parameter ${name.slice(0, 40)} is there twice.`);
    raw.set(name, pair);
  }
  const values = new URLSearchParams(parameters);
  const messages = [values.get("SAMLRequest"), values.get("SAMLResponse")].filter((one) => one !== null);
  const [message, another] = messages;
  if (!message || another !== undefined) fault("there is not one SAMLRequest or SAMLResponse.");
  return { message, relayState: values.get("RelayState") ?? undefined, raw, values };
}

function inflate(message: string): string {
  if (message.length > limits.characters) fault("it is too long.");
  try {
    const bytes = inflateRawSync(Buffer.from(message, "base64"), {
      maxOutputLength: limits.characters,
    });
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return fault("it is not compressed as HTTP-Redirect asks, or too long.");
  }
}

const queryAlgorithms: Readonly<Record<string, string>> = {
  "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": "sha256",
  "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384": "sha384",
  "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512": "sha512",
};

/** The signature is a parameter of its own, and covers the others as they came (Bindings section 3.4.4.1). */
function signedQuery(
  message: XmlElement,
  { raw, values }: Given,
  { certificates }: SamlProvider,
): XmlElement {
  const algorithm = values.get("SigAlg");
  const signature = Buffer.from(values.get("Signature") ?? "", "base64");
  if (algorithm === null || signature.length === 0) fault("it is not signed.");
  const hash = queryAlgorithms[algorithm] ?? fault(`the SigAlg ${algorithm.slice(0, 100)} is not allowed.`);
  const signed = ["SAMLRequest", "SAMLResponse", "RelayState", "SigAlg"].flatMap(
    (name) => raw.get(name) ?? [],
  );
  const bytes = Buffer.from(signed.join("&"));
  if (!certificates.some((certificate) => verify(hash, bytes, certificate, signature)))
    throw new UnknownSigner(
      "the signature is wrong, or made with a key that is not in the provider's metadata.",
    );
  return message;
}

async function signedDocument(
  message: XmlElement,
  text: string,
  { certificates }: SamlProvider,
): Promise<XmlElement> {
  for (const { element, parent } of walkXml(message))
    if (isElement(element, "signature", "Signature") && parent !== message)
      fault(`there is a Signature inside the ${parent?.name}.`);
  if (!isSigned(message)) fault("it is not signed.");
  return readSigned(text, message, certificates, limits);
}

function checkAddress(ctx: Ctx, { base }: Place, message: XmlElement): void {
  if (message.attributes.get("Version") !== "2.0") fault("it is not of SAML 2.0.");
  if (message.attributes.get("Destination") !== logoutUrl(base))
    fault(`the Destination is not ${logoutUrl(base)}.`);
  const issued = time(message, "IssueInstant") ?? fault("it has no IssueInstant.");
  if (issued > ctx.now + clockSkew) fault("the IssueInstant is in the future.");
  if (issued < ctx.now - clockSkew - oldest) fault("the IssueInstant is too long ago.");
  const until = time(message, "NotOnOrAfter");
  if (until !== undefined && ctx.now - clockSkew >= until) fault("it is not valid any more (NotOnOrAfter).");
}

async function readRequest(
  ctx: Ctx,
  { pool, base }: Place,
  message: XmlElement,
  from: { readonly signers: readonly [Known, ...Known[]]; readonly relayState: string | undefined },
): Promise<LogoutRequest> {
  const { signers, relayState } = from;
  const [{ metadata }] = signers;
  const providers = signers.map(({ provider }) => provider);
  const id = attribute(message, "ID");
  // It is encrypted to the certificate of one of them.
  const [name] = await eachOf(providers, (provider) => readNameId(message, decryptionKeyOf(ctx, provider)));
  const sessionIndexes = children(message, "protocol", "SessionIndex").map((one) => textOf(one).trim());
  await once(ctx, pool.id, ["request", metadata.entityId, id], ctx.now + 2 * clockSkew + oldest);
  const to = metadata.signOut.redirect?.responses;
  const answer = async (succeeded: boolean) => {
    if (to === undefined) return undefined;
    const { privateKey } = await samlKey(ctx, pool.id, "");
    const sending = {
      poolId: pool.id,
      base,
      to,
      id: newMessageId(ctx),
      relayState: relayState ?? "",
      privateKey,
    };
    return logoutResponseUrl(sending, { inResponseTo: id, succeeded });
  };
  return { kind: "request", providers, issuer: metadata.entityId, name, sessionIndexes, answer };
}

function readResponse(message: XmlElement, state: string | undefined): LogoutResponse {
  if (!isElement(message, "protocol", "LogoutResponse"))
    fault(`it is a ${message.name}, neither a LogoutRequest nor a LogoutResponse.`);
  if (!state || message.attributes.get("InResponseTo") !== logoutRequestId(state))
    fault("the InResponseTo is not our request.");
  const status = child(message, "protocol", "Status");
  const code = status && child(status, "protocol", "StatusCode")?.attributes.get("Value");
  return {
    kind: "response",
    succeeded: code === "urn:oasis:names:tc:SAML:2.0:status:Success",
    state,
  };
}

/** The SAML providers of a pool by their entity ids, as of a time. */
interface Index {
  readonly at: number;
  readonly names: Promise<ReadonlyMap<string, readonly string[]>>;
}

const indexes = new CacheKind<Index>(1000);
/** How old an index may be, in milliseconds: that finds an entity id, and that does not. */
const indexAges = [60_000, 10_000] as const;

interface Known {
  readonly provider: Provider;
  readonly metadata: SamlProvider;
}

/** The providers that call themselves so, as far as their metadata is known. */
async function providersOf(ctx: Ctx, { pool }: Place, entityId: string): Promise<readonly Known[]> {
  for (const age of indexAges) {
    const known: Known[] = [];
    for (const name of (await indexOf(ctx, pool.id, age)).get(entityId) ?? []) {
      const provider = await findProvider(ctx, pool.id, name);
      const metadata = provider?.type === "SAML" ? await knownProvider(ctx, provider) : undefined;
      if (provider !== undefined && metadata?.entityId === entityId) known.push({ provider, metadata });
    }
    if (known.length > 0) return known;
  }
  return [];
}

/** One is made for all who wait for it: anybody may send messages, and it reads all providers of the pool. */
function indexOf(ctx: Ctx, poolId: string, age: number): Index["names"] {
  const cache = ctx.app.caches.of(indexes);
  const known = cache.get(poolId);
  if (known !== undefined && known.at > ctx.now - age) return known.names;
  const names = makeIndex(ctx, poolId);
  cache.set(poolId, { at: ctx.now, names });
  return names.catch((error: unknown) => {
    if (cache.get(poolId)?.names === names) cache.delete(poolId);
    throw error;
  });
}

async function makeIndex(ctx: Ctx, poolId: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const names = new Map<string, string[]>();
  const limit = 100;
  let after = "";
  for (;;) {
    const page = await listProviders(ctx.db, poolId, { after, limit });
    for (const { name, type } of page) {
      const provider = type === "SAML" ? await findProvider(ctx, poolId, name) : undefined;
      const metadata = provider && (await knownProvider(ctx, provider));
      if (metadata !== undefined)
        names.set(metadata.entityId, [...(names.get(metadata.entityId) ?? []), name]);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < limit) return names;
    after = last.name;
  }
}
