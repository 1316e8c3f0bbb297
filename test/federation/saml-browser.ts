/** Chromium between an application, a pool, and a SAML provider that is a program of its own. */
import assert from "node:assert/strict";
import {
  AdminGetUserCommand,
  type CreateUserPoolClientCommandInput,
} from "@aws-sdk/client-cognito-identity-provider";
import type { BrowserContext, Page } from "playwright-core";
import { browse, keepOpen, serveSite } from "../kit/chromium.ts";
import { attributesOf, makeClient, makePool } from "../kit/people.ts";
import { createProvider, type Details } from "../kit/providers.ts";
import type { TestServer } from "../kit/server.ts";
import { claimsOf, post } from "../oauth/support.ts";

/** A pool with the provider `Campus`, and an application that offers it beside the pool's own users. */
export interface SamlPlace {
  readonly server: TestServer;
  readonly UserPoolId: string;
  readonly ClientId: string;
  readonly base: string;
  /** Where the application takes codes, and where it waits for those who have signed out. */
  readonly callback: string;
  readonly goodbye: string;
  /** What the provider knows the pool by. */
  readonly entityId: string;
  readonly metadataUrl: string;
}

let site: ReturnType<typeof serveSite> | undefined;

/** An application at `localhost`, where the pool's pages are, too: a provider at `127.0.0.1` is another site than these. */
async function application(): Promise<string> {
  site ??= serveSite("<!doctype html><title>Application</title>").then(keepOpen);
  return `http://localhost:${(await site).port}`;
}

/** @param details of the provider, which may first have to know the pool by its metadata */
export async function newSamlPlace(
  server: TestServer,
  details: Details | ((metadataUrl: string) => Promise<Details>),
  { attributes, providers = ["COGNITO", "Campus"] }: { attributes: Details; providers?: readonly string[] },
): Promise<SamlPlace> {
  const groups = { Name: "groups", AttributeDataType: "String", Mutable: true } as const;
  const { UserPoolId } = await makePool(server, {
    Schema: [{ ...groups, StringAttributeConstraints: { MaxLength: "2048" } }],
  });
  const place = { server, UserPoolId, base: `${server.endpoint}/${UserPoolId}` };
  const metadata = `${place.base}/saml2/metadata`;
  await createProvider(server, UserPoolId, {
    ProviderName: "Campus",
    ProviderType: "SAML",
    ProviderDetails: typeof details === "function" ? await details(metadata) : details,
    AttributeMapping: attributes,
  });
  const made = await newApplication(place, providers);
  const entityId = `urn:amazon:cognito:sp:${UserPoolId}`;
  return { ...place, ...made, entityId, metadataUrl: `${metadata}?provider=Campus` };
}

async function newApplication(
  { server, UserPoolId }: Pick<SamlPlace, "server" | "UserPoolId">,
  providers: readonly string[],
): Promise<Pick<SamlPlace, "ClientId" | "callback" | "goodbye">> {
  const origin = await application();
  const [callback, goodbye] = [`${origin}/callback`, `${origin}/goodbye`];
  const settings: Partial<CreateUserPoolClientCommandInput> = {
    SupportedIdentityProviders: [...providers],
    CallbackURLs: [callback],
    LogoutURLs: [goodbye],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ["code"],
    AllowedOAuthScopes: ["openid", "email", "profile"],
  };
  const { ClientId } = await makeClient(server, UserPoolId, settings);
  return { ClientId, callback, goodbye };
}

/** What the application asks for. */
export function authorizeUrl(place: SamlPlace, more: Readonly<Record<string, string>> = {}): string {
  const { ClientId: client_id, callback: redirect_uri } = place;
  const query = { client_id, redirect_uri, response_type: "code", state: "s-1", ...more };
  return `${place.base}/oauth2/authorize?${new URLSearchParams(query)}`;
}

export const atCampus = { identity_provider: "Campus" };

/** A new browser. The caller closes it, or it is closed with the tests of the file. */
export async function openBrowser(): Promise<{ readonly context: BrowserContext; readonly page: Page }> {
  const context = keepOpen(await browse());
  return { context, page: await context.newPage() };
}

/** What the application got at its redirect URI, once the browser is there. */
export async function arrival(
  page: Page,
  { callback }: Pick<SamlPlace, "callback">,
): Promise<URLSearchParams> {
  await page.waitForURL((url) => url.href.startsWith(`${callback}?`));
  return new URL(page.url()).searchParams;
}

/** The error of a sign-in, as the application is told of it. */
export async function errorAt(page: Page, place: SamlPlace): Promise<string> {
  const got = await arrival(page, place);
  return `${got.get("error")}: ${got.get("error_description")}`;
}

export type Tokens = Readonly<Record<string, string>>;

/** The tokens for the code with which the browser arrived. */
export async function tokensAt(page: Page, place: SamlPlace): Promise<Tokens> {
  const got = await arrival(page, place);
  const code = got.get("code") ?? assert.fail(page.url());
  const { ClientId: client_id, callback: redirect_uri } = place;
  const answer = await post(place, { grant_type: "authorization_code", client_id, code, redirect_uri });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body as Tokens;
}

export const userOf = (tokens: Tokens): string => String(claimsOf(tokens["id_token"])["cognito:username"]);

/** The attributes of whoever signed in. */
export async function attributesFrom({ server, UserPoolId }: SamlPlace, tokens: Tokens) {
  const who = { UserPoolId, Username: userOf(tokens) };
  return attributesOf((await server.client.send(new AdminGetUserCommand(who))).UserAttributes);
}

/** What the token endpoint says to the refresh token: `undefined` if it is still good. */
export async function refreshError(place: SamlPlace, { refresh_token = "" }: Tokens): Promise<unknown> {
  const { ClientId: client_id } = place;
  const answer = await post(place, { grant_type: "refresh_token", client_id, refresh_token });
  return answer.body["error"];
}

/** Whether the browser has a session at the pool's pages. */
export async function isSignedIn(page: Page, place: SamlPlace): Promise<boolean> {
  await page.goto(authorizeUrl(place, { prompt: "none" }));
  return (await arrival(page, place)).has("code");
}

export const logoutUrl = ({ base, ClientId, goodbye }: SamlPlace): string =>
  `${base}/logout?${new URLSearchParams({ client_id: ClientId, logout_uri: goodbye })}`;
