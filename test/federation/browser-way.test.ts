/** The way of a browser from an application to an identity provider and back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminDisableUserCommand,
  AdminGetUserCommand,
  AdminUserGlobalSignOutCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { deleteProvider, readProvider, updateProvider } from "../../src/store/identity-providers.ts";
import { makeUser, password } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { claimsOf, pkce } from "../oauth/support.ts";
import {
  addProvider,
  Browser,
  codeIn,
  detailsOf,
  errorIn,
  goodbye,
  newPlace,
  offer,
  type Place,
  queryOf,
  redeem,
} from "./browser-way.ts";

/** Whether a browser was left at our error page, which says nothing to the application. */
const isErrorPage = (location: string, { base }: Place) =>
  location.startsWith(`${base}/error?error=invalid_request`);

forEachServer("the way of a browser to a provider and back", (open) => {
  const place = async (
    ...settings: Parameters<typeof newPlace> extends [unknown, ...infer Rest] ? Rest : never
  ) => {
    const server = await open();
    const made = await newPlace(server, ...settings);
    return { server, made };
  };

  /** The provider's answer, at which the browser has not come home yet. */
  async function answered(made: Place, browser: Browser, more: Record<string, string> = {}): Promise<string> {
    const query = queryOf(made, { identity_provider: "Upstream", ...more });
    const at = await browser.sent(`${made.base}/oauth2/authorize?${query}`);
    return browser.throughProvider(at, made.upstream, "ann");
  }

  test("ends in tokens of a user of the pool, for exactly what the application has asked for", async () => {
    const { server, made } = await place();
    const { verifier, challenge } = pkce();
    const resource = "https://api.example/";
    const asked = { nonce: "n-0S6_WzA2Mj", scope: "openid email", resource, ...challenge };
    const code = codeIn(await new Browser().signIn(made, "ann", asked));
    assert.equal((await redeem(made, code))["error"], "invalid_grant", "the verifier is needed");
    const second = codeIn(await new Browser().signIn(made, "ann", asked));
    const tokens = await redeem(made, second, { code_verifier: verifier });
    const { nonce, email, "cognito:username": username } = claimsOf(tokens["id_token"]);
    assert.deepEqual(
      { nonce, email, username },
      { nonce: "n-0S6_WzA2Mj", email: "ann@example.com", username: "Upstream_ann" },
    );
    const { aud, scope } = claimsOf(tokens["access_token"]);
    assert.deepEqual({ aud, scope }, { aud: resource, scope: "openid email" });
    const user = await server.client.send(
      new AdminGetUserCommand({ UserPoolId: made.UserPoolId, Username: "Upstream_ann" }),
    );
    assert.equal(user.UserStatus, "EXTERNAL_PROVIDER");
  });

  test("a state is good once, for the browser that has it, for ten minutes", async () => {
    const { server, made } = await place();
    const browser = new Browser();
    const back = await answered(made, browser);
    assert.ok(isErrorPage(await new Browser().sent(back), made), "another browser");
    codeIn(await browser.sent(back));
    assert.ok(isErrorPage(await browser.sent(back), made), "used before");
    const unknown = `${made.base}/oauth2/idpresponse?code=c&state=${"x".repeat(43)}`;
    assert.ok(isErrorPage(await browser.sent(unknown), made), "never given");
    assert.ok(isErrorPage(await browser.sent(`${made.base}/oauth2/idpresponse`), made), "none");
    const another = new Browser();
    const late = await answered(made, another);
    server.clock.advance(10 * 60_000);
    assert.equal(
      errorIn(await another.sent(late)),
      "invalid_request: The sign-in at the identity provider took too long.",
    );
  });

  test("several windows of a browser may be at the provider at once", async () => {
    const { made } = await place();
    const browser = new Browser();
    const first = await answered(made, browser);
    const second = await answered(made, browser);
    codeIn(await browser.sent(first));
    codeIn(await browser.sent(second));
  });

  test("an answer for another pool is for nobody", async () => {
    const { server, made } = await place();
    const other = await newPlace(server, { upstream: made.upstream });
    const browser = new Browser();
    const back = await answered(made, browser);
    const elsewhere = back.replace(made.UserPoolId, other.UserPoolId);
    assert.ok(isErrorPage(await browser.sent(elsewhere), other));
    assert.ok(
      isErrorPage(await browser.sent(back.replace("/oauth2/", "/saml2/")), made),
      "the other endpoint",
    );
    codeIn(await browser.sent(back));
  });

  test("what has changed meanwhile counts: the provider, and that the client offers it", async () => {
    const { server, made } = await place();
    const { UserPoolId: poolId } = made;
    const browser = new Browser();
    const dropped = await answered(made, browser);
    await offer(server, made, ["COGNITO"]);
    assert.equal(
      errorIn(await browser.sent(dropped)),
      "invalid_request: The client has no such identity provider any more.",
    );
    await offer(server, made, ["COGNITO", "Upstream"]);
    const changed = await answered(made, browser);
    const row = (await readProvider(server.app.db, poolId, "Upstream"))!;
    assert.ok(await updateProvider(server.app.db, { ...row, now: server.clock.now }));
    assert.equal(
      errorIn(await browser.sent(changed)),
      "invalid_request: The identity provider was changed during the sign-in.",
    );
    const replaced = await answered(made, browser);
    await deleteProvider(server.app.db, poolId, "Upstream");
    assert.ok(isErrorPage(await browser.sent(replaced), made), "its waiting sign-ins go with it");
    server.clock.advance(1);
    await addProvider(server, poolId, "Upstream", "OIDC", detailsOf(made.upstream));
    codeIn(await browser.sent(await answered(made, browser)));
  });

  test("a refusal at the provider, and a disabled user, are reported to the application", async () => {
    const { server, made } = await place();
    const browser = new Browser();
    const query = queryOf(made, { identity_provider: "Upstream" });
    const at = new URL(await browser.sent(`${made.base}/oauth2/authorize?${query}`));
    const refused = new URLSearchParams({
      error: "access_denied",
      state: at.searchParams.get("state")!,
      iss: made.upstream.issuer,
    });
    const denied = await browser.sent(`${made.base}/oauth2/idpresponse?${refused}`);
    assert.match(errorIn(denied), /^access_denied: /);
    codeIn(await browser.signIn(made, "ann"));
    await server.client.send(
      new AdminDisableUserCommand({ UserPoolId: made.UserPoolId, Username: "Upstream_ann" }),
    );
    assert.match(errorIn(await browser.signIn(made, "ann")), /^invalid_request: User is disabled/);
  });

  test("a posted answer waits for the browser's cookie, and counts once", async () => {
    const { made } = await place();
    const browser = new Browser();
    const { searchParams } = new URL(await answered(made, browser));
    const endpoint = `${made.base}/oauth2/idpresponse`;
    // The form comes from the provider's site, and so without the cookie.
    const handled = await new Browser().sent(endpoint, searchParams);
    assert.match(handled, /\/oauth2\/idpresponse\?handle=[\w-]{43}$/);
    assert.ok(isErrorPage(await new Browser().sent(endpoint, searchParams), made), "posted twice");
    assert.ok(isErrorPage(await browser.sent(`${endpoint}?${searchParams}`), made), "the state was used");
    const handle = new URL(handled).searchParams.get("handle")!;
    const asState = `${endpoint}?${new URLSearchParams({ code: "c", state: handle })}`;
    assert.ok(isErrorPage(await browser.sent(asState), made), "a handle is no state");
    assert.ok(isErrorPage(await new Browser().sent(handled), made), "another browser");
    codeIn(await browser.sent(handled));
    assert.ok(isErrorPage(await browser.sent(handled), made), "used before");
  });

  test("a session through a provider lets the browser in where that provider is offered", async () => {
    const { server, made } = await place();
    const browser = new Browser();
    codeIn(await browser.signIn(made, "ann"));
    const authorize = (more: Record<string, string> = {}) =>
      browser.sent(`${made.base}/oauth2/authorize?${queryOf(made, more)}`);
    codeIn(await authorize());
    codeIn(await authorize({ identity_provider: "Upstream" }));
    codeIn(await authorize({ identity_provider: "COGNITO" }));
    codeIn(await authorize({ prompt: "none" }));
    const anew = new URL(await authorize({ identity_provider: "Upstream", prompt: "login" }));
    assert.equal(anew.searchParams.get("prompt"), "login");
    await addProvider(server, made.UserPoolId, "Other", "OIDC", detailsOf(made.upstream), {
      IdpIdentifiers: ["other.example"],
    });
    await offer(server, made, ["COGNITO", "Upstream", "Other"]);
    const atOther = await authorize({ identity_provider: "Other" });
    assert.ok(atOther.startsWith(made.upstream.issuer), "a session through another provider is not enough");
    assert.match(
      errorIn(await authorize({ identity_provider: "Other", prompt: "none" })),
      /^login_required: /,
    );
    assert.ok((await authorize({ idp_identifier: "OTHER.example" })).startsWith(made.upstream.issuer));
    await offer(server, made, ["COGNITO", "Other"]);
    assert.ok((await authorize()).startsWith(`${made.base}/login?`), "no longer offered");
    await offer(server, made, ["Other"]);
    assert.ok((await authorize()).startsWith(made.upstream.issuer), "the only way in");
  });

  test("a provider that the client does not offer is refused, whether or not the pool has it", async () => {
    const { server, made } = await place();
    await addProvider(server, made.UserPoolId, "Hidden", "OIDC", detailsOf(made.upstream), {
      IdpIdentifiers: ["hidden.example"],
    });
    const browser = new Browser();
    for (const more of [
      { identity_provider: "Hidden" },
      { identity_provider: "Nothing" },
      { identity_provider: "upstream" },
      { idp_identifier: "hidden.example" },
      { idp_identifier: "nothing.example" },
    ] as Record<string, string>[]) {
      const at = `${made.base}/oauth2/authorize?${queryOf(made, more)}`;
      const expected = "invalid_request: The client has no such identity provider.";
      assert.equal(errorIn(await browser.sent(at)), expected, JSON.stringify(more));
      const atLogin = `${made.base}/login?${queryOf(made, more)}`;
      assert.equal(errorIn(await browser.sent(atLogin)), expected, JSON.stringify(more));
    }
  });

  test("one address begins a limited number of sign-ins at providers", async () => {
    const { server, made } = await place();
    const limit = server.app.config.limits["provider-sign-ins-per-address"];
    const browser = new Browser();
    const start = () =>
      browser.sent(`${made.base}/oauth2/authorize?${queryOf(made, { identity_provider: "Upstream" })}`);
    assert.ok((await start()).startsWith(made.upstream.issuer));
    await server.app.db.kysely
      .updateTable("attempts")
      .set({ count: limit })
      .where("kind", "=", "provider-sign-ins-per-address")
      .execute();
    assert.match(errorIn(await start()), /^temporarily_unavailable: /);
  });

  test("signing out ends the session; the provider's too, if its settings say so", async () => {
    const { server, made } = await place();
    const browser = new Browser();
    const logout = `${made.base}/logout?${new URLSearchParams({ client_id: made.ClientId, logout_uri: goodbye })}`;
    codeIn(await browser.signIn(made, "ann"));
    assert.equal(await browser.sent(logout), goodbye);
    await withLogout(server, made);
    codeIn(await browser.signIn(made, "ann"));
    const there = await browser.sent(logout);
    assert.ok(there.startsWith(`${made.upstream.issuer}/session/end?`), there);
    const login = `${made.base}/oauth2/authorize?${queryOf(made)}`;
    assert.ok((await browser.sent(login)).startsWith(`${made.base}/login?`), "signed out here at once");
    const returned = await browser.throughProvider(there, made.upstream, "ann");
    assert.ok(returned.startsWith(`${made.base}/logout?state=`), returned);
    assert.equal(await browser.sent(returned), goodbye);
    assert.equal(await browser.sent(returned), `${made.base}/signedout`, "only once");
  });

  test("signing out goes on to the provider where something else has ended the session here before", async () => {
    const { server, made } = await place();
    await withLogout(server, made);
    const { UserPoolId, ClientId, base } = made;
    const browser = new Browser();
    const logout = `${base}/logout?${new URLSearchParams({ client_id: ClientId, logout_uri: goodbye })}`;
    const signOutEverywhere = () =>
      server.client.send(new AdminUserGlobalSignOutCommand({ UserPoolId, Username: "Upstream_ann" }));
    const atProvider = `${made.upstream.issuer}/session/end?`;
    codeIn(await browser.signIn(made, "ann"));
    await signOutEverywhere();
    assert.equal(await new Browser().sent(logout), goodbye, "another browser");
    assert.ok((await browser.sent(logout)).startsWith(atProvider));
    assert.equal(await browser.sent(logout), goodbye, "only once");
    // Somebody else has signed in in this browser since, with a password.
    codeIn(await browser.signIn(made, "ann"));
    await makeUser(server, UserPoolId, "ben");
    const form = new URLSearchParams({ username: "ben", password });
    const { origin } = new URL(base);
    const entered = await browser.open(`${base}/login?${queryOf(made)}`, form, { origin });
    codeIn(entered.headers.get("location") ?? assert.fail(await entered.text()));
    assert.equal(await browser.sent(logout), goodbye, "another way in");
    // When the session would have ended by itself, nothing is known of the provider's any more.
    codeIn(await browser.signIn(made, "ann"));
    await signOutEverywhere();
    server.clock.advance(60 * 60_000);
    assert.equal(await browser.sent(logout), goodbye, "an hour later");
  });
});

/** Lets signing out go on to the provider. */
async function withLogout(server: TestServer, { UserPoolId }: Place): Promise<void> {
  const row = (await readProvider(server.app.db, UserPoolId, "Upstream"))!;
  const ProviderDetails = { ...row.document.ProviderDetails, IDPSignout: "true" };
  const document = { ...row.document, ProviderDetails };
  assert.ok(await updateProvider(server.app.db, { ...row, document, now: server.clock.now }));
}
