/** OpenID Connect through oidc-provider, which the OpenID Foundation has certified. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { forEachServer } from "../kit/server.ts";
import { callback, type OpenIdProvider, secret, startOpenIdProvider } from "./openid-provider.ts";
import { begin, type Field, newField } from "./support.ts";

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

forEachServer("OpenID Connect", (open) => {
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
});
