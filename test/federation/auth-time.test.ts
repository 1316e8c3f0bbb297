/** When users of identity providers authenticated: there, perhaps long before they came here (`auth_time`). */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { AdminUserGlobalSignOutCommand, GetUserCommand } from "@aws-sdk/client-cognito-identity-provider";
import { deleteProvider, type ProviderType } from "../../src/store/identity-providers.ts";
import { track } from "../api/tracking.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { claimsOf, post } from "../oauth/support.ts";
import { addProvider, Browser, callback, codeIn, errorIn, redeem } from "./browser-way.ts";
import { asked, comes, type PlaceWithProvider as Place, placeWith, startProviders } from "./way-there.ts";

const providers = await startProviders();
after(() => providers.own.close());

const minute = 60_000;
const hour = 60 * minute;

const newPlace = (server: TestServer, type: ProviderType) => placeWith(providers, server, type);

/** The tokens of somebody at the application, and the claims of the ID token. */
async function tokensAt(place: Place, location: string) {
  const tokens = await redeem(place, codeIn(location));
  return { tokens, claims: claimsOf(tokens["id_token"]) };
}

async function refreshed(
  { base, ClientId: client_id }: Place,
  { refresh_token = "" }: Record<string, string>,
) {
  return (await post({ base }, { grant_type: "refresh_token", client_id, refresh_token })).body;
}

const seconds = (milliseconds: number) => Math.floor(milliseconds / 1000);

forEachServer("when users of identity providers authenticated", (open) => {
  for (const type of ["OIDC", "SAML"] as const) {
    test(`${type}: tokens say when it was there, also when they are refreshed, and the session here lasts as ever`, async () => {
      const server = await open();
      const place = await newPlace(server, type);
      const browser = new Browser();
      const there = server.clock.now - 2 * hour;
      const { tokens, claims } = await tokensAt(place, await comes(place, browser, there));
      const inAccess = claimsOf(tokens["access_token"])["auth_time"];
      assert.deepEqual([claims["auth_time"], inAccess], [seconds(there), seconds(there)]);
      assert.ok(Number(claims["iat"]) > seconds(there + hour));
      const again = await refreshed(place, tokens);
      assert.equal(claimsOf(again["id_token"])["auth_time"], seconds(there));
      server.clock.advance(50 * minute);
      const later = await tokensAt(place, await asked(place, browser));
      assert.equal(later.claims["auth_time"], seconds(there));
      server.clock.advance(11 * minute);
      const { pathname } = new URL(await asked(place, browser));
      assert.notEqual(pathname, new URL(callback).pathname, "an hour after the sign-in here");
    });

    test(`${type}: a clock that is fast, no time at all, and times that cannot be`, async () => {
      const server = await open();
      const place = await newPlace(server, type);
      for (const said of [server.clock.now + 2 * minute, undefined]) {
        const before = seconds(server.clock.now);
        const { claims } = await tokensAt(place, await comes(place, new Browser(), said));
        const at = Number(claims["auth_time"]);
        assert.ok(at >= before && at <= Number(claims["iat"]), `${said}: ${at}`);
      }
      for (const said of [server.clock.now + 4 * minute, -1000 * hour, "yesterday", ""])
        assert.match(errorIn(await comes(place, new Browser(), said)), /^invalid_request: /, String(said));
    });

    test(`${type}: max_age counts from the sign-in there`, async () => {
      const server = await open();
      const place = await newPlace(server, type);
      const browser = new Browser();
      const there = server.clock.now - 2 * hour;
      await comes(place, browser, there);
      const { claims } = await tokensAt(place, await asked(place, browser, { max_age: "8000" }));
      assert.equal(claims["auth_time"], seconds(there));
      const short = { max_age: "3600" };
      const silent = await asked(place, browser, { ...short, prompt: "none" });
      assert.match(errorIn(silent), /^login_required/);
      assert.match(
        errorIn(await comes(place, browser, there, short)),
        /^invalid_request: .*(signed in there anew)/,
      );
      assert.match(errorIn(await comes(place, browser, undefined, short)), /^invalid_request: /);
      const now = server.clock.now;
      const anew = await tokensAt(place, await comes(place, browser, now, short));
      assert.equal(anew.claims["auth_time"], seconds(now));
      codeIn(await asked(place, browser, short));
    });

    test(`${type}: who was signed out everywhere since the sign-in there comes in again`, async () => {
      const server = await open();
      const place = await newPlace(server, type);
      const browser = new Browser();
      const there = server.clock.now - 2 * hour;
      const before = await tokensAt(place, await comes(place, browser, there));
      const { UserPoolId } = place;
      const Username = String(before.claims["cognito:username"]);
      await server.client.send(new AdminUserGlobalSignOutCommand({ UserPoolId, Username }));
      assert.equal((await refreshed(place, before.tokens))["error"], "invalid_grant");
      server.clock.advance(minute);
      const { tokens, claims } = await tokensAt(place, await comes(place, browser, there));
      assert.equal(claims["auth_time"], seconds(there));
      const got = await server.client.send(new GetUserCommand({ AccessToken: tokens["access_token"] }));
      assert.equal(got.Username, Username);
      assert.equal(claimsOf((await refreshed(place, tokens))["id_token"])["auth_time"], seconds(there));
      codeIn(await asked(place, browser));
    });
  }

  test("tracked sessions go on, and end, by the sign-ins here", async () => {
    const server = await open();
    const place = await newPlace(server, "OIDC");
    const { UserPoolId } = place;
    await track(server, UserPoolId);
    const { db } = server.app;
    const sessionIds = async () => {
      const rows = db.kysely.selectFrom("browser_sessions").select("session_id");
      return (await rows.where("pool_id", "=", UserPoolId).execute()).map((row) => row.session_id);
    };
    const there = server.clock.now - 2 * hour;
    const browser = new Browser();
    await comes(place, browser, there);
    const [first] = await sessionIds();
    assert.match(first ?? "", /^sso/);
    server.clock.advance(minute);
    // A provider of the same name is another one: what began with the former has ended, and goes on with a sign-in at this one.
    assert.ok(await deleteProvider(db, UserPoolId, "There"));
    server.clock.advance(minute);
    await addProvider(server, UserPoolId, "There", "OIDC", place.details);
    assert.ok((await asked(place, browser)).startsWith(providers.own.issuer));
    server.clock.advance(minute);
    await tokensAt(place, await comes(place, browser, there));
    assert.deepEqual(await sessionIds(), [first]);
    await tokensAt(place, await asked(place, browser));
    server.clock.advance(61 * minute);
    await tokensAt(place, await comes(place, browser, there));
    const [second, ...more] = await sessionIds();
    assert.match(second ?? "", /^sso/);
    assert.deepEqual([second === first, more], [false, []], "one that had ended does not go on");
  });

  test("providers that cannot be asked to authenticate anew are refused by what they say", async () => {
    const server = await open();
    const place = await newPlace(server, "Google");
    const there = server.clock.now - 2 * hour;
    const { claims } = await tokensAt(place, await comes(place, new Browser(), there));
    assert.equal(claims["auth_time"], seconds(there));
    codeIn(await comes(place, new Browser(), there, { prompt: "login" }));
    codeIn(await comes(place, new Browser(), there, { max_age: "7100" }));
    codeIn(await comes(place, new Browser(), undefined, { max_age: "3600" }));
    assert.equal(
      errorIn(await comes(place, new Browser(), there, { max_age: "3600" })),
      "invalid_request: There Error - the user has signed in there longer ago than max_age",
    );
  });
});
