/**
 * Messages to SAML providers by HTTP-Redirect (SAML 2.0 Bindings section 3.4), made by node-saml, which dates them by the
 * machine's clock; and our own names and addresses in them.
 */
import { stringify } from "node:querystring";
import type { SamlConfig } from "@node-saml/node-saml";
import type { Ctx } from "../../app.ts";
import { toHex } from "../../lib/bytes.ts";
import type { NameId } from "../saml/assertion.ts";

/** Our entity id ("SAML identity provider names and identifiers", Amazon Cognito Developer Guide). */
export const serviceProviderId = (poolId: string): string => `urn:amazon:cognito:sp:${poolId}`;
/** The Assertion Consumer Service: where responses are posted to. */
export const acsUrl = (base: string): string => `${base}/saml2/idpresponse`;
/** Where logout requests and responses go. */
export const logoutUrl = (base: string): string => `${base}/saml2/logout`;

/** An id of a message: 160 random bits. */
export const newMessageId = (ctx: Pick<Ctx, "random">): string => `_${toHex(ctx.random(20))}`;

interface Sending {
  readonly poolId: string;
  readonly base: string;
  /** The URL at the provider. */
  readonly to: string;
  readonly id: string;
  readonly relayState: string;
  /** PKCS8 PEM; undefined sends the message unsigned. */
  readonly privateKey: string | undefined;
}

/** Loaded when first used. The certificate is only needed for what the library does not do here. */
async function sender({ poolId, base, to, id, privateKey }: Sending, more: Partial<SamlConfig> = {}) {
  const { SAML } = await import("@node-saml/node-saml");
  return new SAML({
    issuer: serviceProviderId(poolId),
    callbackUrl: acsUrl(base),
    entryPoint: to,
    logoutUrl: to,
    idpCert: "unused",
    identifierFormat: null,
    disableRequestedAuthnContext: true,
    signatureAlgorithm: "sha256",
    generateUniqueId: () => id,
    cacheProvider: { saveAsync: async () => null, getAsync: async () => null, removeAsync: async () => null },
    ...(privateKey !== undefined && { privateKey }),
    ...more,
  });
}

/** The URL that asks a provider to sign somebody in. */
export async function authnRequestUrl(sending: Sending, forceAuthn: boolean): Promise<string> {
  const saml = await sender(sending, { forceAuthn });
  return saml.getAuthorizeUrlAsync(sending.relayState, undefined, {});
}

/** The URL that asks a provider to end its session. */
export async function logoutRequestUrl(
  sending: Sending,
  { name, sessionIndex }: { readonly name: NameId; readonly sessionIndex: string | undefined },
): Promise<string> {
  const saml = await sender(sending);
  const user = {
    nameID: name.nameId,
    nameIDFormat: name.nameIdFormat ?? "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
    ...(name.nameQualifier !== undefined && { nameQualifier: name.nameQualifier }),
    ...(name.spNameQualifier !== undefined && { spNameQualifier: name.spNameQualifier }),
    ...(sessionIndex !== undefined && { sessionIndex }),
  };
  return saml.getLogoutUrlAsync({ issuer: sending.to, ...user }, sending.relayState, {});
}

/** The URL that answers a provider's LogoutRequest. */
export async function logoutResponseUrl(
  sending: Sending,
  { inResponseTo, succeeded }: { readonly inResponseTo: string; readonly succeeded: boolean },
): Promise<string> {
  const saml = await sender(sending);
  const request = { ID: inResponseTo, issuer: sending.to, nameID: "", nameIDFormat: "" };
  const url = new URL(await saml.getLogoutResponseUrlAsync(request, sending.relayState, {}, succeeded));
  // A RelayState of the provider's may hold characters that the library signs in another spelling than it sends.
  return `${url.origin}${url.pathname}?${stringify(Object.fromEntries(url.searchParams))}`;
}
