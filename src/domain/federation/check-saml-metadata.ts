/** Checks the metadata of a SAML provider when it is configured (Metadata for SAML 2.0, OASIS). */
import type { Ctx } from "../../app.ts";
import { OutboundError } from "../../integrations/outbound.ts";
import { refuse } from "../../wire/refuse.ts";

type Details = Readonly<Record<string, string>>;

const mostRedirects = 5;
const mostCharacters = 1_048_576;

/**
 * Reads the metadata, from its URL if one is given. Returns the members that DescribeIdentityProvider adds. Throws
 * InvalidParameterException if it cannot be read or used.
 */
export async function checkSamlMetadata(ctx: Ctx, details: Details): Promise<Details> {
  const { MetadataURL: url } = details;
  const found = await readMetadata(url ? await fetchMetadata(ctx, url) : (details["MetadataFile"] ?? ""));
  if (found.validUntil !== undefined && found.validUntil <= ctx.now)
    invalid("it is no longer valid (validUntil)");
  return {
    ...(found.signIn !== undefined && { SSORedirectBindingURI: found.signIn }),
    ...(found.signOut !== undefined && { SLORedirectBindingURI: found.signOut }),
  };
}

async function fetchMetadata(ctx: Ctx, url: string): Promise<string> {
  const found = await ctx.app.outbound
    .fetch(url, { redirects: mostRedirects })
    .then(async (response) => ({ status: response.status, text: await response.text() }))
    .catch((error: unknown) => {
      const why = error instanceof OutboundError ? `: ${error.message}` : ".";
      return refuse("InvalidParameterException", `The metadata at ${url} cannot be read${why}`, `${error}`);
    });
  if (found.status !== 200)
    refuse(
      "InvalidParameterException",
      `Non-ok status code ${found.status} returned from remote metadata source ${url}`,
    );
  return found.text;
}

interface Found {
  readonly signIn: string | undefined;
  readonly signOut: string | undefined;
  /** Epoch milliseconds. */
  readonly validUntil: number | undefined;
}

const redirectBinding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

async function readMetadata(text: string): Promise<Found> {
  if (text.length > mostCharacters) invalid("it is too long");
  if (/<!DOCTYPE/i.test(text)) invalid("it has a document type declaration");
  const { parseDomFromString, xpath } = await import("@node-saml/node-saml/lib/xml.js");
  const document = await parseDomFromString(text).catch(() => invalid("it is not well-formed XML"));
  const named = (name: string) => `*[local-name()='${name}' and ${metadataNamespace}]`;
  const select = (path: string) => xpath.selectElements(document, path);
  const [entity] = select(`/${named("EntityDescriptor")}`);
  if (entity === undefined) invalid("its root is no EntityDescriptor");
  const provider = `/${named("EntityDescriptor")}/${named("IDPSSODescriptor")}`;
  if (select(provider).length !== 1) invalid("it must have one IDPSSODescriptor");
  if (select(`${provider}/${named("KeyDescriptor")}`).length === 0) invalid("it has no KeyDescriptor");
  if (select(`${provider}/${named("SingleSignOnService")}`).length === 0)
    invalid("it has no SingleSignOnService");
  const location = (service: string) =>
    select(`${provider}/${named(service)}[@Binding='${redirectBinding}']`)[0]?.getAttribute("Location");
  const validUntil = entity.getAttribute("validUntil");
  return {
    signIn: location("SingleSignOnService") || undefined,
    signOut: location("SingleLogoutService") || undefined,
    validUntil: validUntil ? Date.parse(validUntil) : undefined,
  };
}

const metadataNamespace = "namespace-uri()='urn:oasis:names:tc:SAML:2.0:metadata'";

function invalid(why: string): never {
  return refuse("InvalidParameterException", `The SAML metadata cannot be used: ${why}.`);
}
