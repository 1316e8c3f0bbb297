/** OpenID Connect through oidc-provider, which the OpenID Foundation has certified. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { exportJWK, generateKeyPair } from "jose";
import { forOneServer } from "../kit/server.ts";
import { base, callback, type OpenIdProvider, secret, startOpenIdProvider } from "./openid-provider.ts";
import { begin, type Field, newField, refusal } from "./support.ts";

const running: OpenIdProvider[] = [];
after(() => Promise.all(running.map((one) => one.close())));

async function start(...settings: Parameters<typeof startOpenIdProvider>): Promise<OpenIdProvider> {
  const provider = await startOpenIdProvider(...settings);
  running.push(provider);
  return provider;
}

const detailsOf = ({ issuer }: OpenIdProvider, more: Readonly<Record<string, string>> = {}) => ({
  oidc_issuer: issuer,
  client_id: "poolhouse",
  client_secret: secret,
  authorize_scopes: "openid email profile",
  attributes_request_method: "GET",
  ...more,
});

/** A set of new keys, one for each algorithm. */
async function keysFor(...algorithms: readonly string[]): Promise<{ keys: object[] }> {
  const keys = algorithms.map(async (alg) => {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    return { ...(await exportJWK(privateKey)), alg, kid: alg, use: "sig" };
  });
  return { keys: await Promise.all(keys) };
}

forOneServer("postgres", "OpenID Connect", (open) => {
  let made: Promise<Field> | undefined;
  const field = async () => {
    made ??= newField(await open());
    return made;
  };

  test("a user of the provider is known here by subject and claims", async () => {
    const upstream = await start();
    const place = await field();
    const provider = place.provider("OIDC", detailsOf(upstream));
    const attempt = await begin(place, provider);
    const sent = new URL(attempt.location);
    assert.equal(sent.searchParams.get("redirect_uri"), callback);
    assert.equal(sent.searchParams.get("state"), attempt.state);
    assert.equal(sent.searchParams.get("code_challenge_method"), "S256");
    assert.equal(sent.searchParams.get("prompt"), null);
    const back = await upstream.signIn(attempt.location, "ann");
    assert.equal(back.searchParams.get("iss"), upstream.issuer);
    const identity = await attempt.answer(back);
    assert.equal(identity.issuer, upstream.issuer);
    assert.equal(identity.subject, "ann");
    const { email, email_verified: isVerified, name, aud } = identity.claims;
    assert.deepEqual(
      { email, isVerified, name, aud },
      {
        email: "ann@example.com",
        isVerified: true,
        name: "ann Example",
        aud: "poolhouse",
      },
    );
    assert.equal(identity.answers.idToken?.["sub"], "ann");
    assert.equal(identity.answers.userInfo?.["sub"], "ann");
    assert.equal(identity.answers.tokenResponse?.["id_token"], identity.logout["id_token"]);
  });

  test("how our client authenticates, what signs, and how userinfo is asked, is the provider's choice", async () => {
    const place = await field();
    const variants: [client: object, details: Readonly<Record<string, string>>, configuration?: object][] = [
      [
        { token_endpoint_auth_method: "client_secret_basic" },
        { attributes_request_method: "POST" },
        { clientAuthMethods: ["client_secret_basic"] },
      ],
      [{ token_endpoint_auth_method: "none", client_secret: undefined }, { client_secret: "" }],
      [{ id_token_signed_response_alg: "ES256" }, {}, { jwks: await keysFor("RS256", "ES256") }],
      [{ id_token_signed_response_alg: "PS512" }, {}, { jwks: await keysFor("RS256", "PS512") }],
      [{ id_token_signed_response_alg: "HS256" }, {}],
      [{}, { authorize_scopes: "email" }, { pkce: { required: () => true } }],
    ];
    for (const [client, details, configuration] of variants) {
      const enabled = { enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "PS512", "HS256"] } };
      const upstream = await start({ ...client }, { ...enabled, ...configuration });
      const attempt = await begin(place, place.provider("OIDC", detailsOf(upstream, details)));
      const identity = await attempt.answer(await upstream.signIn(attempt.location, "ann"));
      assert.equal(identity.subject, "ann", JSON.stringify(client));
      assert.equal(identity.answers.userInfo?.["email"], "ann@example.com");
    }
  });

  test("endpoints that are given need no discovery, and without userinfo the ID token says all", async () => {
    const upstream = await start({}, { conformIdTokenClaims: false });
    const { issuer } = upstream;
    const place = await field();
    const provider = place.provider("OIDC", {
      ...detailsOf(upstream),
      authorize_url: `${issuer}/auth?audience=a`,
      token_url: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
    });
    const attempt = await begin(place, provider, { fresh: "asked", loginHint: "ann" });
    const { searchParams: sent } = new URL(attempt.location);
    assert.deepEqual(
      ["audience", "prompt", "login_hint"].map((name) => sent.get(name)),
      ["a", "login", "ann"],
    );
    const identity = await attempt.answer(await upstream.signIn(attempt.location, "ann"));
    assert.equal(identity.answers.userInfo, undefined);
    assert.equal(identity.claims["email"], "ann@example.com");
    const other = place.provider("OIDC", { ...provider.details, oidc_issuer: "https://other.example" });
    const elsewhere = await begin(place, other);
    const answer = await upstream.signIn(elsewhere.location, "ann");
    answer.searchParams.delete("iss");
    assert.match(await refusal(elsewhere.answer(answer)), /wrong iss$/);
  });

  test("a code counts once, and only for whom it was made", async () => {
    const upstream = await start();
    const place = await field();
    const provider = place.provider("OIDC", detailsOf(upstream));
    const [first, second] = [await begin(place, provider), await begin(place, provider)];
    const answer = await upstream.signIn(first.location, "ann");
    await first.answer(answer);
    assert.match(await refusal(first.answer(answer)), /400 error getting token$/);
    const ofFirst = await upstream.signIn(first.location, "ann");
    ofFirst.searchParams.set("state", second.state);
    assert.match(await refusal(second.answer(ofFirst)), /400 error getting token$/);
  });

  test("a logout leads to the provider and back, if the settings ask for it", async () => {
    const upstream = await start();
    const place = await field();
    const { oidc } = await import("../../src/domain/federation/oidc.ts");
    for (const IDPSignout of ["true", "false"]) {
      const provider = place.provider("OIDC", detailsOf(upstream, { IDPSignout }));
      const attempt = await begin(place, provider);
      const { logout, session } = await attempt.answer(await upstream.signIn(attempt.location, "ann"));
      const url = await oidc.logout(place.ctx(), {
        ...{ pool: place.pool, base, provider, known: logout, session, state: "bye" },
      });
      if (IDPSignout === "false") {
        assert.equal(url, undefined);
        continue;
      }
      const { origin, searchParams: sent } = new URL(url ?? "");
      assert.equal(origin, upstream.issuer);
      assert.deepEqual(
        ["id_token_hint", "post_logout_redirect_uri", "state"].map((name) => sent.get(name)),
        [logout["id_token"], `${base}/logout`, "bye"],
      );
      const page = await fetch(url ?? "", { redirect: "manual" });
      assert.equal(page.status, 200);
    }
  });
});
