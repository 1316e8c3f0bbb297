/** What the pages of sign-in and sign-up show of identity providers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ListIdentityProvidersCommand } from "@aws-sdk/client-cognito-identity-provider";
import { watchWork } from "../api/work.ts";
import { makePool, makeUser, password } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { addProvider, Browser, callback, codeIn, offer, queryOf } from "./browser-way.ts";

const kinds = ["Google", "Facebook", "LoginWithAmazon", "SignInWithApple"] as const;

async function newPlace(server: TestServer) {
  const made = await makePool(
    server,
    {},
    {
      ClientName: "Notes",
      CallbackURLs: [callback],
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["code"],
      AllowedOAuthScopes: ["openid", "email"],
    },
  );
  const place = { ...made, base: `${server.endpoint}/${made.UserPoolId}` };
  await makeUser(server, made.UserPoolId, "ann");
  for (const kind of kinds) await addProvider(server, made.UserPoolId, kind, kind, {});
  await addProvider(server, made.UserPoolId, "Okta", "OIDC", {
    oidc_issuer: "https://idp.example",
    client_id: "notes",
    authorize_url: "https://idp.example/authorize",
    token_url: "https://idp.example/token",
    jwks_uri: "https://idp.example/jwks",
  });
  return place;
}

type Place = Awaited<ReturnType<typeof newPlace>>;

async function page(place: Place, path = "/login", more: Record<string, string> = {}): Promise<string> {
  const answer = await new Browser().open(`${place.base}${path}?${queryOf(place, more)}`);
  assert.equal(answer.status, 200, answer.headers.get("location") ?? "");
  return (await answer.text()).replace(/[\u2068\u2069]/g, "").replace(/\s+/g, " ");
}

/** The texts of the buttons, and the links behind them. */
const buttonsIn = (text: string) =>
  [
    ...text.matchAll(/<a class="button quiet provider [^"]*" href="([^"]*)">.*?<span>([^<]*)<\/span><\/a>/g),
  ].map(([, href, label]) => ({ href: href!.replaceAll("&amp;", "&"), label: label! }));

/** Fills in a form of the sign-in page. */
const posted = (server: TestServer, place: Place, fields: Record<string, string>) =>
  new Browser().open(`${place.base}/login?${queryOf(place)}`, new URLSearchParams(fields), {
    origin: new URL(server.endpoint).origin,
  });

const urlOf = (place: Place, more?: Record<string, string>) =>
  `${place.base}/oauth2/authorize?${queryOf(place, more)}`;

/** Adds providers whose secrets cannot be opened, so that reading one of them would fail. */
async function addMany({ app }: TestServer, { UserPoolId: pool_id }: Place, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, at) => `More${at}`);
  const details = { oidc_issuer: "https://idp.example", client_id: "a", authorize_scopes: "openid" };
  const document = JSON.stringify({ ProviderDetails: details, AttributeMapping: {}, IdpIdentifiers: [] });
  const rest = { type: "OIDC", version: 1, document, secrets_sealed: Buffer.from("none") } as const;
  await app.db.kysely
    .insertInto("identity_providers")
    .values(
      names.map((provider_name) => ({
        ...{ pool_id, provider_name, prefix_key: provider_name.toLowerCase() },
        ...{ ...rest, created_at: 1, updated_at: 1 },
      })),
    )
    .execute();
  await app.db.kysely
    .insertInto("provider_identifiers")
    .values(
      names.map((provider_name) => ({
        ...{ pool_id, provider_name, identifier_key: `${provider_name.toLowerCase()}.example` },
      })),
    )
    .execute();
}

forOneServer("postgres", "identity providers on the pages", (open) => {
  test("each provider of the client has a button that leads there with the same request", async () => {
    const server = await open();
    const place = await newPlace(server);
    await offer(server, place, ["COGNITO", "Okta", ...kinds, "Deleted"]);
    for (const path of ["/login", "/signup"]) {
      const text = await page(place, path, { identity_provider: "COGNITO", nonce: "n" });
      const buttons = buttonsIn(text);
      assert.deepEqual(
        buttons.map(({ label }) => label),
        ["Okta", "Google", "Facebook", "Amazon", "Apple"].map((name) => `Continue with ${name}`),
      );
      for (const { href } of buttons) {
        const [at, query = ""] = href.split("?");
        assert.equal(at, `/${place.UserPoolId}/oauth2/authorize`);
        const named = new URLSearchParams(query).getAll("identity_provider");
        assert.equal(named.length, 1, href);
        assert.ok([...kinds, "Okta"].includes(named[0]!), href);
        assert.ok(query.includes("&state=a%2fb+c%3D~(x)&"), "the state as it was given");
      }
      assert.match(text, /<input id="password"/);
    }
    await offer(server, place, ["COGNITO"]);
    assert.deepEqual(buttonsIn(await page(place)), []);
  });

  test("a client without the pool's own users shows no form for them, and refuses them", async () => {
    const server = await open();
    const place = await newPlace(server);
    await offer(server, place, ["Google", "Okta"]);
    for (const path of ["/login", "/signup", "/forgotPassword", "/challenge"]) {
      const text = await page(place, path);
      assert.equal(buttonsIn(text).length, 2, path);
      assert.doesNotMatch(text, /name="(?:username|password)"/, path);
    }
    const native = await posted(server, place, { username: "ann", password });
    assert.equal(native.status, 200);
    assert.match(await native.text(), /You cannot sign in with this account here/);
    await offer(server, place, ["COGNITO", "Google"]);
    const browser = new Browser();
    const url = `${place.base}/login?${queryOf(place)}`;
    const { origin } = new URL(server.endpoint);
    const signedIn = await browser.open(url, new URLSearchParams({ username: "ann", password }), { origin });
    codeIn(signedIn.headers.get("location") ?? "");
    const authorize = `${place.base}/oauth2/authorize?${queryOf(place)}`;
    codeIn(await browser.sent(authorize));
    await offer(server, place, ["Google", "Okta"]);
    assert.ok(
      (await browser.sent(authorize)).startsWith(`${place.base}/login?`),
      "a password is no longer enough",
    );
  });

  test("an e-mail's domain leads to a provider where every SAML provider has identifiers", async () => {
    const server = await open();
    const place = await newPlace(server);
    const { UserPoolId } = place;
    await addProvider(
      server,
      UserPoolId,
      "Corp",
      "SAML",
      {},
      { IdpIdentifiers: ["Corp.example", "bücher.example"] },
    );
    await addProvider(
      server,
      UserPoolId,
      "Ascii",
      "OIDC",
      {},
      { IdpIdentifiers: ["xn--mnchen-3ya.example"] },
    );
    await addProvider(server, UserPoolId, "Plain", "SAML", {});
    await addProvider(server, UserPoolId, "Hidden", "SAML", {}, { IdpIdentifiers: ["hidden.example"] });
    await offer(server, place, ["COGNITO", "Google", "Corp", "Plain"]);
    const withButtons = await page(place);
    assert.deepEqual(
      buttonsIn(withButtons).map(({ label }) => label),
      ["Continue with Google", "Continue with Corp", "Continue with Plain"],
    );
    assert.doesNotMatch(withButtons, /name="organization"/);
    await offer(server, place, ["COGNITO", "Google", "Corp", "Ascii"]);
    const withField = await page(place);
    assert.deepEqual(
      buttonsIn(withField).map(({ label }) => label),
      ["Continue with Google", "Continue with Ascii"],
    );
    assert.match(withField, /name="organization" type="email"/);
    for (const [typed, name] of [
      [" Bob@CORP.example\t", "Corp"],
      ["bob@BÜCHER.example", "Corp"],
      ["bob@xn--bcher-kva.example", "Corp"],
      ["bob@mu\u0308nchen.example", "Ascii"],
      ["bob@corp.example.", "Corp"],
    ] as const) {
      const led = await (await posted(server, place, { organization: typed })).text();
      const [, url = ""] = /http-equiv="refresh" content="0; url=([^"]*)"/.exec(led) ?? assert.fail(led);
      const target = new URL(url.replaceAll("&amp;", "&"), server.endpoint);
      assert.equal(target.pathname, `/${UserPoolId}/oauth2/authorize`);
      assert.equal(target.searchParams.get("identity_provider"), name);
      assert.equal(target.searchParams.get("login_hint"), typed.trim());
    }
    for (const address of [
      ...["bob@hidden.example", "bob@nowhere.example", "bob@eng.corp.example", "bob@example"],
      ...["bob@corp.example/x", "bob@corp. example", "bob", "", "@"],
    ]) {
      const refused = await (await posted(server, place, { organization: address })).text();
      assert.match(refused, /Your organization cannot sign you in here/, address);
    }
  });

  test("a pool with 500 providers costs what one with 5 costs: only the client's own are read", async () => {
    const server = await open();
    const [few, many] = [await newPlace(server), await newPlace(server)];
    await addMany(server, many, 495);
    const work = watchWork(server.app);
    const requests: Record<string, (place: Place) => Promise<unknown>> = {
      "sign-in page": (place) => page(place),
      "authorize, to the page": (place) => new Browser().sent(urlOf(place)),
      "authorize, to a provider": (place) => new Browser().sent(urlOf(place, { identity_provider: "Okta" })),
      ListIdentityProviders: ({ UserPoolId }) =>
        server.client.send(new ListIdentityProvidersCommand({ UserPoolId, MaxResults: 3 })),
    };
    const costs = async (place: Place) => {
      await offer(server, place, ["COGNITO", "Okta", ...kinds]);
      const counted: Record<string, readonly number[]> = {};
      for (const [title, request] of Object.entries(requests)) {
        // What is cached from then on is read by the first one.
        await request(place);
        const cost = await work.during(() => request(place));
        counted[title] = [cost.work.statements.length, cost.rows];
      }
      return counted;
    };
    const counted = await costs(few);
    assert.deepEqual(await costs(many), counted);
    await offer(server, few, ["COGNITO"]);
    await page(few);
    const { work: done, rows } = await work.during(() => page(few));
    assert.deepEqual(
      [done.statements.length, rows],
      [counted["sign-in page"]![0]! - 1, counted["sign-in page"]![1]! - 5],
      "one statement for up to five, and a row for each",
    );
  });
});
