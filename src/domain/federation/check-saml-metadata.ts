/** Checks the metadata of a SAML provider when it is configured (Metadata for SAML 2.0, OASIS). */
import type { Ctx } from "../../app.ts";
import { OutboundError, publishedRedirects } from "../../integrations/outbound.ts";
import { refuse } from "../../wire/refuse.ts";
import { parseSamlMetadata, type SamlProvider } from "./saml-metadata.ts";
import { metadataCertificate } from "./saml-provider.ts";
import { SamlFault } from "./saml-xml.ts";

type Details = Readonly<Record<string, string>>;

/**
 * Reads the metadata, from its URL if one is given. Returns the members that DescribeIdentityProvider adds. Throws
 * InvalidParameterException if it cannot be read or used.
 */
export async function checkSamlMetadata(ctx: Ctx, details: Details): Promise<Details> {
  const { MetadataURL: url } = details;
  const text = url ? await fetchMetadata(ctx, url) : (details["MetadataFile"] ?? "");
  const { signIn, signOut } = await parsed(text, {
    now: ctx.now,
    signedBy: details[metadataCertificate],
  });
  return {
    SSORedirectBindingURI: signIn.redirect,
    ...(signOut.redirect !== undefined && { SLORedirectBindingURI: signOut.redirect.location }),
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
