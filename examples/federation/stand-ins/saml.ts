/** The pages of the SAML identity provider. */
import { randomUUID } from "node:crypto";
import express, { type Express, type Request } from "express";
import { html, page } from "../html.ts";
import { choosePerson, type Person, personOf, refusedPage } from "./people.ts";
import type { SamlKey } from "./saml-key.ts";
import {
  type Asked,
  newServiceProvider,
  persistent,
  SamlLib,
  type ServiceProvider,
  samlProvider,
} from "./samlify.ts";

/**
 * @param at its URL, with a slash at the end
 * @param metadata where the metadata of the pool is
 */
export function samlPages(at: string, key: SamlKey, metadata: string): Express {
  const provider = samlProvider(at, key);
  const app = express();
  app.use("/style.css", express.static(`${import.meta.dirname}/../style.css`));
  app.get("/metadata", (_request, response) => {
    response.type("application/samlmetadata+xml").send(provider.getMetadata());
  });
  app.all("/sso", express.urlencoded(), async (request, response) => {
    const service = await serviceAt(metadata);
    const asked = await provider
      .parseLoginRequest(service, "redirect", received(request))
      .catch(() => undefined);
    if (asked === undefined)
      return void response.status(400).send(refusedPage("This request is not signed by the pool."));
    const person = request.method === "POST" ? personOf(request.body?.["person"]) : undefined;
    if (person === undefined) return void response.send(choosePerson("Campus"));
    const said = assertion({ at, person, asked, service });
    const { context } = await provider.createLoginResponse(service, asked, "post", {}, said);
    const to = service.entityMeta.getAssertionConsumerService("post");
    response.send(
      postingPage(to, { SAMLResponse: context, RelayState: String(request.query["RelayState"]) }),
    );
  });
  // There is no session here that could be ended: whoever comes is asked who they are.
  app.get("/slo", async (request, response) => {
    const service = await serviceAt(metadata);
    const asked = await provider
      .parseLogoutRequest(service, "redirect", received(request))
      .catch(() => undefined);
    if (asked === undefined)
      return void response.status(400).send(refusedPage("This request is not signed by the pool."));
    const relayState = String(request.query["RelayState"] ?? "");
    response.redirect(provider.createLogoutResponse(service, asked, "redirect", { relayState }).context);
  });
  return app;
}

const serviceAt = async (metadata: string) =>
  newServiceProvider({
    metadata: await (await fetch(metadata)).text(),
    wantLogoutRequestSigned: true,
    wantLogoutResponseSigned: true,
  });

/** The query of the request, and the part of it that is signed, as it was sent. */
function received({ query, originalUrl }: Request) {
  const octetString = originalUrl.slice(originalUrl.indexOf("?") + 1).replace(/&Signature=.*/, "");
  return { query, octetString };
}

interface About {
  readonly at: string;
  readonly person: Person;
  readonly asked: Asked;
  readonly service: ServiceProvider;
}

const attribute = (name: string, value: string) =>
  `<saml:Attribute Name="${name}"><saml:AttributeValue>${value}</saml:AttributeValue></saml:Attribute>`;

/** Fills samlify's template with what is said about a person. */
function assertion({ at, person, asked, service }: About) {
  const [now, later] = [0, 300_000].map((more) => new Date(Date.now() + more).toISOString());
  const to = service.entityMeta.getAssertionConsumerService("post");
  const session = `_${randomUUID()}`;
  const attributes = attribute("email", person.email) + attribute("displayName", person.name);
  const statements = {
    "{AuthnStatement}": `<saml:AuthnStatement AuthnInstant="${now}" SessionIndex="${session}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`,
    "{AttributeStatement}": `<saml:AttributeStatement>${attributes}</saml:AttributeStatement>`,
  };
  let template = SamlLib.defaultLoginResponseTemplate.context;
  for (const [tag, statement] of Object.entries(statements)) template = template.replace(tag, statement);
  const values = {
    ID: `_${randomUUID()}`,
    AssertionID: `_${randomUUID()}`,
    Destination: to,
    Audience: service.entityMeta.getEntityID(),
    SubjectRecipient: to,
    Issuer: `${at}metadata`,
    IssueInstant: now,
    StatusCode: "urn:oasis:names:tc:SAML:2.0:status:Success",
    ConditionsNotBefore: now,
    ConditionsNotOnOrAfter: later,
    SubjectConfirmationDataNotOnOrAfter: later,
    NameIDFormat: persistent,
    NameID: person.id,
    InResponseTo: asked.extract.request.id,
  };
  return () => ({ id: values.ID, context: SamlLib.replaceTagsByValue(template, values) });
}

/** The browser brings the response to the pool by a form (HTTP-POST binding). */
function postingPage(to: string, fields: Readonly<Record<string, string>>): string {
  const inputs = Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">\n`,
  );
  const body = html`<form method="post" action="${to}">
${inputs}<button>Continue</button></form>
<script>document.forms[0].submit()</script>`;
  return page("You are signed in", body);
}
