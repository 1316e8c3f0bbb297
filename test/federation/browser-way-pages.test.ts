/** What the pages of sign-in and sign-up show of identity providers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { watchWork } from "../api/work.ts";
import { makePool, makeUser, password } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
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
  await addProvider(server, made.UserPoolId, "Okta", "OIDC", {});
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

forEachServer("identity providers on the pages", (open) => {
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

  test("a pool with 500 providers costs the page what one with 5 costs", async () => {
    const server = await open();
    const few = await newPlace(server);
    const many = await newPlace(server);
    for (let at = 0; at < 495; at++)
      await addProvider(
        server,
        many.UserPoolId,
        `More${at}`,
        "OIDC",
        {},
        { IdpIdentifiers: [`more${at}.example`] },
      );
    const work = watchWork(server.app);
    const cost = async (place: Place) => (await work.during(() => page(place))).work.statements.length;
    const counts: number[] = [];
    for (const place of [few, many]) {
      await offer(server, place, ["COGNITO", "Okta", ...kinds]);
      await page(place);
      counts.push(await cost(place));
    }
    assert.equal(counts[1], counts[0]);
    await offer(server, few, ["COGNITO"]);
    await page(few);
    assert.equal(await cost(few), counts[0]! - 1, "one statement for up to five");
  });
});
