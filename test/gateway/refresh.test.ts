/** Tokens are refreshed ahead of their expiry, once, and whatever the provider answers the session ends up in one clear state. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../kit/waiting.ts";
import { Browser, paths, type Seen } from "./place.ts";
import { forEachStore, type ScriptedPlace, scriptedPlace, signedIn } from "./scripted-place.ts";
import { life, oauthError, type Reply } from "./scripted-provider.ts";

const lifeMs = life * 1000;

/** The access token with which the application sees a request; the status if it does not. */
async function tokenSeen({ origin }: ScriptedPlace, browser: Browser): Promise<string | number> {
  const answer = await browser.get(`${origin}/page`);
  if (answer.status !== 200) return answer.status;
  return (JSON.parse(await answer.text()) as Seen).headers["authorization"]!.replace("Bearer ", "");
}

const refreshes = ({ provider }: ScriptedPlace) => provider.asked["refresh_token"]!.length;

const failures = ({ events }: ScriptedPlace) =>
  events.filter((one) => one === "refresh-failed" || one === "provider-away").length;

forEachStore("refresh", (store, kind) => {
  test("ahead of expiry, and with a database nobody waits for it", async () => {
    const place = await scriptedPlace(await store());
    const browser = await signedIn(place);
    place.clock.now += lifeMs * 0.79;
    assert.equal(await tokenSeen(place, browser), "access-2");
    assert.equal(refreshes(place), 0);
    place.clock.now += lifeMs * 0.02;
    if (kind === "cookies") assert.equal(await tokenSeen(place, browser), "access-3");
    else {
      const release = place.provider.hold();
      assert.equal(await tokenSeen(place, browser), "access-2");
      release();
      await until("the new token is there", async () => (await tokenSeen(place, browser)) === "access-3");
    }
    assert.equal(refreshes(place), 1);
    assert.equal(place.provider.asked["refresh_token"]![0]!.get("refresh_token"), "refresh-2");
  });

  test("20 requests after expiry cause one, and all have its tokens", async () => {
    const place = await scriptedPlace(await store());
    const browser = await signedIn(place);
    place.clock.now += lifeMs;
    const release = place.provider.hold();
    const seen = Array.from({ length: 20 }, () => tokenSeen(place, browser));
    await until("it is asked", () => refreshes(place) > 0);
    release();
    assert.deepEqual(new Set(await Promise.all(seen)), new Set(["access-3"]));
    assert.equal(refreshes(place), 1);
    place.clock.now += lifeMs;
    assert.equal(await tokenSeen(place, browser), "access-4");
    assert.equal(place.provider.asked["refresh_token"]![1]!.get("refresh_token"), "refresh-3");
  });

  test("a provider that refuses ends the session", async () => {
    for (const refusal of [oauthError("invalid_grant"), oauthError("invalid_client", 401)]) {
      const place = await scriptedPlace(await store());
      const browser = await signedIn(place);
      place.provider.refreshes = refusal;
      place.clock.now += lifeMs;
      assert.equal(await tokenSeen(place, browser), 302);
      place.provider.refreshes = undefined;
      assert.equal(await tokenSeen(place, browser), 302, "it does not come back");
      assert.equal(refreshes(place), 1);
    }
  });

  test("sessions go on through an outage, for as long as the settings say", async () => {
    const html: Omit<Reply, "status"> = { type: "text/html", body: "<h1>Down for maintenance</h1>" };
    const outages: readonly Reply[] = [
      { ...html, status: 500 },
      { ...html, status: 403 },
      { ...html, status: 200 },
      { status: 200, body: "{" },
      { status: 200, body: "{}" },
      oauthError("slow_down", 429),
      oauthError("temporarily_unavailable"),
    ];
    const place = await scriptedPlace(await store());
    const browser = await signedIn(place);
    place.clock.now += lifeMs;
    for (const [index, outage] of outages.entries()) {
      place.provider.refreshes = outage;
      assert.equal(await tokenSeen(place, browser), "access-2", outage.body);
      await until("it has failed", () => failures(place) === index + 1);
      assert.equal(await tokenSeen(place, browser), "access-2");
      assert.equal(refreshes(place), index + 1, "nobody asks again at once");
      place.clock.now += 6000;
    }
    place.clock.now += 3600_000;
    assert.equal(await tokenSeen(place, browser), 503);
    assert.equal(await tokenSeen(place, browser), 503);
    assert.equal((await browser.get(`${place.origin}${paths.session}`)).status, 503);
    place.provider.refreshes = undefined;
    place.clock.now += 6000;
    assert.match(String(await tokenSeen(place, browser)), /^access-/);
  });

  test("an outage for one session is none for another; without a connection nobody is asked for", async () => {
    const place = await scriptedPlace(await store());
    const { provider, clock } = place;
    const [unlucky, other] = [await signedIn(place), await signedIn(place)];
    provider.refreshes = oauthError("slow_down", 429);
    provider.refreshesOnly = "refresh-2";
    clock.now += lifeMs;
    assert.equal(await tokenSeen(place, unlucky), "access-2");
    assert.equal(await tokenSeen(place, other), "access-5");
    assert.equal(await tokenSeen(place, unlucky), "access-2");
    assert.equal(refreshes(place), 2, "the first one is not asked for again at once");
    clock.now += lifeMs;
    provider.isCut = true;
    const before = failures(place);
    assert.equal(await tokenSeen(place, other), "access-5");
    await until("it has failed", () => failures(place) === before + 1);
    assert.equal(await tokenSeen(place, unlucky), 503);
    assert.equal(refreshes(place), 3);
  });

  test("signed out while a refresh is under way: the new tokens are revoked", async () => {
    const place = await scriptedPlace(await store());
    const browser = await signedIn(place);
    place.clock.now += lifeMs;
    const release = place.provider.hold();
    const cookies = new Map(browser.jar);
    const waiting = tokenSeen(place, browser);
    await until("it is asked", () => refreshes(place) > 0);
    const out = await browser.get(`${place.origin}${paths.signOut}`);
    assert.equal(out.status, 303);
    release();
    assert.equal(await waiting, 302);
    assert.deepEqual(place.provider.revoked, ["refresh-2", "refresh-3"]);
    const copy = new Browser();
    for (const [name, value] of cookies) copy.jar.set(name, value);
    assert.equal(await tokenSeen(place, copy), 302);
    assert.equal(refreshes(place), 1);
  });

  test("tokens of somebody else end the session", async () => {
    const place = await scriptedPlace(await store());
    const browser = await signedIn(place);
    place.provider.subject = "mallory";
    place.clock.now += lifeMs;
    assert.equal(await tokenSeen(place, browser), 302);
  });

  test("keys that cannot be read lose no tokens", async () => {
    const place = await scriptedPlace(await store());
    const browser = await signedIn(place);
    place.provider.hasKeys = false;
    // Longer than keys count that cannot be read again.
    for (const token of ["access-3", "access-4", "access-5"]) {
      place.clock.now += lifeMs;
      assert.equal(await tokenSeen(place, browser), token);
    }
    const told = JSON.parse(await (await browser.get(`${place.origin}${paths.session}`)).text());
    assert.equal(told.email, "ann@example.test");
  });

  test("claims that the ID token lacks come from userinfo, and are asked for anew", async () => {
    const place = await scriptedPlace(await store(), { provider: { groupsClaim: "groups" } });
    Object.assign(place.provider, { idClaims: {}, hasIdTokenAtRefresh: false });
    place.provider.userInfo = {
      sub: "ann",
      email: "ann@example.test",
      email_verified: true,
      groups: ["editors"],
    };
    const browser = await signedIn(place);
    const told = async () => JSON.parse(await (await browser.get(`${place.origin}${paths.session}`)).text());
    const { email, groups } = await told();
    assert.deepEqual({ email, groups }, { email: "ann@example.test", groups: ["editors"] });
    place.provider.userInfo = { sub: "ann", email: "ann@example.test", groups: [] };
    place.clock.now += lifeMs;
    assert.deepEqual((await told()).groups, []);
    place.provider.userInfo = undefined;
    place.clock.now += lifeMs;
    assert.equal((await told()).claims.email, "ann@example.test", "what was known goes on");
    place.provider.userInfo = { sub: "mallory", groups: ["editors"] };
    place.clock.now += lifeMs;
    assert.equal(await tokenSeen(place, browser), 302);
  });
});
