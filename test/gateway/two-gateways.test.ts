/** Two gateways on one database: one refresh between them, whoever dies and whoever is late, and sign-outs reach both. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { skipWithoutPostgres } from "../kit/postgres.ts";
import { until } from "../kit/waiting.ts";
import { Browser, newKey, newStore, paths } from "./place.ts";
import { anotherGateway, type ScriptedPlace, scriptedPlace, signedIn } from "./scripted-place.ts";
import { life, oauthError } from "./scripted-provider.ts";

const lifeMs = life * 1000;

async function twoGateways(options: Parameters<typeof anotherGateway>[1] = {}) {
  const first = await scriptedPlace(await newStore("postgres"));
  return { first, second: await anotherGateway(first, options) };
}

const statusAt = async ({ origin }: ScriptedPlace, browser: Browser) =>
  (await browser.get(`${origin}${paths.session}`)).status;

const refreshes = ({ provider }: ScriptedPlace) => provider.asked["refresh_token"]!.length;

describe("two gateways", skipWithoutPostgres(), () => {
  test("20 requests at the moment of expiry cause one refresh, also with clocks that differ", async () => {
    const { first, second } = await twoGateways({ ahead: 20_000 });
    const browser = await signedIn(first);
    first.clock.now += lifeMs;
    const release = first.provider.hold();
    const all = Array.from({ length: 20 }, (_, index) => statusAt([first, second][index % 2]!, browser));
    await until("one asks", () => refreshes(first) > 0);
    release();
    assert.deepEqual(new Set(await Promise.all(all)), new Set([200]));
    assert.equal(refreshes(first), 1);
    first.clock.now += lifeMs * 0.7;
    assert.equal(await statusAt(second, browser), 200);
    assert.equal(refreshes(first), 1);
  });

  test("a gateway that dies with the claim is relieved of it, and what it brings later is not lost", async () => {
    const { first, second } = await twoGateways();
    const browser = await signedIn(first);
    first.clock.now += lifeMs;
    const release = first.provider.hold();
    const hangs = statusAt(first, browser);
    await until("the first one asks", () => refreshes(first) === 1);
    const waits = statusAt(second, browser);
    first.clock.now += 31_000;
    await until("the second one asks", () => refreshes(first) === 2);
    release();
    assert.equal(await waits, 200);
    assert.equal(await hangs, 200);
    // Neither was revoked: one of the two pairs is in use, and the provider may have made the other void.
    assert.deepEqual(first.provider.revoked, []);
    assert.equal(await statusAt(second, browser), 200);
  });

  test("a refusal that comes late does not end a session that another gateway has refreshed", async () => {
    const { first, second } = await twoGateways();
    const browser = await signedIn(first);
    first.clock.now += lifeMs;
    const release = first.provider.hold();
    const hangs = statusAt(first, browser);
    await until("the first one asks", () => refreshes(first) === 1);
    first.clock.now += 31_000;
    const { provider } = first;
    provider.gate = Promise.resolve();
    assert.equal(await statusAt(second, browser), 200);
    provider.refreshes = oauthError("invalid_grant");
    release();
    assert.equal(await hangs, 200);
    assert.equal(await statusAt(second, browser), 200);
  });

  test("a sign-out at one is known to the other within `recheck` seconds", async () => {
    const { first, second } = await twoGateways({ sessions: { recheck: 5 } });
    const browser = await signedIn(first);
    const copy = new Browser();
    for (const [name, value] of browser.jar) copy.jar.set(name, value);
    assert.equal(await statusAt(second, copy), 200);
    await browser.get(`${first.origin}${paths.signOut}`);
    assert.equal(await statusAt(first, copy), 401);
    first.clock.now += 4000;
    assert.equal(await statusAt(second, copy), 200, "what it remembers counts");
    first.clock.now += 1000;
    assert.equal(await statusAt(second, copy), 401);
  });

  test("keys change one gateway at a time, and nobody is signed out", async () => {
    const { first: old } = await twoGateways();
    const browser = await signedIn(old);
    const before = browser.jar.get("session")!;
    const [formerKey = ""] = old.settings.sessions.keys;
    const key = newKey();
    // First every gateway can open by the new key, then they seal by it, then the former one is removed.
    const both = await anotherGateway(old, { sessions: { keys: [key, formerKey] } });
    const next = await anotherGateway(old, { sessions: { keys: [key] } });
    assert.equal(await statusAt(next, browser), 401, "the new key alone does not open it");
    assert.equal(await statusAt(both, browser), 200);
    const after = browser.jar.get("session")!;
    assert.notEqual(after, before);
    assert.equal(await statusAt(next, browser), 200);
    assert.equal(await statusAt(both, browser), 200);
    assert.equal(browser.jar.get("session"), after, "once is enough");
    browser.jar.set("session", before);
    assert.equal(await statusAt(next, browser), 401);
  });
});
