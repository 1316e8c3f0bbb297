/** Signing out everywhere: the sessions of the user here, and by GlobalSignOut at the provider what they have there. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { annsBrowser, type GatewayPlace, gatewayPlace, newStore, paths } from "./place.ts";
import { refusal } from "./refusal.ts";

const scopes = ["openid", "email", "profile", "aws.cognito.signin.user.admin"];

/** @param api where GlobalSignOut is called */
const placeWith = (server: TestServer, store: string | undefined, api: string) =>
  gatewayPlace(server, store, {
    provider: { scopes, globalSignOut: api },
    client: { AllowedOAuthScopes: scopes },
  });

const isSignedIn = async ({ origin }: GatewayPlace, browser: ReturnType<typeof annsBrowser>) =>
  (await browser.get(`${origin}${paths.session}`)).status === 200;

forEachServer("gateway: signing out everywhere", (start, kind) => {
  test("another browser is signed out here, and has to enter the password at the provider", async () => {
    const server = await start();
    const place = await placeWith(server, await newStore(kind), server.endpoint);
    const [here, there] = [annsBrowser(place), annsBrowser(place)];
    for (const browser of [here, there]) await browser.follow(`${place.origin}/`);
    assert.ok(await isSignedIn(place, there));
    const out = await here.get(`${place.origin}${paths.signOut}?everywhere=true`);
    assert.equal(out.status, 303);
    assert.ok(!(await isSignedIn(place, there)));
    const shown = await there.follow(`${place.origin}/`);
    assert.match(shown.url, /\/login\?/);
  });

  test("with tokens that have expired, new ones are asked for first", async () => {
    const server = await start();
    const place = await placeWith(server, await newStore(kind), server.endpoint);
    const [here, there] = [annsBrowser(place), annsBrowser(place)];
    for (const browser of [here, there]) await browser.follow(`${place.origin}/`);
    server.clock.advance(61 * 60_000);
    const out = await here.get(`${place.origin}${paths.signOut}?everywhere=true`);
    assert.equal(out.status, 303);
    assert.ok(!(await isSignedIn(place, there)));
  });

  test("a provider that does not agree: signed out here, and told so", async () => {
    const server = await start();
    const place = await placeWith(server, await newStore(kind), "http://127.0.0.1:1/");
    const browser = annsBrowser(place);
    await browser.follow(`${place.origin}/`);
    const out = await browser.get(`${place.origin}${paths.signOut}?everywhere=true`);
    assert.equal(out.status, 503);
    assert.match(await out.text(), /signed out in this browser only/);
    assert.ok(!(await isSignedIn(place, browser)));
  });
});

describe("gateway: signing out everywhere, in a file", () => {
  test("needs the scope", () =>
    assert.match(
      refusal(
        "provider:\n  issuer: https://idp.example.com\n  client-id: a\n  global-sign-out: https://idp.example.com",
      ),
      /line 5: .*global-sign-out needs the scope aws\.cognito\.signin\.user\.admin/,
    ));
});
