/**
 * A SAML 2.0 identity provider, by samlify. What is used of it has its types here: its own bring those of browsers along, for the whole
 * program.
 */
import { createRequire } from "node:module";
import type { SamlKey } from "./saml-key.ts";

interface Message {
  readonly context: string;
}

/** A message by the redirect binding, and the part of the query that is signed. */
interface Received {
  readonly query: object;
  readonly octetString: string;
}

/** What an AuthnRequest says. */
export interface Asked {
  readonly extract: { readonly request: { readonly id: string } };
}

export interface ServiceProvider {
  readonly entityMeta: { getEntityID(): string; getAssertionConsumerService(binding: "post"): string };
}

export interface IdentityProvider {
  getMetadata(): string;
  /** Throws if the signature is not the service's. */
  parseLoginRequest(from: ServiceProvider, binding: "redirect", received: Received): Promise<Asked>;
  /** Throws if the signature is not the service's. */
  parseLogoutRequest(from: ServiceProvider, binding: "redirect", received: Received): Promise<object>;
  /** The answer: for `redirect`, the URL that the browser is sent to. */
  createLogoutResponse(
    to: ServiceProvider,
    asked: object,
    binding: "redirect",
    options: { readonly relayState: string },
  ): Message;
  createLoginResponse(
    to: ServiceProvider,
    asked: object,
    binding: "post",
    user: object,
    fill: (template: string) => { readonly id: string; readonly context: string },
  ): Promise<Message>;
}

interface Samlify {
  IdentityProvider(settings: object): IdentityProvider;
  ServiceProvider(settings: object): ServiceProvider;
  setSchemaValidator(validator: { validate(xml: string): Promise<unknown> }): void;
  readonly SamlLib: {
    readonly defaultLoginResponseTemplate: { readonly context: string };
    replaceTagsByValue(template: string, values: object): string;
  };
}

const require = createRequire(import.meta.url);
const samlify = require("samlify") as Samlify;
export const { ServiceProvider: newServiceProvider, SamlLib } = samlify;
// There are validators as packages; this provider only talks to one pool, whose signature it checks.
samlify.setSchemaValidator({ validate: async () => "valid" });

export const persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

const redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

/** @param at its URL, with a slash at the end */
export const samlProvider = (at: string, { privateKey, certificate }: SamlKey): IdentityProvider =>
  samlify.IdentityProvider({
    entityID: `${at}metadata`,
    signingCert: certificate,
    privateKey,
    requestSignatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    nameIDFormat: [persistent],
    wantAuthnRequestsSigned: true,
    wantLogoutRequestSigned: true,
    singleSignOnService: [{ Binding: redirect, Location: `${at}sso` }],
    singleLogoutService: [{ Binding: redirect, Location: `${at}slo` }],
  });
