/**
 * The parts of samlify that tests use. Its own types bring those of browsers along, which are not those of Node, for the whole
 * program.
 */
import { createRequire } from "node:module";
import { acs, entityId } from "./saml-kit.ts";

interface Entity {
  getMetadata(): string;
  readonly entityMeta: {
    getEntityID(): string;
    getAssertionConsumerService(binding: "post"): string;
    getSingleLogoutService(binding: "post"): string;
    getX509Certificate(use: "signing" | "encryption"): string;
    isAuthnRequestSigned(): boolean;
    isWantAssertionsSigned(): boolean;
  };
}

export interface Service extends Entity {
  readonly entitySetting: object;
}

/** A message, and what its signature covers. */
interface Received {
  readonly query: Readonly<Record<string, string>>;
  readonly octetString: string;
}

/** What a message says. */
interface Parsed {
  readonly samlContent: string;
  readonly extract: {
    readonly issuer: string;
    readonly nameID: string;
    readonly sessionIndex: string;
    readonly request: {
      readonly id: string;
      readonly destination: string;
      readonly assertionConsumerServiceUrl: string;
    };
    readonly response: { readonly inResponseTo: string };
  };
}

/** A message: a URL for `redirect`, base64 for `post`. */
interface Made {
  readonly id: string;
  readonly context: string;
}

type Binding = "redirect" | "post";

export interface Provider extends Entity {
  parseLoginRequest(from: Service, binding: Binding, received: Received): Promise<Parsed>;
  createLoginResponse(
    to: Service,
    request: object,
    binding: "post",
    user: object,
    replace: (template: string) => Made,
  ): Promise<Made>;
  parseLogoutRequest(from: Service, binding: Binding, received: Received): Promise<Parsed>;
  parseLogoutResponse(from: Service, binding: Binding, received: Received): Promise<Parsed>;
  createLogoutRequest(to: Service, binding: Binding, user: object, options: { relayState: string }): Made;
  createLogoutResponse(to: Service, request: object, binding: Binding, options: { relayState: string }): Made;
}

interface Samlify {
  IdentityProvider(settings: object): Provider;
  ServiceProvider(settings: object): Service;
  setSchemaValidator(validator: { validate(xml: string): Promise<unknown> }): void;
  readonly SamlLib: {
    readonly defaultLoginResponseTemplate: { readonly context: string };
    replaceTagsByValue(template: string, values: object): string;
  };
}

const require = createRequire(import.meta.url);

export const { IdentityProvider, ServiceProvider, setSchemaValidator, SamlLib } =
  require("samlify") as Samlify;

const persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

/**
 * The provider signs somebody in.
 * @param id of the request; empty if there was none
 */
export async function answer(
  idp: Provider,
  sp: Service,
  id: string,
  requestInfo: object,
  { recipient = acs, attributes = { email: "ann@example.com" } as Readonly<Record<string, string>> } = {},
): Promise<URLSearchParams> {
  const [now, later] = [new Date(), new Date(Date.now() + 300_000)].map((date) => date.toISOString());
  const attribute = (name: string, value: string) =>
    `<saml:Attribute Name="${name}"><saml:AttributeValue>${value}</saml:AttributeValue></saml:Attribute>`;
  const template = SamlLib.defaultLoginResponseTemplate.context
    .replace("{AuthnStatement}", `<saml:AuthnStatement AuthnInstant="${now}" SessionIndex="_samlify"/>`)
    .replace(
      "{AttributeStatement}",
      `<saml:AttributeStatement>${Object.entries(attributes)
        .map(([name, value]) => attribute(name, value))
        .join("")}</saml:AttributeStatement>`,
    )
    .replaceAll(id === "" ? ' InResponseTo="{InResponseTo}"' : "no such text", "");
  const values = {
    ID: `_response${Math.random()}`,
    AssertionID: `_assertion${Math.random()}`,
    Destination: recipient,
    Audience: sp.entityMeta.getEntityID(),
    SubjectRecipient: recipient,
    Issuer: entityId,
    IssueInstant: now,
    StatusCode: "urn:oasis:names:tc:SAML:2.0:status:Success",
    ConditionsNotBefore: now,
    ConditionsNotOnOrAfter: later,
    SubjectConfirmationDataNotOnOrAfter: later,
    NameIDFormat: persistent,
    NameID: "ann",
    InResponseTo: id,
  };
  const made = await idp.createLoginResponse(sp, requestInfo, "post", {}, () => ({
    id: values.ID,
    context: SamlLib.replaceTagsByValue(template, values),
  }));
  return new URLSearchParams({ SAMLResponse: made.context });
}
