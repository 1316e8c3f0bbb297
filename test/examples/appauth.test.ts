/** examples/appauth: the requests of AppAuth, sent as they stand; in between somebody signs in at the pages. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import type { BrowserContext } from "playwright-core";
import { samlPages } from "../../examples/federation/stand-ins/saml.ts";
import { Browser, newPlace, offer } from "../federation/browser-way.ts";
import { newKey } from "../federation/saml-kit.ts";
import { formsIn, newVisitor, type Shown, type Visitor } from "../hosted-ui/visitor.ts";
import { browse } from "../kit/chromium.ts";
import { makePool, makeUser, password, verifiedMail } from "../kit/people.ts";
import { createProvider } from "../kit/providers.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { claimsOf } from "../oauth/support.ts";

const folder = join(import.meta.dirname, "..", "..", "examples", "appauth");
const files = readdirSync(folder).filter((name) => name.endsWith(".http"));

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The requests of a file by name, with `{{…}}` still in them. */
function requestsOf(file: string): Map<string, Sent> {
  const parts = readFileSync(join(folder, file), "utf8").split(/^###\n/m);
  return new Map(
    parts.map((part) => {
      const name = /^# @name (.+)$/m.exec(part)?.[1] ?? assert.fail(`no name: ${part}`);
      const [head = "", body = ""] = part
        .replace(/^#.*\n/gm, "")
        .trim()
        .split("\n\n");
      const [first = "", ...lines] = head.split("\n");
      const [method = "", url = ""] = first.split(" ");
      const headers = Object.fromEntries(lines.map((line) => line.split(": ")));
      return [name, { method, url, headers, body }];
    }),
  );
}

type Values = Readonly<Record<string, string>>;

/** With what the server and the app have said so far. */
function filled({ method, url, headers, body }: Sent, values: Values): Sent {
  const fill = (text: string) =>
    text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? assert.fail(`no ${name} yet`));
  return { method, url: fill(url), headers, body: fill(body) };
}

/** The members that are read here are strings, but for numbers that are compared as text. */
async function send({ method, url, headers, body }: Sent): Promise<{ status: number; answer: Values }> {
  const response = await fetch(url, { method, headers, ...(body !== "" && { body }), redirect: "manual" });
  const text = await response.text();
  return { status: response.status, answer: text === "" ? {} : JSON.parse(text) };
}

const callback = "com.example.notes:/oauth2redirect";
const goodbye = "com.example.notes:/oauth2logout";

interface Place {
  readonly UserPoolId: string;
  readonly ClientId: string;
  readonly ClientSecret: undefined;
}

async function makePlace(server: TestServer): Promise<Place> {
  const place = await makePool(
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
  await makeUser(server, place.UserPoolId, "ann", verifiedMail());
  return { ...place, ClientSecret: undefined };
}

/** OpenID Connect Discovery 1.0, without which AuthorizationServiceDiscovery throws. */
const mandatory = [
  "issuer",
  "authorization_endpoint",
  "jwks_uri",
  "response_types_supported",
  "subject_types_supported",
  "id_token_signing_alg_values_supported",
];

/** As IdToken.validate and OIDAuthorizationService have it. */
function checkIdToken(token: string | undefined, values: Values, now: number, nonce?: string | null): void {
  const claims = claimsOf(token);
  assert.equal(claims["iss"], values["issuer"]);
  assert.equal(claims["aud"], values["client_id"]);
  assert.ok(Number(claims["exp"]) * 1000 > now);
  assert.ok(Math.abs(Number(claims["iat"]) * 1000 - now) < 600_000);
  if (nonce !== undefined) assert.equal(claims["nonce"], nonce);
}

/** What the browser is asked, until it leaves for the app. */
async function follow(visitor: Visitor, url: string): Promise<Shown> {
  let shown = await visitor.get(url);
  while (/^https?:/.test(shown.location)) shown = await visitor.get(shown.location);
  return shown;
}

const parameter = (url: string, name: string) => new URL(url).searchParams.get(name);

interface Federated {
  readonly UserPoolId: string;
  readonly ClientId: string;
  /** The name of the provider in the pool. */
  readonly provider: string;
  /** Signs Ann in at the provider, to which the browser was sent. Returns where the browser goes on at the pool. */
  through(browser: Browser, location: string): Promise<string>;
  readonly username: string;
}

async function withOpenIdProvider(server: TestServer): Promise<Federated> {
  const place = await newPlace(server, { client: { CallbackURLs: [callback] } });
  return {
    ...place,
    provider: "Upstream",
    username: "Upstream_ann",
    through: (browser, location) => {
      assert.ok(location.startsWith(place.upstream.issuer), location);
      return browser.throughProvider(location, place.upstream, "ann");
    },
  };
}

/** With the SAML provider of examples/federation, which signs nobody in unless the pool has signed the request. */
async function withSamlProvider(server: TestServer): Promise<Federated> {
  const place = await makePlace(server);
  const base = `${server.endpoint}/${place.UserPoolId}`;
  const campus = createServer().listen(0, "127.0.0.1");
  await once(campus, "listening");
  closing.push(campus);
  const url = `http://127.0.0.1:${(campus.address() as AddressInfo).port}/`;
  campus.on("request", samlPages(url, await newKey("campus"), `${base}/saml2/metadata?provider=Campus`));
  await createProvider(server, place.UserPoolId, {
    ProviderName: "Campus",
    ProviderType: "SAML",
    ProviderDetails: { MetadataURL: `${url}metadata` },
    AttributeMapping: { email: "email" },
  });
  await offer(server, { ...place, base }, ["COGNITO", "Campus"]);
  return {
    ...place,
    provider: "Campus",
    username: "Campus_1001",
    through: async (browser, location) => {
      assert.ok(location.startsWith(`${url}sso?SAMLRequest=`), location);
      const answer = await browser.open(location, new URLSearchParams({ person: "1001" }));
      const [form] = formsIn(await answer.text());
      const { action, fields } = form ?? assert.fail(`no form, but ${answer.status}`);
      assert.equal(action, `${base}/saml2/idpresponse`);
      return browser.sent(action, new URLSearchParams(fields));
    },
  };
}

const closing: Server[] = [];
after(() => {
  for (const server of closing) {
    server.close();
    server.closeAllConnections();
  }
});

const federations = { "an OpenID provider": withOpenIdProvider, "a SAML provider": withSamlProvider };

forOneServer("postgres", "examples/appauth", (open) => {
  for (const [kind, newFederation] of Object.entries(federations))
    for (const file of files)
      test(`${file}: with identity_provider, through ${kind}`, async () => {
        const server = await open();
        const place = await newFederation(server);
        const requests = requestsOf(file);
        const issuer = `${server.endpoint}/${place.UserPoolId}`;
        let values: Values = { issuer, client_id: place.ClientId };
        const take = (name: string) => filled(requests.get(name) ?? assert.fail(name), values);
        values = { ...(await send(take("discovery"))).answer, ...values };

        const browser = new Browser();
        const { url } = take("authorization");
        const atProvider = await browser.sent(`${url}&identity_provider=${place.provider}`);
        const back = await browser.sent(await place.through(browser, atProvider));
        assert.ok(back.startsWith(`${callback}?`), back);
        assert.equal(parameter(back, "state"), parameter(url, "state"));
        values = { ...values, code: parameter(back, "code") ?? assert.fail(back) };

        const { answer } = await send(take("exchange"));
        checkIdToken(answer["id_token"], values, server.clock.now, parameter(url, "nonce"));
        const { email, "cognito:username": username } = claimsOf(answer["id_token"]);
        assert.deepEqual([username, email], [place.username, "ann@example.com"]);
        values = { ...values, refresh_token: answer["refresh_token"] ?? assert.fail("no refresh token") };
        const refreshed = await send(take("refresh"));
        checkIdToken(refreshed.answer["id_token"], values, server.clock.now);
      });

  for (const file of files)
    test(`${file}: discovery, sign-in, exchange, refresh, end of the session`, async () => {
      const server = await open();
      const place = await makePlace(server);
      const requests = requestsOf(file);
      const issuer = `${server.endpoint}/${place.UserPoolId}`;
      let values: Values = { issuer, client_id: place.ClientId };
      const take = (name: string) => filled(requests.get(name) ?? assert.fail(name), values);

      const discovery = await send(take("discovery"));
      assert.equal(discovery.status, 200);
      for (const name of mandatory) assert.ok(name in discovery.answer, name);
      values = { ...discovery.answer, ...values };
      assert.equal(discovery.answer["issuer"], issuer);

      const visitor = newVisitor(server, place);
      const authorization = take("authorization").url;
      const signInPage = await follow(visitor, authorization);
      const back = await visitor.submit(signInPage, "/login", { username: "ann", password });
      assert.ok(back.location.startsWith(`${callback}?`), back.location);
      assert.equal(parameter(back.location, "state"), parameter(authorization, "state"));
      values = { ...values, code: parameter(back.location, "code") ?? assert.fail(back.location) };

      const exchanged = await send(take("exchange"));
      assert.equal(exchanged.status, 200, JSON.stringify(exchanged.answer));
      const { access_token, id_token = "", refresh_token = "", token_type } = exchanged.answer;
      assert.equal(token_type, "Bearer");
      checkIdToken(id_token, values, server.clock.now, parameter(authorization, "nonce"));
      values = { ...values, id_token, refresh_token };

      const refreshed = await send(take("refresh"));
      assert.equal(refreshed.status, 200, JSON.stringify(refreshed.answer));
      assert.notEqual(refreshed.answer["access_token"], access_token);
      checkIdToken(refreshed.answer["id_token"], values, server.clock.now);

      if (requests.has("revocation")) {
        assert.equal((await send(take("revocation"))).status, 200);
        assert.equal((await send(take("refresh"))).answer["error"], "invalid_grant");
      }
      assert.equal((await send(take("exchange"))).answer["error"], "invalid_grant", "a code is for once");
      await endSession(visitor, take("end session").url, authorization);
    });

  /** The browser goes back to the app, and the next sign-in asks again. */
  async function endSession(visitor: Visitor, url: string, authorization: string): Promise<void> {
    const { location } = await follow(visitor, url);
    assert.equal(location, `${goodbye}?state=${parameter(url, "state")}`);
    const next = await follow(visitor, authorization);
    assert.ok("password" in (next.forms[0]?.fields ?? {}), next.title);
  }

  let browser: Promise<BrowserContext> | undefined;
  after(async () => (await browser)?.close());

  test("Chromium hands both addresses of the app over to the system, and its policy does not object", async () => {
    const server = await open();
    const place = await makePlace(server);
    browser ??= browse();
    const page = await (await browser).newPage();
    const said: string[] = [];
    page.on("console", (message) => said.push(message.text()));
    const query = new URLSearchParams({
      client_id: place.ClientId,
      response_type: "code",
      redirect_uri: callback,
      state: "s-1",
    });
    await page.goto(`${server.endpoint}/${place.UserPoolId}/oauth2/authorize?${query}`);
    await page.fill("#username", "ann");
    await page.fill("#password", password);
    // No app is installed here for the scheme, so that the browser has nobody to hand it to.
    const handedOver = page.waitForEvent("requestfailed");
    await page.locator("form button.primary").first().click({ noWaitAfter: true });
    const toApp = await handedOver;
    assert.ok(toApp.url().startsWith(`${callback}?`), toApp.url());
    assert.ok(parameter(toApp.url(), "code"));
    assert.equal(toApp.failure()?.errorText, "net::ERR_ABORTED");
    const ended = page.waitForEvent("requestfailed");
    const logout = new URLSearchParams({ client_id: place.ClientId, logout_uri: goodbye });
    await assert.rejects(page.goto(`${server.endpoint}/${place.UserPoolId}/logout?${logout}`), /ERR_ABORTED/);
    assert.equal((await ended).url(), goodbye);
    assert.deepEqual(said, []);
  });
});
