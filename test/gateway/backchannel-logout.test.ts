/** The provider ends sessions (OpenID Connect Back-Channel Logout 1.0), and nobody else does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { ask } from "../kit/ask.ts";
import { withClient } from "../kit/postgres.ts";
import { type Browser, paths } from "./place.ts";
import {
  anotherGateway,
  forEachStore,
  type ScriptedPlace,
  scriptedPlace,
  signedIn,
} from "./scripted-place.ts";

const events = { "http://schemas.openid.net/event/backchannel-logout": {} };

const post = ({ origin }: ScriptedPlace, token: string) =>
  ask(`${origin}${paths.backchannelLogout}`, {
    method: "POST",
    body: new URLSearchParams({ logout_token: token }),
  });

let serial = 0;
const logoutToken = ({ provider }: ScriptedPlace, change: JWTPayload = {}) =>
  provider.sign({ jti: `jti-${++serial}`, events, sid: "sid-1", ...change }, { typ: "logout+jwt" });

const statusAt = async ({ origin }: ScriptedPlace, browser: Browser) =>
  (await browser.get(`${origin}${paths.session}`)).status;

/** The next sign-ins are those of somebody else. */
const becomes = ({ provider }: ScriptedPlace, subject: string, sid: string | undefined) => {
  provider.subject = subject;
  provider.idClaims = { ...provider.idClaims, ...(sid === undefined ? { sid: null as never } : { sid }) };
};

forEachStore("back-channel logout", (store, kind) => {
  test("ends a session by sid, those of a user by sub, and no others", async () => {
    const place = await scriptedPlace(await store());
    becomes(place, "ann", "phone");
    const phone = await signedIn(place);
    becomes(place, "ann", "laptop");
    const laptop = await signedIn(place);
    becomes(place, "ann", undefined);
    const unnamed = await signedIn(place);
    becomes(place, "bob", "desk");
    const bob = await signedIn(place);
    const all = [phone, laptop, unnamed, bob];
    const statuses = () => Promise.all(all.map((one) => statusAt(place, one)));

    const answer = await post(place, await logoutToken(place, { sid: "phone" }));
    if (kind === "cookies") {
      assert.equal(answer.status, 501);
      return assert.deepEqual(await statuses(), [200, 200, 200, 200]);
    }
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.deepEqual(await statuses(), [401, 200, 200, 200]);
    // A session whose provider has told no name of is meant by its user.
    await post(place, await logoutToken(place, { sid: "elsewhere", sub: "ann" }));
    assert.deepEqual(await statuses(), [401, 200, 401, 200]);
    await post(place, await logoutToken(place, { sid: undefined, sub: "ann" }));
    assert.deepEqual(await statuses(), [401, 401, 401, 200]);
    const nobody = await post(place, await logoutToken(place, { sid: "unknown" }));
    assert.equal(nobody.status, 200);
  });

  if (kind === "cookies") return;

  test("tokens that are forged, for others or used before end nothing", async () => {
    const place = await scriptedPlace(await store());
    const { provider, clock } = place;
    const browser = await signedIn(place);
    const { privateKey } = await generateKeyPair("ES256");
    const claims = {
      iss: provider.issuer,
      aud: "gateway",
      iat: Math.floor(clock.now / 1000),
      events,
      sid: "sid-1",
    };
    const forged: readonly (readonly [what: string, token: string])[] = [
      ["another's key", await provider.sign({ ...claims, jti: "a" }, { typ: "logout+jwt" }, privateKey)],
      ["no signature", `${btoa('{"alg":"none"}')}.${btoa(JSON.stringify({ ...claims, jti: "b" }))}.`],
      [
        "a shared key",
        await new SignJWT({ ...claims, jti: "c" })
          .setProtectedHeader({ alg: "HS256", typ: "logout+jwt" })
          .sign(new TextEncoder().encode("secret-of-the-gateway-at-its-provider")),
      ],
      ["another issuer", await logoutToken(place, { iss: "https://other.test" })],
      ["another client", await logoutToken(place, { aud: "another" })],
      ["a nonce", await logoutToken(place, { nonce: "n" })],
      ["no event", await logoutToken(place, { events: undefined })],
      ["another event", await logoutToken(place, { events: { "http://example.test/event": {} } })],
      ["neither sub nor sid", await logoutToken(place, { sid: undefined })],
      ["no jti", await logoutToken(place, { jti: undefined as never })],
      ["too old", await logoutToken(place, { iat: Math.floor(clock.now / 1000) - 3600 })],
      ["expired", await logoutToken(place, { exp: Math.floor(clock.now / 1000) - 3600 })],
      ["an ID token", await provider.sign({ sub: "ann", sid: "sid-1" }, { typ: "JWT" })],
      ["another kind of token", await provider.sign({ ...claims, jti: "d" }, { typ: "at+jwt" })],
      ["none", ""],
    ];
    for (const [what, token] of forged) {
      const answer = await post(place, token);
      assert.equal(answer.status, 400, what);
      assert.equal(JSON.parse(await answer.text()).error, "invalid_request");
    }
    assert.equal(await statusAt(place, browser), 200);
    const good = await logoutToken(place);
    assert.equal((await post(place, good)).status, 200);
    assert.equal(await statusAt(place, browser), 401);
    const again = await signedIn(place);
    assert.equal((await post(place, good)).status, 400, "it counts once");
    assert.equal(await statusAt(place, again), 200);
    const asQuery = await ask(`${place.origin}${paths.backchannelLogout}?logout_token=${good}`);
    assert.equal(asQuery.status, 405);
  });

  if (kind === "sqlite") return;

  test("also at the other gateway, within `recheck` seconds", async () => {
    const place = await scriptedPlace(await store());
    const other = await anotherGateway(place, { sessions: { recheck: 5 } });
    const browser = await signedIn(place);
    assert.equal(await statusAt(other, browser), 200);
    assert.equal((await post(place, await logoutToken(place))).status, 200);
    assert.equal(await statusAt(place, browser), 401);
    place.clock.now += 5000;
    assert.equal(await statusAt(other, browser), 401);
  });

  test("a token that the database could not act on may be sent again", async () => {
    const place = await scriptedPlace(await store());
    const browser = await signedIn(place);
    const token = await logoutToken(place);
    const rename = (from: string, to: string) =>
      withClient(
        async (client) => void (await client.query(`alter table ${from} rename to ${to}`)),
        place.settings.sessions.database,
      );
    await rename("gateway_sessions", "away");
    assert.equal((await post(place, token)).status, 500);
    await rename("away", "gateway_sessions");
    assert.equal((await post(place, token)).status, 200);
    assert.equal(await statusAt(place, browser), 401);
  });
});
