/** Sign-ins that somebody else began, that are used twice, too old or mixed up, and where they may lead. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { copyOf, gatewayHost, httpsPlace } from "./https-place.ts";
import { Browser, paths } from "./place.ts";
import { comeBack, forEachStore, type ScriptedPlace, scriptedPlace, signedIn } from "./scripted-place.ts";

async function begin({ origin }: ScriptedPlace, browser: Browser, rd = "/"): Promise<string> {
  const began = await browser.get(`${origin}${paths.signIn}?${new URLSearchParams({ rd })}`);
  assert.equal(began.status, 303);
  return began.headers.get("location")!;
}

const back = ({ origin }: ScriptedPlace, browser: Browser, query: string) =>
  browser.get(`${origin}${paths.callback}?${query}`);

const isSignedIn = async ({ origin }: ScriptedPlace, browser: Browser) =>
  (await browser.get(`${origin}${paths.session}`)).status === 200;

const redeemed = ({ provider }: ScriptedPlace) => provider.asked["authorization_code"]!.length;

describe("sign-in", () => {
  test("only the browser that began it comes back, once, within 15 minutes", async () => {
    const place = await scriptedPlace("sqlite::memory:");
    const victim = new Browser();
    const query = place.provider.callbackQuery(await begin(place, victim));
    const [stranger, late] = [new Browser(), copyOf(victim)];
    await begin(place, stranger);
    for (const [who, browser] of [
      ["nobody's state", new Browser()],
      ["another browser", stranger],
    ] as const) {
      const refused = await back(place, browser, query);
      assert.equal(refused.status, 400, who);
      assert.match(await refused.text(), /This sign-in is over/);
      assert.equal(await isSignedIn(place, browser), false);
    }
    assert.equal(redeemed(place), 0);
    const again = copyOf(victim);
    assert.equal((await back(place, victim, query)).status, 303);
    assert.equal(await isSignedIn(place, victim), true);
    const repeated = await back(place, again, query);
    assert.equal(repeated.status, 400);
    assert.equal(redeemed(place), 1, "a code that is redeemed twice would end what it was redeemed for");
    assert.equal(await isSignedIn(place, victim), true);

    const slow = place.provider.callbackQuery(await begin(place, late));
    place.clock.now += 15 * 60_000;
    assert.equal((await back(place, late, slow)).status, 400);
    assert.equal(redeemed(place), 1);
  });

  test("a callback without state, with two, with an altered one, or with another's code signs nobody in", async () => {
    const place = await scriptedPlace("sqlite::memory:");
    const [victim, attacker] = [new Browser(), new Browser()];
    const own = new URLSearchParams(place.provider.callbackQuery(await begin(place, victim)));
    const theirs = new URLSearchParams(place.provider.callbackQuery(await begin(place, attacker)));
    const state = own.get("state")!;
    const code = theirs.get("code")!;
    for (const query of [
      `code=${code}`,
      `code=${code}&state=`,
      `code=${code}&state=${state}&state=${state}`,
      `code=${code}&state=${theirs.get("state")}&state=${state}`,
      `code=${code}&state=${state}x`,
      `state=${state.slice(0, -1)}&code=${code}`,
    ])
      assert.equal((await back(place, victim, query)).status, 400, query);
    assert.equal(redeemed(place), 0);
    // The attacker's code with the victim's state: the ID token has the nonce of the attacker's sign-in.
    const injected = await back(place, victim, `code=${code}&state=${state}`);
    assert.equal(injected.status, 400);
    assert.equal(await isSignedIn(place, victim), false);
  });

  test("five tabs at once, in any order; the sixth gives up the oldest", async () => {
    const place = await scriptedPlace("sqlite::memory:");
    const browser = new Browser();
    const queries: string[] = [];
    for (let tab = 0; tab < 6; tab += 1) {
      place.clock.now += 1;
      queries.push(place.provider.callbackQuery(await begin(place, browser, `/tab-${tab}`)));
    }
    assert.equal(browser.jar.size, 5);
    assert.equal((await back(place, browser, queries[0]!)).status, 400);
    for (const tab of [5, 2, 1, 3, 4]) {
      const came = await back(place, browser, queries[tab]!);
      assert.equal(came.headers.get("location"), `${place.origin}/tab-${tab}`);
    }
    // Their cookies together stay below what servers accept.
    for (let tab = 0; tab < 5; tab += 1) {
      place.clock.now += 1;
      queries[tab] = place.provider.callbackQuery(await begin(place, browser, `/${"x".repeat(1900)}`));
    }
    const characters = [...browser.jar].map((pair) => pair.join("=").length);
    assert.ok(characters.reduce((a, b) => a + b) < 5000, String(characters));
    assert.equal((await back(place, browser, queries[4]!)).status, 303);
  });

  test("what the provider says of a refusal is text, and the sign-in can begin again where it began", async () => {
    const place = await scriptedPlace("sqlite::memory:");
    const browser = new Browser();
    const state = new URL(await begin(place, browser, "/page")).searchParams.get("state")!;
    const error_description = `<script>alert("1")</script>&amp;${"x".repeat(5000)}`;
    const query = new URLSearchParams({ error: "access_denied", error_description, state });
    const shown = await back(place, browser, String(query));
    assert.equal(shown.status, 400);
    const text = await shown.text();
    assert.match(text, /access_denied: &lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt;&amp;amp;xxx/);
    assert.doesNotMatch(text, /<script/);
    assert.ok(text.length < 3000);
    assert.match(text, /rd=[^"]*%2Fpage"/);
    assert.match(shown.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    assert.equal(browser.jar.size, 0, "the sign-in is over");
  });

  test("a provider that lets in who signed in longer ago than max_age, or does not say when, signs nobody in", async () => {
    const place = await scriptedPlace("sqlite::memory:", { provider: { parameters: { max_age: "60" } } });
    const at = Math.floor(place.clock.now / 1000);
    for (const [auth, status] of [
      [{}, 400],
      [{ auth_time: at - 3600 }, 400],
      [{ auth_time: at - 10 }, 303],
    ] as const) {
      place.provider.idClaims = { email: "ann@example.test", ...auth };
      const browser = new Browser();
      const began = await browser.get(`${place.origin}${paths.signIn}?rd=/`);
      const location = began.headers.get("location")!;
      assert.equal(new URL(location).searchParams.get("max_age"), "60");
      // Whoever sits at the browser may leave it out.
      const asked = location.replace(/&max_age=60|max_age=60&/, "");
      assert.equal((await comeBack(place, browser, asked)).status, status, JSON.stringify(auth));
    }
  });

  test("while the provider is away the page says so, before and after", async () => {
    const place = await scriptedPlace("sqlite::memory:");
    const browser = new Browser();
    const location = await begin(place, browser, "/page");
    const query = place.provider.callbackQuery(location);
    place.provider.close();
    const after = await back(place, browser, query);
    assert.equal(after.status, 503);
    assert.equal(after.headers.get("retry-after"), "30");
    assert.match(await after.text(), /The identity provider does not answer.*rd=[^"]*%2Fpage"/);
    const cold = await scriptedPlace("sqlite::memory:");
    cold.provider.close();
    assert.equal((await new Browser().get(`${cold.origin}${paths.signIn}`)).status, 503);
    assert.equal((await new Browser().get(`${cold.origin}/public/page`)).status, 200);
  });

  test("a connection that does not look as the settings say ends with a page, not with redirects for ever", async () => {
    const place = await httpsPlace("sqlite::memory:");
    const url = `http://${gatewayHost}${paths.signIn}?rd=https://${gatewayHost}/`;
    const answer = await place.get(new Browser(), url);
    assert.equal(answer.status, 500);
    assert.ok(place.events.includes("not-as-public"));
  });
});

/** `rd` -> where the sign-in ends; undefined: it is refused. */
const returns: readonly (readonly [rd: string, end: string | undefined])[] = [
  ["/", `https://${gatewayHost}/`],
  ["/a/b?c=d&e=%2F#f", `https://${gatewayHost}/a/b?c=d&e=%2F#f`],
  [`https://${gatewayHost.toUpperCase()}:443/x`, `https://${gatewayHost}/x`],
  ["https://cms.example.test/x", "https://cms.example.test/x"],
  ["https://app.partner.test/", "https://app.partner.test/"],
  ["/%0d%0aset-cookie:x=y", `https://${gatewayHost}/%0d%0aset-cookie:x=y`],
  ["", undefined],
  ["page", undefined],
  ["//evil.test", undefined],
  ["///evil.test", undefined],
  ["/\\evil.test", undefined],
  ["\\\\evil.test", undefined],
  ["\\/evil.test", undefined],
  ["/\t/evil.test", undefined],
  ["/\n/evil.test", undefined],
  [" https://evil.test", undefined],
  ["\u0000https://evil.test", undefined],
  ["https://evil.test", undefined],
  ["https:evil.test", undefined],
  ["https:/evil.test", undefined],
  ["https:///evil.test", undefined],
  ["https:\\\\evil.test", undefined],
  [`https://${gatewayHost}@evil.test/`, undefined],
  [`https://user@${gatewayHost}/`, undefined],
  [`https://:password@${gatewayHost}/`, undefined],
  [`https://${gatewayHost}.evil.test/`, undefined],
  [`https://evil-${gatewayHost}/`, undefined],
  [`https://evil.test/${gatewayHost}`, undefined],
  [`https://evil.test#@${gatewayHost}/`, undefined],
  [`https://evil.test?@${gatewayHost}/`, undefined],
  [`https://evil.test\\@${gatewayHost}/`, undefined],
  [`https://${gatewayHost}./`, undefined],
  [`https://${gatewayHost}:8443/`, undefined],
  [`http://${gatewayHost}/`, undefined],
  [`https://partner.test/`, undefined],
  [`https://partner.test.evil.test/`, undefined],
  [`https://evilpartner.test/`, undefined],
  ["https://xn--cms-example-.test/", undefined],
  ["https://cms.ex\u0430mple.test/", undefined],
  ["https://cms\u3002example.test.evil.test/", undefined],
  ["https://[::1]/", undefined],
  ["https://2130706433/", undefined],
  ["javascript:alert(1)", undefined],
  ["java\tscript:alert(1)", undefined],
  ["data:text/html,x", undefined],
  ["ftp://cms.example.test/", undefined],
  ["//cms.example.test/", undefined],
  [`/${"x".repeat(2000)}`, undefined],
];

test("a sign-in and a sign-out lead to hosts of the settings only", async () => {
  const place = await httpsPlace("sqlite::memory:", { cookieDomain: "example.test" });
  for (const [rd, end] of returns) {
    const answer = await place.signIn(new Browser(), rd);
    if (end === undefined) assert.equal(answer.status, 400, JSON.stringify(rd));
    else assert.equal(answer.headers.get("location"), end);
    const query = new URLSearchParams({ rd });
    const out = await place.get(new Browser(), `https://${gatewayHost}${paths.signOut}?${query}`);
    assert.equal(out.headers.get("location"), end ?? `https://${gatewayHost}/`, JSON.stringify(rd));
  }
  const twice = `https://${gatewayHost}${paths.signIn}?rd=%2F&rd=https%3A%2F%2Fevil.test`;
  const began = await place.get(new Browser(), twice);
  assert.doesNotMatch(String(began.headers.get("location")), /evil/);
});

forEachStore("sessions", (store) => {
  test("each sign-in has a session of its own, and ends the one before it in this browser", async () => {
    const place = await scriptedPlace(await store());
    place.provider.subject = "mallory";
    const attacker = await signedIn(place);
    // The attacker's session, planted in the victim's browser before the sign-in.
    const victim = copyOf(attacker);
    place.provider.subject = "ann";
    await comeBack(place, victim, await begin(place, victim));
    assert.notEqual(victim.jar.get("session"), attacker.jar.get("session"));
    const told = JSON.parse(await (await victim.get(`${place.origin}${paths.session}`)).text());
    assert.equal(told.sub, "ann");
    assert.equal(await isSignedIn(place, attacker), false, "what was planted has ended");
    assert.deepEqual(place.provider.revoked, ["refresh-2"]);
    const before = copyOf(victim);
    await comeBack(place, victim, await begin(place, victim));
    assert.equal(await isSignedIn(place, before), false);
    assert.equal(await isSignedIn(place, victim), true);
    assert.deepEqual(place.provider.revoked, ["refresh-2"], "the same user's tokens may be one grant");
  });

  test("no other site signs anybody out", async () => {
    const place = await scriptedPlace(await store());
    const browser = await signedIn(place);
    const url = `${place.origin}${paths.signOut}`;
    for (const headers of [
      { "sec-fetch-site": "cross-site" },
      { referer: "https://evil.test/" },
      { referer: "no URL" },
    ]) {
      const page = await browser.get(url, headers);
      assert.equal(page.status, 200);
      assert.match(await page.text(), /<form method="post" action="\/auth\/signout">/);
      // Chromium would keep the browser from following the redirect to the provider.
      assert.doesNotMatch(page.headers.get("content-security-policy") ?? "", /form-action/);
    }
    for (const headers of [
      { "sec-fetch-site": "cross-site" },
      { origin: "https://evil.test" },
      { origin: "null" },
    ])
      assert.equal((await browser.get(url, headers, "POST")).status, 403);
    assert.equal(await isSignedIn(place, browser), true);
    const own = await browser.get(url, { origin: place.origin }, "POST");
    assert.equal(own.status, 303);
    assert.equal(await isSignedIn(place, browser), false);
  });

  test("applications of the settings may read who is signed in, other sites may not", async () => {
    const place = await httpsPlace(await store(), { cookieDomain: "example.test" });
    const browser = new Browser();
    await place.signIn(browser, "/");
    const allowed = async (origin: string) => {
      const answer = await place.get(browser, `https://${gatewayHost}${paths.session}`, { origin });
      assert.equal(answer.status, 200);
      assert.match(answer.headers.get("vary") ?? "", /Origin/);
      const to = answer.headers.get("access-control-allow-origin");
      assert.equal(answer.headers.get("access-control-allow-credentials"), to === null ? null : "true");
      return to;
    };
    assert.equal(await allowed("https://cms.example.test"), "https://cms.example.test");
    for (const origin of [
      ...["null", "https://evil.test", "http://cms.example.test", "https://cms.example.test:8443"],
      ...["https://app.partner.test", "https://other.example.test", "https://cms.example.test.evil.test"],
    ])
      assert.equal(await allowed(origin), null, origin);
  });
});
