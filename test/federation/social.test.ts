/** Google, Facebook, Login with Amazon and Sign in with Apple: what is sent to them, and what is made of their answers. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, test } from "node:test";
import { decodeProtectedHeader, jwtVerify } from "jose";
import type { Provider } from "../../src/domain/federation/provider.ts";
import { withEndpoints } from "../../src/domain/federation/social.ts";
import { forOneServer } from "../kit/server.ts";
import { type OwnProvider, ourClient, ourSecret, startOwnProvider } from "./own-provider.ts";
import { begin, type Field, newField, refusal } from "./support.ts";

const running: OwnProvider[] = [];
after(() => {
  for (const one of running) one.close();
});

async function start(): Promise<OwnProvider> {
  const own = await startOwnProvider();
  running.push(own);
  return own;
}

const json = (body: unknown) => (response: import("node:http").ServerResponse) =>
  void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));

/** The provider with an attribute mapping. */
const mapping = (provider: Provider, names: readonly string[]): Provider => ({
  ...provider,
  mapping: Object.fromEntries(names.map((name) => [`custom:${name}`, name])),
});

forOneServer("sqlite", "social providers", (open) => {
  let made: Promise<Field> | undefined;
  const field = async () => {
    made ??= newField(await open());
    return made;
  };
  const client = { client_id: ourClient, client_secret: ourSecret };
  const endpointsOf = ({ issuer }: OwnProvider) => ({
    authorize_url: `${issuer}/authorize`,
    token_url: `${issuer}/token`,
    attributes_url: `${issuer}/me?fields=`,
  });

  test("each goes to its own endpoints, unless the settings name others", async () => {
    const place = await field();
    const cases = [
      [
        "Google",
        { authorize_scopes: "email profile" },
        "https://accounts.google.com/o/oauth2/v2/auth",
        "openid email profile",
      ],
      [
        "Facebook",
        { authorize_scopes: "public_profile, email", api_version: "v21.0" },
        "https://www.facebook.com/v21.0/dialog/oauth",
        "public_profile,email",
      ],
      [
        "LoginWithAmazon",
        { authorize_scopes: "profile postal_code" },
        "https://www.amazon.com/ap/oa",
        "profile postal_code",
      ],
      [
        "SignInWithApple",
        { authorize_scopes: "email name" },
        "https://appleid.apple.com/auth/authorize",
        "openid email name",
      ],
    ] as const;
    for (const [type, details, url, scope] of cases) {
      const provider = place.provider(type, { ...client, ...details });
      const { location, state, remembered } = await begin(place, provider, {
        loginHint: "ann",
        fresh: "asked",
      });
      const sent = new URL(location);
      assert.equal(`${sent.origin}${sent.pathname}`, url);
      const { searchParams: at } = sent;
      assert.equal(at.get("scope"), scope);
      assert.equal(at.get("client_id"), ourClient);
      assert.equal(at.get("state"), state);
      assert.equal(at.get("login_hint"), type === "Google" ? "ann" : null);
      assert.equal(at.get("response_mode"), type === "SignInWithApple" ? "form_post" : null);
      assert.equal(at.get("code_challenge_method"), type === "SignInWithApple" ? null : "S256");
      assert.equal(at.has("nonce"), type === "Google" || type === "SignInWithApple");
      assert.doesNotMatch(location, /secret/);
      assert.equal(remembered["verifier"] !== undefined, at.has("code_challenge"));
    }
  });

  test("Google's ID token is verified; what else is mapped comes from the People API", async () => {
    const own = await start();
    const place = await field();
    own.mood.idToken = { email: "ann@example.com", email_verified: true };
    own.mood.answers["/me"] = json({
      resourceName: "people/1",
      phoneNumbers: [{ value: "+1" }, { metadata: { primary: true }, value: "+2" }],
      birthdays: [{ metadata: { primary: true }, date: { year: 1990, month: 2, day: 3 } }],
    });
    const google = place.provider("Google", {
      ...client,
      oidc_issuer: own.issuer,
      attributes_url: `${own.issuer}/me?personFields=`,
      attributes_url_add_attributes: "true",
    });
    const plain = await begin(place, mapping(google, ["email", "email_verified"]));
    const identity = await plain.answer(own.approve(plain.location));
    assert.equal(identity.subject, "ann");
    assert.equal(identity.claims["email"], "ann@example.com");
    assert.ok(!own.seen.includes("GET /me"), "nothing was missing");
    const more = await begin(place, mapping(google, ["email", "phoneNumbers", "birthdays", "evil&x=y"]));
    const { claims } = await more.answer(own.approve(more.location));
    assert.deepEqual([claims["phoneNumbers"], claims["birthdays"]], ["+2", "1990-02-03"]);
    own.mood.idToken = { nonce: "another" };
    const forged = await begin(place, google);
    assert.match(await refusal(forged.answer(own.approve(forged.location))), /wrong nonce$/);
    own.mood.answers["/token"] = (response) =>
      void response.writeHead(400, { "content-type": "application/json" }).end('{"error":"invalid_grant"}');
    const refused = await begin(place, google);
    assert.equal(
      await refusal(refused.answer(own.approve(refused.location))),
      "invalid_request: Google Error - 400 invalid_grant",
    );
  });

  test("Facebook and Amazon tell the user by a profile", async () => {
    const place = await field();
    const cases = [
      [
        "Facebook",
        { id: "1042", name: "Ann", picture: { data: { url: "https://pictures.example/1" } } },
        "1042",
      ],
      ["LoginWithAmazon", { user_id: "amzn1.account.A", name: "Ann" }, "amzn1.account.A"],
    ] as const;
    for (const [type, profile, subject] of cases) {
      const own = await start();
      let asked = "";
      own.mood.answers["/token"] = json({
        access_token: "token of ann",
        token_type: "bearer",
        expires_in: 300,
      });
      own.mood.answers["/me"] = (response) => {
        asked = response.req.url ?? "";
        json(profile)(response);
      };
      const provider = mapping(place.provider(type, { ...client, ...endpointsOf(own) }), ["name", "picture"]);
      const one = await begin(place, provider);
      const identity = await one.answer(own.approve(one.location));
      assert.deepEqual([identity.issuer, identity.subject], [own.issuer, subject]);
      assert.equal(identity.claims["name"], "Ann");
      const fields = new URL(asked, own.issuer).searchParams;
      if (type === "Facebook") {
        assert.equal(fields.get("fields"), "id,name,picture");
        assert.match(fields.get("appsecret_proof") ?? "", /^[0-9a-f]{64}$/);
        assert.equal(identity.claims["picture"], "https://pictures.example/1");
      } else assert.equal(fields.get("appsecret_proof"), null);
      assert.ok(own.exchanged[0]?.parameters.get("code_verifier"));
      own.mood.answers["/me"] = json({ name: "Nobody" });
      const nameless = await begin(place, provider);
      assert.match(
        await refusal(nameless.answer(own.approve(nameless.location))),
        /the profile has no (?:user_)?id$/,
      );
      const other = await begin(place, provider);
      assert.match(await refusal(other.answer(own.approve(other.location, { state: "x" }))), /wrong state$/);
    }
  });

  test("Apple gets a secret that the team's key signs, and gives the name beside the code", async () => {
    const own = await start();
    const place = await field();
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const pem = String(pair.privateKey.export({ type: "pkcs8", format: "pem" }));
    const details = { client_id: ourClient, team_id: "TEAM", key_id: "KEY", oidc_issuer: own.issuer };
    own.mood.idToken = { email: "ann@privaterelay.example", email_verified: "true" };
    const user = JSON.stringify({
      name: { firstName: "Ann", lastName: "Example" },
      email: "victim@example.com",
    });
    for (const private_key of [pem, pem.replace(/-----.*-----|\n/g, "")]) {
      const apple = place.provider("SignInWithApple", { ...details, private_key });
      const one = await begin(place, apple);
      const { claims, subject } = await one.answer(own.approve(one.location, { user }));
      assert.equal(subject, "ann");
      const { firstName, lastName, name, email } = claims;
      assert.deepEqual([firstName, lastName, name], ["Ann", "Example", "Ann Example"]);
      assert.equal(email, "ann@example.com");
      const secret = own.exchanged.at(-1)?.parameters.get("client_secret") ?? "";
      assert.equal(decodeProtectedHeader(secret).kid, "KEY");
      const checks = { algorithms: ["ES256"], issuer: "TEAM", subject: ourClient, audience: own.issuer };
      await jwtVerify(secret, pair.publicKey, checks);
      const again = await begin(place, apple);
      const later = await again.answer(own.approve(again.location));
      assert.equal(later.claims["name"], undefined);
      for (const odd of ["{", '"text"', '{"name":[1]}', '{"name":{"firstName":{}}}']) {
        const strange = await begin(place, apple);
        const known = await strange.answer(own.approve(strange.location, { user: odd }));
        assert.equal(known.claims["name"], undefined, odd);
      }
    }
    const keyless = place.provider("SignInWithApple", { ...details, private_key: "no key" });
    const one = await begin(place, keyless);
    assert.match(
      await refusal(one.answer(own.approve(one.location))),
      /private_key is no PKCS #8 key for ES256$/,
    );
  });

  test("none of them has a logout, and another issuer has none of their endpoints", async () => {
    const place = await field();
    const { details } = withEndpoints(
      place.provider("Google", { ...client, oidc_issuer: "https://idp.example" }),
    );
    assert.equal(details["authorize_url"], undefined);
    const { social } = await import("../../src/domain/federation/social.ts");
    const provider = place.provider("Facebook", client);
    const leaving = {
      pool: place.pool,
      base: "http://localhost",
      provider,
      known: {},
      session: undefined,
      state: "s",
    };
    assert.equal(await social.logout(place.ctx(), leaving), undefined);
  });
});
