/** The way of a browser to a SAML provider and back, begun here or there, and single logout. */
import assert from "node:assert/strict";
import { createSign } from "node:crypto";
import { test } from "node:test";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { insertSamlKey } from "../../src/store/saml-keys.ts";
import { ask } from "../kit/ask.ts";
import { makePool } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { claimsOf, post } from "../oauth/support.ts";
import {
  addProvider,
  Browser,
  callback,
  codeIn,
  errorIn,
  goodbye,
  offer,
  queryOf,
  redeem,
} from "./browser-way.ts";
import { base64, entityId, type Key, metadataOf, newKey, responseXml, sayings } from "./saml-kit.ts";

interface SamlPlace {
  readonly UserPoolId: string;
  readonly ClientId: string;
  readonly base: string;
}

let keys: Promise<{ readonly pool: Key; readonly provider: Key }> | undefined;
const theKeys = () => {
  keys ??= (async () => ({ pool: await newKey("pool"), provider: await newKey("provider") }))();
  return keys;
};

async function newPlace(server: TestServer, details: Record<string, string> = {}): Promise<SamlPlace> {
  const made = await makePool(
    server,
    {},
    {
      CallbackURLs: [callback],
      LogoutURLs: [goodbye],
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["code"],
      AllowedOAuthScopes: ["openid", "email"],
    },
  );
  const { pool, provider } = await theKeys();
  const { UserPoolId: poolId } = made;
  await insertSamlKey(server.app.db, { poolId, provider: "", ...pool, createdAt: server.clock.now });
  const MetadataFile = metadataOf([provider.certificate]);
  await addProvider(server, poolId, "Corp", "SAML", { MetadataFile, IDPSignout: "true", ...details });
  const place = { ...made, base: `${server.endpoint}/${poolId}` };
  await offer(server, place, ["COGNITO", "Corp"]);
  return place;
}

/** The provider's signed response. */
async function response(
  server: TestServer,
  { UserPoolId: poolId, base }: SamlPlace,
  requestId: string | null,
): Promise<string> {
  const acs = `${base}/saml2/idpresponse`;
  const from = { now: server.clock.now, poolId, signer: (await theKeys()).provider };
  const said = sayings(from, requestId, { destination: acs, recipient: acs });
  return base64(responseXml(said));
}

/** The message in a URL, by HTTP-Redirect. */
function messageIn(location: string, name: "SAMLRequest" | "SAMLResponse"): string {
  const encoded = new URL(location).searchParams.get(name) ?? assert.fail(location);
  return inflateRawSync(Buffer.from(encoded, "base64")).toString();
}

/** Begins at the provider. @returns what its form posts, with the response */
async function begin(server: TestServer, place: SamlPlace, browser: Browser): Promise<URLSearchParams> {
  const query = queryOf(place, { identity_provider: "Corp" });
  const location = await browser.sent(`${place.base}/oauth2/authorize?${query}`);
  const [, id] = /\bID="([^"]+)"/.exec(messageIn(location, "SAMLRequest")) ?? assert.fail(location);
  const RelayState = new URL(location).searchParams.get("RelayState") ?? assert.fail(location);
  return new URLSearchParams({ SAMLResponse: await response(server, place, id!), RelayState });
}

/** Signs in at the provider. @returns where the application is told so */
async function signIn(server: TestServer, place: SamlPlace, browser: Browser): Promise<string> {
  const form = await begin(server, place, browser);
  return browser.sent(await new Browser().sent(`${place.base}/saml2/idpresponse`, form));
}

/** A URL with a LogoutRequest of the provider, signed as HTTP-Redirect asks. */
async function logoutRequest(server: TestServer, { base }: SamlPlace, session: string): Promise<string> {
  const xml = `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r${session}" Version="2.0" IssueInstant="${new Date(server.clock.now).toISOString()}" Destination="${base}/saml2/logout"><saml:Issuer>${entityId}</saml:Issuer><saml:NameID>ann@example.com</saml:NameID><samlp:SessionIndex>${session}</samlp:SessionIndex></samlp:LogoutRequest>`;
  const query = new URLSearchParams({
    SAMLRequest: deflateRawSync(xml).toString("base64"),
    RelayState: "theirs",
    SigAlg: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
  }).toString();
  const { privateKey } = (await theKeys()).provider;
  const Signature = createSign("sha256").update(query).sign(privateKey, "base64");
  return `${base}/saml2/logout?${query}&${new URLSearchParams({ Signature })}`;
}

forOneServer("sqlite", "the way of a browser to a SAML provider and back", (open) => {
  test("a response comes by a form of another site, and counts once", async () => {
    const server = await open();
    const place = await newPlace(server);
    const browser = new Browser();
    const form = await begin(server, place, browser);
    const endpoint = `${place.base}/saml2/idpresponse`;
    const handled = await new Browser().sent(endpoint, form);
    assert.match(await new Browser().sent(handled), /\/error\?error=invalid_request/, "another browser");
    const tokens = await redeem(place, codeIn(await browser.sent(handled)));
    assert.equal(claimsOf(tokens["id_token"])["cognito:username"], "Corp_ann@example.com");
    assert.match(await browser.sent(handled), /\/error\?error=invalid_request/, "used before");
    // The same response with another request's state.
    const { searchParams } = new URL(`http://x/?${form}`);
    const another = new Browser();
    const fresh = await begin(server, place, another);
    fresh.set("SAMLResponse", searchParams.get("SAMLResponse")!);
    const replayed = await another.sent(await new Browser().sent(endpoint, fresh));
    assert.match(errorIn(replayed), /^invalid_request: Error in SAML response processing/);
  });

  test("a provider begins a sign-in only where its settings and the client allow it", async () => {
    const server = await open();
    const place = await newPlace(server, { IDPInit: "true" });
    const RelayState = new URLSearchParams({
      identity_provider: "Corp",
      client_id: place.ClientId,
      redirect_uri: callback,
      response_type: "code",
      scope: "openid+email",
    }).toString();
    const browser = new Browser();
    const endpoint = `${place.base}/saml2/idpresponse`;
    const unasked = async () =>
      new URLSearchParams({ RelayState, SAMLResponse: await response(server, place, null) });
    const nul = new URLSearchParams(RelayState);
    nul.delete("identity_provider");
    nul.set("idp_identifier", "a\0b");
    const withNul = new URLSearchParams({ RelayState: nul.toString(), SAMLResponse: "x" });
    assert.match(await browser.sent(endpoint, withNul), /\/error\?error=invalid_request&/);
    const refused = await browser.sent(endpoint, await unasked());
    const { searchParams } = new URL(refused);
    assert.equal(searchParams.get("error"), "invalid_request");
    assert.match(searchParams.get("error_description") ?? "", /do not come through SAML/);
    await offer(server, place, ["Corp"]);
    const handled = await browser.sent(endpoint, await unasked());
    assert.match(await new Browser().sent(handled), /\/error\?error=invalid_request/, "another browser");
    const location = new URL(await browser.sent(handled));
    assert.equal(`${location.origin}${location.pathname}`, "https://app.example/callback");
    assert.equal(location.searchParams.get("state"), null);
    const tokens = await redeem(place, location.searchParams.get("code") ?? assert.fail(location.href));
    assert.equal(claimsOf(tokens["access_token"])["scope"], "openid email");
    const other = await newPlace(server);
    await offer(server, other, ["Corp"]);
    const toOther = new URLSearchParams({
      RelayState: RelayState.replace(place.ClientId, other.ClientId),
      SAMLResponse: await response(server, other, null),
    });
    const notAllowed = new URL(await browser.sent(`${other.base}/saml2/idpresponse`, toOther));
    assert.match(notAllowed.searchParams.get("error_description") ?? "", /may not begin a sign-in/);
  });

  test("signing out goes to the provider and comes back", async () => {
    const server = await open();
    const place = await newPlace(server);
    const browser = new Browser();
    codeIn(await signIn(server, place, browser));
    const leave = new URLSearchParams({ client_id: place.ClientId, logout_uri: goodbye });
    const there = await browser.sent(`${place.base}/logout?${leave}`);
    assert.match(there, /^https:\/\/idp\.example\/SingleLogoutService\/Redirect\?/);
    assert.match(messageIn(there, "SAMLRequest"), /ann@example\.com/);
    const authorize = `${place.base}/oauth2/authorize?${queryOf(place)}`;
    assert.ok((await browser.sent(authorize)).startsWith(`${place.base}/login?`), "signed out here at once");
  });

  test("a provider's LogoutRequest ends the sessions and tokens that it has led to", async () => {
    const server = await open();
    const place = await newPlace(server);
    const browser = new Browser();
    const tokens = await redeem(place, codeIn(await signIn(server, place, browser)));
    const authorize = `${place.base}/oauth2/authorize?${queryOf(place)}`;
    codeIn(await browser.sent(authorize));
    const forged = (await logoutRequest(server, place, "_session")).replace("theirs", "mine");
    assert.match(await new Browser().sent(forged), /\/error\?error=invalid_request/);
    codeIn(await browser.sent(authorize));
    const answer = await new Browser().sent(await logoutRequest(server, place, "_session"));
    assert.match(answer, /^https:\/\/idp\.example\/SingleLogoutService\/Redirect\?.*RelayState=theirs/);
    assert.match(messageIn(answer, "SAMLResponse"), /status:Success/);
    assert.ok((await browser.sent(authorize)).startsWith(`${place.base}/login?`));
    const { ClientId: client_id } = place;
    const refresh = { grant_type: "refresh_token", client_id, refresh_token: tokens["refresh_token"]! };
    assert.equal((await post(place, refresh)).body["error"], "invalid_grant");
  });

  test("metadata is for the provider's administrators", async () => {
    const server = await open();
    const { base, UserPoolId } = await newPlace(server);
    const answer = await ask(`${base}/saml2/metadata?provider=Corp`);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type") ?? "", /^application\/samlmetadata\+xml/);
    const xml = await answer.text();
    assert.ok(
      xml.includes(`entityID="urn:amazon:cognito:sp:${UserPoolId}"`) &&
        xml.includes(`${base}/saml2/idpresponse`),
    );
    for (const other of ["Other", "", "Corp&provider=Corp"])
      assert.equal((await ask(`${base}/saml2/metadata?provider=${other}`)).status, 404);
    const name = "Größe/1%2F?&#+=";
    await addProvider(server, UserPoolId, name, "SAML", { MetadataURL: "https://idp.example/metadata" });
    assert.equal((await ask(`${base}/saml2/metadata?provider=${encodeURIComponent(name)}`)).status, 200);
  });
});
