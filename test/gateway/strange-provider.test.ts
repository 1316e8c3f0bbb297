/**
 * oidc-provider, which the OpenID Foundation has certified, as the gateway's provider, with all that sets it apart from Cognito:
 * opaque access tokens, refresh tokens that count once, claims at userinfo only, ES256, the secret in the form, `sid`.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { exportJWK, generateKeyPair } from "jose";
import { base, secret, startOpenIdProvider } from "../federation/openid-provider.ts";
import { Browser, paths, startApplication } from "./place.ts";
import { forEachStore, newFront, openFront, settingsFor } from "./scripted-place.ts";

/** Seconds. */
const life = 60;

const { privateKey } = await generateKeyPair("ES256", { extractable: true });
const jwks = { keys: [{ ...(await exportJWK(privateKey)), alg: "ES256", kid: "es", use: "sig" }] };

const host = new URL(base).host;

async function strangePlace(store: string | undefined, features: object = {}) {
  const listening = await newFront();
  const upstream = await startOpenIdProvider(
    {
      redirect_uris: [`${base}${paths.callback}`],
      post_logout_redirect_uris: [`${base}/`],
      id_token_signed_response_alg: "ES256",
      backchannel_logout_uri: `${listening.origin}${paths.backchannelLogout}`,
      backchannel_logout_session_required: true,
      grant_types: ["authorization_code", "refresh_token"],
    },
    {
      jwks,
      clientAuthMethods: ["client_secret_post"],
      ttl: {
        AccessToken: life,
        IdToken: 3600,
        RefreshToken: 86_400,
        Grant: 86_400,
        Session: 86_400,
        Interaction: 600,
      },
      rotateRefreshToken: true,
      issueRefreshToken: () => true,
      // Its own refuses loopback addresses, and waits 2.5 seconds at most.
      fetch: (url: string, { dispatcher: _, signal: __, ...options }: Record<string, unknown>) =>
        fetch(url, options),
      features: {
        devInteractions: { enabled: true },
        backchannelLogout: { enabled: true },
        revocation: { enabled: true },
        ...features,
      },
    },
  );
  after(() => upstream.close());
  const clock = { now: Date.now() };
  const settings = settingsFor(upstream.issuer, store, await startApplication(), {
    provider: { clientId: "poolhouse", clientSecret: secret, scopes: ["openid", "email", "profile"] },
    settings: { publicUrl: base },
  });
  const { origin } = await openFront(settings, clock, 0, listening);
  const get = (browser: Browser, path: string, headers = {}) =>
    browser.get(`${origin}${path}`, { host, ...headers });
  const told = async (browser: Browser) => {
    const answer = await get(browser, paths.session);
    return { status: answer.status, ...JSON.parse(await answer.text()) };
  };
  /** @param there the browser's cookies at the provider */
  async function signIn(name: string, there = new Map<string, string>()): Promise<Browser> {
    const browser = new Browser();
    const began = await get(browser, `${paths.signIn}?rd=/`);
    const back = await upstream.signIn(began.headers.get("location")!, name, there);
    const came = await get(browser, back.pathname + back.search);
    assert.equal(came.headers.get("location"), `${base}/`);
    return browser;
  }
  return { upstream, clock, get, told, signIn };
}

/** Confirms the sign-out at the provider's page. */
async function confirm(location: string, cookies: Map<string, string>): Promise<URL> {
  const cookie = () => [...cookies].map((pair) => pair.join("=")).join("; ");
  const keep = (answer: Response) => {
    for (const line of answer.headers.getSetCookie()) {
      const [, key = "", value = ""] = /^([^=]*)=([^;]*)/.exec(line) ?? [];
      cookies.set(key, value);
    }
    return answer;
  };
  const page = keep(await fetch(location, { headers: { cookie: cookie() } }));
  const text = await page.text();
  const [, action = assert.fail(text)] = /action="([^"]*)"/.exec(text) ?? [];
  const [, xsrf = assert.fail(text)] = /name="xsrf" value="([^"]*)"/.exec(text) ?? [];
  const body = new URLSearchParams({ xsrf, logout: "yes" });
  const done = await fetch(action, {
    method: "POST",
    body,
    headers: { cookie: cookie() },
    redirect: "manual",
  });
  return new URL(done.headers.get("location") ?? assert.fail(await done.text()), action);
}

forEachStore("oidc-provider", (store, kind) => {
  test("signs in, tells at userinfo, and refreshes once however many ask", async () => {
    const place = await strangePlace(await store());
    const browser = await place.signIn("ann");
    const first = await place.told(browser);
    assert.deepEqual(
      { sub: first.sub, email: first.email, name: first.claims.name, scope: first.scope },
      { sub: "ann", email: "ann@example.com", name: "ann Example", scope: "openid email profile" },
    );
    const page = await place.get(browser, "/page");
    const seen = JSON.parse(await page.text());
    assert.equal(seen.headers.authorization.split(".").length, 1, "the access token is opaque");
    for (let round = 0; round < 3; round += 1) {
      place.clock.now += life * 1000;
      const all = await Promise.all(Array.from({ length: 20 }, () => place.told(browser)));
      // A refresh token that is used twice would end the session at the provider.
      assert.deepEqual(new Set(all.map(({ status }) => status)), new Set([200]));
    }
    assert.equal((await place.told(browser)).email, "ann@example.com");
  });

  test("a sign-out there ends the session here, and no other", async () => {
    const place = await strangePlace(await store());
    const there = new Map<string, string>();
    const [ann, bob] = [await place.signIn("ann", there), await place.signIn("bob")];
    const copy = new Browser();
    for (const [name, value] of ann.jar) copy.jar.set(name, value);
    const out = await place.get(ann, `${paths.signOut}?rd=/`);
    assert.equal((await place.told(copy)).status, 401);
    assert.equal((await confirm(out.headers.get("location")!, there)).href, `${base}/`);

    const again = await place.signIn("ann", there);
    const laptop = await place.signIn("ann");
    if (kind === "cookies") return;
    const end = new URL(out.headers.get("location")!);
    end.searchParams.delete("id_token_hint");
    await confirm(end.href, there);
    assert.equal((await place.told(again)).status, 401);
    assert.equal((await place.told(laptop)).status, 200);
    assert.equal((await place.told(bob)).status, 200);
  });

  test("without places to sign out and to revoke at, a sign-out ends the session here", async () => {
    const place = await strangePlace(await store(), {
      rpInitiatedLogout: { enabled: false },
      revocation: { enabled: false },
      backchannelLogout: { enabled: false },
    });
    const browser = await place.signIn("ann");
    const out = await place.get(browser, `${paths.signOut}?rd=/page`);
    assert.equal(out.headers.get("location"), `${base}/page`);
    assert.equal((await place.told(browser)).status, 401);
  });

  test("somebody who gives up there is told so", async () => {
    const place = await strangePlace(await store());
    const browser = new Browser();
    const began = await place.get(browser, `${paths.signIn}?rd=/`);
    const state = new URL(began.headers.get("location")!).searchParams.get("state")!;
    const query = new URLSearchParams({
      error: "access_denied",
      error_description: "End-User aborted interaction",
      state,
      iss: place.upstream.issuer,
    });
    const shown = await place.get(browser, `${paths.callback}?${query}`);
    assert.equal(shown.status, 400);
    assert.match(await shown.text(), /access_denied: End-User aborted interaction/);
    const next = await place.get(browser, `${paths.signIn}?rd=/`);
    const mixed = new URL(next.headers.get("location")!).searchParams.get("state")!;
    // The answer of another provider is none (RFC 9207).
    const other = new URLSearchParams({ code: "code", state: mixed, iss: "https://other.test" });
    assert.equal((await place.get(browser, `${paths.callback}?${other}`)).status, 400);
  });
});
