/** Cookies that are forged, tossed in by a sibling host, mixed up, too many, or of another gateway, scheme or key. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { Seals } from "../../src/gateway/sealing.ts";
import { createGatewayServer } from "../../src/gateway/serve.ts";
import { openSessionsDatabase } from "../../src/gateway/sessions/database.ts";
import { DatabaseKeeper } from "../../src/gateway/sessions/in-database.ts";
import type { Session } from "../../src/gateway/sessions/sessions.ts";
import { ask } from "../kit/ask.ts";
import { silent, temporaryFolder } from "../kit/databases.ts";
import { until } from "../kit/waiting.ts";
import { cmsHost, copyOf, gatewayHost, type HttpsPlace, httpsPlace } from "./https-place.ts";
import { Browser, newKey, newStore, paths, type Seen } from "./place.ts";
import { anotherGateway, forEachStore, scriptedPlace, signedIn } from "./scripted-place.ts";
import { life } from "./scripted-provider.ts";

const gatewayUrl = `https://${gatewayHost}`;
const cms = `https://${cmsHost}`;

const statusAt = async (place: HttpsPlace, cookie: string) =>
  (await place.get(new Browser(), `${gatewayUrl}${paths.session}`, { cookie })).status;

const cookieOf = ({ jar }: Browser) => [...jar].map((pair) => pair.join("=")).join("; ");

forEachStore("cookies", (store, kind) => {
  test("are Secure, HttpOnly and Lax, with the prefix that fits, and the application does not get them", async () => {
    for (const [cookieDomain, prefix, domain] of [
      [undefined, "__Host-", undefined],
      ["example.test", "__Secure-", "example.test"],
    ] as const) {
      const place = await httpsPlace(await store(), { cookieDomain });
      const browser = new Browser();
      const set = (await place.signIn(browser, "/")).headers.getSetCookie();
      const kept = set.filter((line) => !line.includes("Max-Age=0"));
      assert.equal(kept.length, 1);
      for (const line of set) {
        assert.match(line, /^__(?:Host|Secure)-session/);
        assert.match(line, /; Path=\/;.*; HttpOnly; Secure; SameSite=Lax$/);
        const isSignIn = line.startsWith("__Host-session-sign-in-");
        assert.equal(/; Domain=([^;]*)/.exec(line)?.[1], isSignIn ? undefined : domain);
      }
      assert.match(kept[0]!, new RegExp(`^${prefix}session=`));
      const page = await place.get(browser, `${gatewayUrl}/page`, { cookie: `${cookieOf(browser)}; own=1` });
      assert.equal((JSON.parse(await page.text()) as Seen).headers["cookie"], "own=1");
    }
  });

  test("of another name, scheme, gateway or user are not believed", async () => {
    const place = await httpsPlace(await store());
    const browser = new Browser();
    await place.signIn(browser, "/");
    const value = browser.jar.get("__Host-session")!;
    assert.equal(await statusAt(place, `__Host-session=${value}`), 200);
    const other = new Browser();
    await (await httpsPlace(await store())).signIn(other, "/");
    const flipped = (at: number) => {
      const changed = value[at] === "A" ? "B" : "A";
      return value.slice(0, at) + changed + value.slice(at + 1);
    };
    for (const cookie of [
      ...["session", "__host-session", "__HOST-session", "__Secure-session", "__Host-Session"].map(
        (name) => `${name}=${value}`,
      ),
      `__Host-session=${other.jar.get("__Host-session")}`,
      ...[0, 10, 40, value.length - 2].map((at) => `__Host-session=${flipped(at)}`),
      `__Host-session=${value}x`,
      `__Host-session="${value}"`,
      `__Host-session=${encodeURIComponent(`${value} `)}`,
      "__Host-session=",
      "__Host-session",
      `x=__Host-session=${value}`,
    ])
      assert.equal(await statusAt(place, cookie), 401, cookie);
  });

  test("two of a name are none, wherever a sibling host has set the other", async () => {
    const place = await httpsPlace(await store(), { cookieDomain: "example.test" });
    const [ann, mallory] = [new Browser(), new Browser()];
    await place.signIn(ann, "/");
    place.provider.subject = "mallory";
    await place.signIn(mallory, "/");
    const own = cookieOf(ann);
    // Browsers send the one with the longer path first; what they send says nothing of where it comes from.
    for (const cookie of [
      `${own}; ${cookieOf(mallory)}`,
      `${cookieOf(mallory)}; ${own}`,
      `${own}; ${own}`,
      `${own}; __Secure-session=`,
    ]) {
      const [shown, told, open] = [
        await place.get(new Browser(), `${cms}/page`, { cookie }),
        await place.get(new Browser(), `${gatewayUrl}${paths.session}`, { cookie }),
        await place.get(new Browser(), `${cms}/public/page`, { cookie }),
      ];
      assert.equal(shown.status, 400);
      assert.match(await shown.text(), /Two cookies of one name/);
      assert.equal(told.status, 401);
      assert.equal(open.status, 200);
      assert.equal((JSON.parse(await open.text()) as Seen).headers["x-auth-request-user"], undefined);
    }
    assert.equal(await statusAt(place, own), 200);
    // A sign-out still ends what it finds.
    const tossed = { cookie: `${own}; ${cookieOf(mallory)}` };
    const out = await place.get(new Browser(), `${gatewayUrl}${paths.signOut}`, tossed);
    assert.equal(out.status, 303);
    assert.match(out.headers.getSetCookie().join(), /__Secure-session=;/);
    assert.equal(await statusAt(place, own), kind === "cookies" ? 200 : 401);
  });

  test("the tokens as cookies: never the refresh token, renewed with the session, removed with it", async () => {
    const place = await httpsPlace(await store(), { cookieDomain: "example.test", tokensInCookies: true });
    const browser = new Browser();
    const set = (await place.signIn(browser, `${cms}/`)).headers.getSetCookie();
    assert.equal(browser.jar.get("__Secure-session-access-token"), "access-2");
    assert.match(browser.jar.get("__Secure-session-id-token")!, /^eyJ/);
    assert.ok(set.every((line) => !line.includes("refresh-2")));
    const idle = await place.get(browser, `${cms}/page`);
    assert.deepEqual(idle.headers.getSetCookie(), []);
    // They are for the application, which gets no other cookie of the gateway.
    const got = (JSON.parse(await idle.text()) as Seen).headers["cookie"]!.split("; ");
    const names = got.map((one) => one.split("=", 1)[0]!).sort();
    assert.deepEqual(names, ["__Secure-session-access-token", "__Secure-session-id-token"]);

    place.clock.now += life * 1000;
    await place.get(browser, `${cms}/page`);
    assert.equal(browser.jar.get("__Secure-session-access-token"), "access-3");
    place.clock.now += life * 900;
    // Ahead of time nobody may have waited: the next answer has them.
    await until("the new token is there", async () => {
      await place.get(browser, `${cms}/page`);
      return browser.jar.get("__Secure-session-access-token") === "access-4";
    });
    // What somebody else has put there is replaced, in the browser.
    browser.jar.set("__Secure-session-access-token", "tossed");
    await place.get(browser, `${gatewayUrl}${paths.session}`);
    assert.equal(browser.jar.get("__Secure-session-access-token"), "access-4");
    await place.get(browser, `${gatewayUrl}${paths.signOut}`);
    assert.deepEqual([...browser.jar], []);
  });

  test("from before a change of keys: sealed anew while the former key is listed, else signed out", async () => {
    const place = await scriptedPlace(
      kind === "sqlite" ? `sqlite:${join(temporaryFolder(), "sessions.sqlite")}` : await store(),
    );
    const browser = await signedIn(place);
    const [former = ""] = place.settings.sessions.keys;
    const key = newKey();
    const status = async (at: { readonly origin: string }, who: Browser) =>
      (await who.get(`${at.origin}${paths.session}`)).status;
    await place.gateway.close();
    const both = await anotherGateway(place, { sessions: { keys: [key, former] } });
    const old = copyOf(browser);
    assert.equal(await status(both, browser), 200);
    assert.notEqual(cookieOf(browser), cookieOf(old));
    await both.gateway.close();
    const next = await anotherGateway(place, { sessions: { keys: [key] } });
    assert.equal(await status(next, browser), 200);
    assert.equal(await status(next, old), 401);
  });
});

test("a session in cookies whose parts are another's, missing, or twice", async () => {
  const place = await httpsPlace(undefined);
  const signedInAs = async (subject: string) => {
    place.provider.subject = subject;
    place.provider.idClaims = { ...place.provider.idClaims, long: randomBytes(1000).toString("hex") };
    const browser = new Browser();
    await place.signIn(browser, "/");
    return browser.jar;
  };
  const [ann, bob] = [await signedInAs("ann"), await signedInAs("bob")];
  const [first, second] = ["__Host-session", "__Host-session-1"] as const;
  assert.deepEqual([...ann.keys()], [first, second]);
  const both = (a: Map<string, string>, b: Map<string, string>) =>
    `${first}=${a.get(first)}; ${second}=${b.get(second)}`;
  assert.equal(await statusAt(place, both(ann, ann)), 200);
  for (const cookie of [
    both(ann, bob),
    both(bob, ann),
    `${first}=${ann.get(first)}`,
    `${second}=${ann.get(second)}`,
    `${both(ann, ann)}; ${second}=${bob.get(second)}`,
    `${first}=3${ann.get(first)!.slice(1)}; ${second}=${ann.get(second)}; __Host-session-2=AAAA`,
    `${first}=9${ann.get(first)!.slice(1)}; ${second}=${ann.get(second)}`,
  ])
    assert.equal(await statusAt(place, cookie), 401, cookie.slice(0, 40));
  // A third part that a longer session has left behind changes nothing.
  assert.equal(await statusAt(place, `${both(ann, ann)}; __Host-session-2=AAAA`), 200);
  place.provider.idClaims = { ...place.provider.idClaims, long: "x".repeat(12_000) };
  const tooLarge = await place.signIn(new Browser(), "/");
  assert.equal(tooLarge.status, 500);
  assert.match(await tooLarge.text(), /Your session cannot be kept/);
  assert.ok(place.events.includes("session-too-large"));
});

test("more cookies than can be read end with a page that says what to do", async () => {
  const { gateway } = await scriptedPlace("sqlite::memory:");
  const server = createGatewayServer(gateway, silent).listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const cookie = Array.from({ length: 20 }, (_, index) => `tossed-${index}=${"x".repeat(1000)}`).join("; ");
  const bomb = await ask(`http://127.0.0.1:${port}/`, { headers: { cookie, accept: "text/html" } });
  assert.equal(bomb.status, 431);
  assert.match(await bomb.text(), /<h1>Too many cookies<\/h1>.*Remove the cookies of this site/);
  assert.equal(bomb.headers.get("cache-control"), "no-store");
  const raw = connect(port, "127.0.0.1").end("GARBAGE\r\n\r\n");
  const answer = (await raw.setEncoding("latin1").toArray()).join("");
  assert.match(
    answer,
    /^HTTP\/1\.1 400 Bad Request\r\n(?:.*\r\n)*connection: close\r\ncontent-length: 0\r\n\r\n$/,
  );
});

for (const kind of ["sqlite", "postgres"] as const)
  test(`10,000 forged names cost no statement in ${kind}`, async () => {
    const database = await openSessionsDatabase((await newStore(kind))!, silent);
    let statements = 0;
    const counted = database.kysely.withPlugin({
      transformQuery: ({ node }) => {
        statements += 1;
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    const place = await scriptedPlace("sqlite::memory:");
    const key = newKey();
    const keeper = new DatabaseKeeper({
      settings: { ...place.settings.sessions, keys: [key] },
      provider: place.settings.provider,
      scope: { isSecure: true, domain: undefined },
      seals: new Seals([key], randomBytes, "a client"),
      database: { ...database, kysely: counted },
      now: () => place.clock.now,
    });
    const other = new Seals([newKey()], randomBytes, "a client");
    for (let count = 0; count < 5000; count += 1) {
      const name = other.newName();
      const forged = [other.tagged("session", name), `${name}.${randomBytes(16).toString("base64url")}`];
      for (const value of forged) assert.equal(await keeper.find(`__Host-session=${value}`), undefined);
    }
    assert.equal(statements, 0);
    const identity = { subject: "ann", issuer: place.provider.issuer } as Session["identity"];
    const tokens = {
      accessToken: "a",
      issuedAt: 0,
      expiresAt: 0,
      refreshToken: undefined,
      idToken: undefined,
    };
    const at = place.clock.now;
    const [set = ""] = await keeper.start({
      ...{ identity, tokens, userInfo: undefined, sid: undefined, startedAt: at, seenAt: at },
    });
    assert.ok(await keeper.find(set.split(";")[0]));
    assert.equal(statements, 2);
    await keeper.close();
  });
