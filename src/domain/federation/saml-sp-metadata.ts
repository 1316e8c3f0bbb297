/** Our own metadata as a service provider (Metadata for SAML 2.0), which administrators give to their identity providers. */
import type { Ctx } from "../../app.ts";
import { escapeHtml } from "../../lib/escape-html.ts";
import { announcedCiphers } from "../saml/decrypt.ts";
import { knownProvider } from "../saml/provider.ts";
import { namespaces } from "../saml/xml.ts";
import type { Place } from "./protocol.ts";
import type { Provider } from "./provider.ts";
import { samlKey } from "./saml-keys.ts";
import { acsUrl, logoutUrl, serviceProviderId } from "./saml-messages.ts";

const binding = (name: string) => `urn:oasis:names:tc:SAML:2.0:bindings:${name}`;

const keyDescriptor = (use: string, certificate: string, methods: readonly string[] = []) => `
    <KeyDescriptor use="${use}">
      <ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>${methods
        .map((method) => `\n      <EncryptionMethod Algorithm="${method}"/>`)
        .join("")}
    </KeyDescriptor>`;

/**
 * The metadata of a pool at one of its domains, as XML.
 * @param provider the identity provider that it is for: one whose EncryptedResponses is true finds the certificate in it that
 * it encrypts to, and AuthnRequestsSigned says whether it gets signed requests, because of its settings or its own metadata
 */
export async function serviceProviderMetadata(
  ctx: Ctx,
  { pool, base }: Place,
  provider?: Provider,
): Promise<string> {
  const signing = await samlKey(ctx, pool.id, "");
  const signs =
    provider?.details["RequestSigningAlgorithm"] === "rsa-sha256" ||
    (provider !== undefined && (await knownProvider(ctx, provider))?.wantsSignedRequests === true);
  const encrypts = provider?.details["EncryptedResponses"] === "true";
  const encryption = encrypts ? await samlKey(ctx, pool.id, provider.name) : undefined;
  const [acs, slo] = [escapeHtml(acsUrl(base)), escapeHtml(logoutUrl(base))];
  return `<?xml version="1.0" encoding="UTF-8"?>
<EntityDescriptor xmlns="${namespaces.metadata}" xmlns:ds="${namespaces.signature}" entityID="${escapeHtml(serviceProviderId(pool.id))}">
  <SPSSODescriptor protocolSupportEnumeration="${namespaces.protocol}" AuthnRequestsSigned="${signs}" WantAssertionsSigned="true">${keyDescriptor("signing", signing.certificate)}${
    encryption === undefined ? "" : keyDescriptor("encryption", encryption.certificate, announcedCiphers)
  }
    <SingleLogoutService Binding="${binding("HTTP-POST")}" Location="${slo}"/>
    <SingleLogoutService Binding="${binding("HTTP-Redirect")}" Location="${slo}"/>
    <AssertionConsumerService Binding="${binding("HTTP-POST")}" Location="${acs}" index="0" isDefault="true"/>
  </SPSSODescriptor>
</EntityDescriptor>
`;
}
