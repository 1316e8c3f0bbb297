/** Checks the metadata of a SAML provider when it is configured (Metadata for SAML 2.0, OASIS). */
import type { Ctx } from "../../app.ts";
import { OutboundError, publishedRedirects } from "../../integrations/outbound.ts";
import { refuse } from "../../wire/refuse.ts";
import { parseSamlMetadata, type SamlProvider } from "../saml/metadata.ts";
import { type Fetched, metadataCertificate } from "../saml/provider.ts";
import { SamlFault } from "../saml/xml.ts";

type Details = Readonly<Record<string, string>>;

/** Metadata that may be used. */
interface Checked {
  /** The members that DescribeIdentityProvider adds. */
  readonly derived: Details;
  /** What came from a URL, and need not be fetched again at the first sign-in. */
  readonly fetched: Fetched | undefined;
}

/** Reads the metadata, from its URL if one is given. Throws InvalidParameterException if it cannot be read or used. */
export async function checkSamlMetadata(ctx: Ctx, details: Details): Promise<Checked> {
  const { MetadataURL: url } = details;
  const document = url ? await fetchMetadata(ctx, url) : (details["MetadataFile"] ?? "");
  const metadata = await parsed(document, { now: ctx.now, signedBy: details[metadataCertificate] });
  const { signIn, signOut } = metadata;
  return {
    derived: {
      SSORedirectBindingURI: signIn.redirect,
      ...(signOut.redirect !== undefined && { SLORedirectBindingURI: signOut.redirect.location }),
    },
    fetched: url ? { url, document, metadata } : undefined,
  };
}

async function fetchMetadata(ctx: Ctx, url: string): Promise<string> {
  const found = await ctx.app.outbound
    .fetch(url, { redirects: publishedRedirects })
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

async function parsed(...given: Parameters<typeof parseSamlMetadata>): Promise<SamlProvider> {
  try {
    return await parseSamlMetadata(...given);
  } catch (error) {
    if (!(error instanceof SamlFault)) throw error;
    return refuse("InvalidParameterException", `The SAML metadata cannot be used: ${error.message}`);
  }
}
