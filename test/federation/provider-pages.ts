/**
 * Identity providers with pages, for people in a browser: Google and two of OpenID by oidc-provider, which asks for any name and
 * password, and one of SAML, the stand-in of examples/federation. A pool knows them by what its administrator enters.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { CreateUserPoolClientCommandInput } from "@aws-sdk/client-cognito-identity-provider";
import type { Page } from "playwright-core";
import { samlPages } from "../../examples/federation/stand-ins/saml.ts";
import { samlProvider } from "../../examples/federation/stand-ins/samlify.ts";
import { keepOpen } from "../kit/chromium.ts";
import { makeClient, makePool } from "../kit/people.ts";
import { createProvider, type Given } from "../kit/providers.ts";
import type { TestServer } from "../kit/server.ts";
import { detailsOf } from "./browser-way.ts";
import { startOpenIdProvider } from "./openid-provider.ts";
import { standardMapping } from "./people.ts";
import { newKey } from "./saml-kit.ts";

export interface PlaceWithPages {
  readonly UserPoolId: string;
  readonly ClientId: string;
  /** The URL that the pool's endpoints begin with. */
  readonly base: string;
  /** The URLs that the pages of the providers begin with. */
  readonly at: Readonly<Record<ProviderName, string>>;
}

export const scopes = ["openid", "email", "profile", "aws.cognito.signin.user.admin"];

/** The name of each is among its identifiers, too, as a domain: `campus.example`. */
export type ProviderName = "Google" | "Corporate" | "Partner" | "Campus";

/** A pool whose client, an application at this URL, offers its own users and those of all four. */
export async function placeWithPages(
  server: TestServer,
  app: string,
  more: Partial<CreateUserPoolClientCommandInput> = {},
): Promise<PlaceWithPages> {
  const { UserPoolId } = await makePool(server);
  const base = `${server.endpoint}/${UserPoolId}`;
  const openId = (name: ProviderName) => startOpenId(name, base);
  const [google, corporate, partner] = [
    await openId("Google"),
    await openId("Corporate"),
    await openId("Partner"),
  ];
  const campus = await startSaml(base);
  const all: readonly (Pick<Given, "ProviderType" | "ProviderDetails"> & { ProviderName: ProviderName })[] = [
    { ProviderName: "Google", ProviderType: "Google", ProviderDetails: detailsFor(google, "Google") },
    {
      ...{ ProviderName: "Corporate", ProviderType: "OIDC" },
      ProviderDetails: { ...detailsFor(corporate, "OIDC"), IDPSignout: "true" },
    },
    { ProviderName: "Partner", ProviderType: "OIDC", ProviderDetails: detailsFor(partner, "OIDC") },
    { ProviderName: "Campus", ProviderType: "SAML", ProviderDetails: campus.details },
  ];
  for (const one of all)
    await createProvider(server, UserPoolId, {
      ...one,
      AttributeMapping:
        one.ProviderType === "SAML" ? { email: "email", name: "displayName" } : standardMapping,
      IdpIdentifiers: [`${one.ProviderName.toLowerCase()}.example`],
    });
  const { ClientId } = await makeClient(server, UserPoolId, {
    ClientName: "Notes",
    CallbackURLs: [app],
    LogoutURLs: [app],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ["code"],
    AllowedOAuthScopes: scopes,
    SupportedIdentityProviders: ["COGNITO", ...all.map(({ ProviderName }) => ProviderName)],
    ...more,
  });
  const at = { Google: google, Corporate: corporate, Partner: partner, Campus: campus.url };
  return { UserPoolId, ClientId, base, at };
}

/** What the console asks for: Google is another kind of provider, whose issuer is known. */
function detailsFor(issuer: string, type: "Google" | "OIDC"): Record<string, string> {
  const { attributes_request_method: method, ...details } = detailsOf({ issuer });
  return { ...details, ...(type === "OIDC" && { attributes_request_method: method! }) };
}

/** @returns its issuer */
async function startOpenId(name: string, base: string): Promise<string> {
  const names = ["session", "interaction", "resume", "state"].map((one) => [one, `${name}_${one}`]);
  const { issuer } = keepOpen(
    await startOpenIdProvider(
      { redirect_uris: [`${base}/oauth2/idpresponse`], post_logout_redirect_uris: [`${base}/logout`] },
      // A host's cookies are those of all its ports.
      { cookies: { keys: [`a key of ${name}`], names: Object.fromEntries(names) } },
    ),
  );
  return issuer;
}

async function startSaml(base: string): Promise<{ url: string; details: Record<string, string> }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  keepOpen({
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const key = await newKey("campus");
  server.on("request", samlPages(url, key, `${base}/saml2/metadata?provider=Campus`));
  const MetadataFile = samlProvider(url, key).getMetadata();
  return { url, details: { MetadataFile, RequestSigningAlgorithm: "rsa-sha256", IDPSignout: "true" } };
}

/** At an OpenID provider's page: signs in as somebody, and agrees that we know them. */
export async function enterOpenId(page: Page, name: string): Promise<void> {
  await page.fill("[name=login]", name);
  await page.fill("[name=password]", "any");
  await page.click("[type=submit]");
  await page.click("button:text('Continue')");
}

/** At the SAML provider's page: Ann Archer is 1001, Ben Baker 1002. */
export const enterSaml = (page: Page, id: "1001" | "1002") => page.click(`button[value="${id}"]`);

/** Turns back at an OpenID provider. */
export const cancel = (page: Page) => page.click("a:text('Cancel')");

/** At an OpenID provider that asks whether it may end the session there. */
export const confirmLeaving = (page: Page) => page.click("button[value=yes]");
