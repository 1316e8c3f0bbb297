/** The way of a browser to a provider and back, step by step, by each protocol, with a provider that says what a test wants. */
import { inflateRawSync } from "node:zlib";
import type { ProviderType } from "../../src/store/identity-providers.ts";
import { insertSamlKey } from "../../src/store/saml-keys.ts";
import { makePool } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { addProvider, Browser, callback, offer, queryOf } from "./browser-way.ts";
import { type OwnProvider, ourClient, ourSecret, startOwnProvider } from "./own-provider.ts";
import { base64, type Key, metadataOf, newKey, responseXml, sayings } from "./saml-kit.ts";

/** An OpenID provider, which the caller closes, and the key of a SAML provider. */
export interface Providers {
  readonly own: OwnProvider;
  readonly key: Key;
}

export const startProviders = async (): Promise<Providers> => ({
  own: await startOwnProvider(),
  key: await newKey("provider"),
});

/** A pool whose clients may ask for max_age, with the provider `There`. */
export interface PlaceWithProvider extends Providers {
  readonly server: TestServer;
  readonly UserPoolId: string;
  readonly ClientId: string;
  readonly base: string;
  readonly type: ProviderType;
  readonly details: Readonly<Record<string, string>>;
}

export async function placeWith(
  { own, key }: Providers,
  server: TestServer,
  type: ProviderType,
): Promise<PlaceWithProvider> {
  const made = await makePool(
    server,
    { UserPoolTags: { "poolhouse:oidc": "*" } },
    {
      CallbackURLs: [callback],
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["code"],
      AllowedOAuthScopes: ["openid", "email", "aws.cognito.signin.user.admin"],
    },
  );
  const { UserPoolId } = made;
  const isSaml = type === "SAML";
  const details: Readonly<Record<string, string>> = isSaml
    ? { MetadataFile: metadataOf([key.certificate]) }
    : {
        ...{ oidc_issuer: own.issuer, client_id: ourClient, client_secret: ourSecret },
        ...{ authorize_url: `${own.issuer}/authorize`, token_url: `${own.issuer}/token` },
        ...{ jwks_uri: `${own.issuer}/jwks` },
      };
  if (isSaml) {
    const { now: createdAt } = server.clock;
    await insertSamlKey(server.app.db, { poolId: UserPoolId, provider: "", ...key, createdAt });
  }
  const place = { own, key, server, ...made, base: `${server.endpoint}/${UserPoolId}`, type, details };
  await addProvider(server, UserPoolId, "There", type, details);
  await offer(server, place, ["COGNITO", "There"]);
  return place;
}

/** Where an authorization request leads. */
export const asked = (place: PlaceWithProvider, browser: Browser, more: Record<string, string> = {}) =>
  browser.sent(`${place.base}/oauth2/authorize?${queryOf(place, { identity_provider: "There", ...more })}`);

/** When the user authenticated, epoch milliseconds, or what a provider says in its place. */
export type Said = number | string | undefined;

/**
 * The URL with which the browser comes back from the provider: of an OpenID provider with its answer, of a SAML provider with the handle
 * of what was posted.
 * @param at where the browser was sent
 */
export function wayBack(place: PlaceWithProvider, at: string, said: Said): Promise<string> | string {
  const { server, base, type, own } = place;
  if (type === "SAML") return new Browser().sent(`${base}/saml2/idpresponse`, posted(place, at, said));
  const now = Math.floor(server.clock.now / 1000);
  const auth_time = typeof said === "number" ? Math.floor(said / 1000) : said;
  own.mood.idToken = { iat: now, exp: now + 300, auth_time };
  return `${base}/oauth2/idpresponse?${own.approve(at)}`;
}

/** The form of a SAML provider. */
export function posted(
  { server, base, UserPoolId: poolId, key }: PlaceWithProvider,
  at: string,
  said: Said,
): URLSearchParams {
  const { searchParams: sent } = new URL(at);
  const request = inflateRawSync(Buffer.from(sent.get("SAMLRequest")!, "base64")).toString();
  const [, id = ""] = /\bID="([^"]+)"/.exec(request) ?? [];
  const instant = typeof said === "number" ? new Date(said).toISOString() : said;
  const statement = `<saml:AuthnStatement${instant === undefined ? "" : ` AuthnInstant="${instant}"`}/>`;
  const acs = `${base}/saml2/idpresponse`;
  const from = { now: server.clock.now, poolId, signer: key };
  const xml = responseXml(sayings(from, id, { destination: acs, recipient: acs, statement }));
  return new URLSearchParams({ SAMLResponse: base64(xml), RelayState: sent.get("RelayState")! });
}

/** Signs in through the provider. @returns the URL at the application */
export async function comes(
  place: PlaceWithProvider,
  browser: Browser,
  said: Said,
  more: Record<string, string> = {},
): Promise<string> {
  return browser.sent(await wayBack(place, await asked(place, browser, more), said));
}
