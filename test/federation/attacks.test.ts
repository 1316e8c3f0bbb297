/** OpenID providers that lie, fail or change: what the client is told, and that nobody is signed in. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, test } from "node:test";
import { generateKeyPair } from "jose";
import type { Provider } from "../../src/domain/federation/provider.ts";
import { forOneServer } from "../kit/server.ts";
import { type OwnProvider, ourClient, ourSecret, startOwnProvider } from "./own-provider.ts";
import { type Attempt, begin, type Field, newField, refusal } from "./support.ts";

const running: OwnProvider[] = [];
after(() => {
  for (const one of running) one.close();
});

async function start(): Promise<OwnProvider> {
  const own = await startOwnProvider();
  running.push(own);
  return own;
}

const status =
  (code: number, body: unknown = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
const bytes = (count: number) => (response: ServerResponse) =>
  void response.writeHead(200, { "content-type": "application/json" }).end(Buffer.alloc(count, " "));
const cut = (response: ServerResponse) => void response.destroy();

interface Case {
  /** What is wrong. */
  readonly name: string;
  readonly mood?: (own: OwnProvider) => Promise<void> | void;
  /** Parameters of the answer in place of the right ones; undefined leaves one out. */
  readonly answer?: Readonly<Record<string, string | undefined>>;
  /** What the client is told; P is the provider's name. */
  readonly told: string;
}

const claim = (name: string, value: unknown) => (own: OwnProvider) => {
  own.mood.idToken[name] = value;
};
const ago = (seconds: number) => Math.floor(Date.now() / 1000) - seconds;

/** THE table of attacks and failures. */
const cases: readonly Case[] = [
  {
    name: "another nonce",
    mood: claim("nonce", "other"),
    told: "P Error - wrong nonce",
  },
  { name: "no nonce", mood: claim("nonce", undefined), told: "P Error - wrong nonce" },
  {
    name: "another issuer",
    mood: claim("iss", "http://evil.example"),
    told: "P Error - wrong iss",
  },
  {
    name: "another audience",
    mood: claim("aud", "another client"),
    told: "P Error - wrong aud",
  },
  {
    name: "further audiences without azp",
    mood: claim("aud", [ourClient, "b"]),
    told: "P Error - wrong aud",
  },
  {
    name: "made for another client",
    mood: claim("azp", "another client"),
    told: "P Error - wrong azp",
  },
  { name: "expired", mood: claim("exp", ago(200)), told: "P Error - wrong exp" },
  { name: "no expiry", mood: claim("exp", undefined), told: "P Error - wrong exp" },
  {
    name: "issued in the future",
    mood: claim("iat", ago(-400)),
    told: "P Error - wrong iat in the ID token",
  },
  { name: "no subject", mood: claim("sub", undefined), told: "P Error - wrong sub" },
  {
    name: "alg none",
    mood: ({ mood }) => {
      mood.header = { alg: "none" };
      mood.signedWith = "nothing";
    },
    told: "P Error - wrong alg",
  },
  {
    name: "alg none that the metadata announces",
    mood: ({ mood }) => {
      mood.metadata = { id_token_signing_alg_values_supported: ["RS256", "none"] };
      mood.header = { alg: "none" };
      mood.signedWith = "nothing";
    },
    told: "P Error - wrong alg",
  },
  {
    name: "HS256 with the public key",
    mood: ({ mood, publicPem }) => {
      mood.header = { alg: "HS256" };
      mood.signedWith = Buffer.from(publicPem);
    },
    told: "P Error - wrong alg",
  },
  {
    name: "HS256 with the public key where HS256 is announced",
    mood: ({ mood, publicPem }) => {
      mood.metadata = { id_token_signing_alg_values_supported: ["RS256", "HS256"] };
      mood.header = { alg: "HS256" };
      mood.signedWith = Buffer.from(publicPem);
    },
    told: "P Error - wrong signature",
  },
  {
    name: "the signature of another key of the same name",
    mood: async ({ mood }) => {
      mood.signedWith = (await generateKeyPair("RS256")).privateKey;
    },
    told: "P Error - wrong signature",
  },
  {
    name: "a key that is not published",
    mood: ({ mood }) => {
      mood.header = { kid: "unknown" };
    },
    told: "P Error - unknown key of the signature",
  },
  {
    name: "the access token of an API in place of an ID token",
    mood: ({ mood }) => {
      mood.header = { typ: "at+jwt" };
    },
    told: "P Error - wrong typ of the ID token",
  },
  {
    name: "userinfo of another subject",
    mood: ({ mood }) => {
      mood.userInfo = { sub: "bob" };
    },
    told: "P Error - wrong sub",
  },
  {
    name: "userinfo without a subject",
    mood: ({ mood }) => {
      mood.userInfo = { sub: undefined };
    },
    told: "P Error - wrong sub",
  },
  { name: "iss of another provider", answer: { iss: "http://evil.example" }, told: "P Error - wrong iss" },
  {
    name: "no iss where it is promised",
    mood: ({ mood }) => {
      mood.metadata = { authorization_response_iss_parameter_supported: true };
    },
    told: "P Error - wrong iss",
  },
  { name: "another state", answer: { state: "other" }, told: "P Error - wrong state" },
  { name: "no state", answer: { state: undefined }, told: "P Error - wrong state" },
  {
    name: "the user says no",
    answer: { code: undefined, error: "access_denied", error_description: "The user\nsaid <no>" },
    told: "access_denied: The user said <no>",
  },
  {
    name: "another error",
    answer: { code: undefined, error: "login_required", error_description: 'say "please"' },
    told: "P Error - login_required: say  please ",
  },
  {
    name: "the token endpoint refuses",
    mood: ({ mood }) => {
      mood.answers["/token"] = status(400, { error: "invalid_grant", error_description: "secret things" });
    },
    told: "P Error - 400 error getting token",
  },
  {
    name: "the token endpoint fails",
    mood: ({ mood }) => {
      mood.answers["/token"] = status(503);
    },
    told: "P Error - 503 error getting token",
  },
  {
    name: "the token endpoint redirects",
    mood: ({ mood }) => {
      mood.answers["/token"] = (response) => void response.writeHead(307, { location: "/elsewhere" }).end();
    },
    told: "P Error - 307 error getting token",
  },
  {
    name: "10 MB in place of tokens",
    mood: ({ mood }) => {
      mood.answers["/token"] = bytes(10_000_000);
    },
    told: "P Error - the answer of the token endpoint is too large",
  },
  {
    name: "10 MB of keys",
    mood: ({ mood }) => {
      mood.answers["/jwks"] = bytes(10_000_000);
    },
    told: "P Error - the answer of the jwks uri is too large",
  },
  {
    name: "no keys",
    mood: ({ mood }) => {
      mood.answers["/jwks"] = status(404);
    },
    told: "P Error - 404 error getting jwks",
  },
  {
    name: "nonsense in place of keys",
    mood: ({ mood }) => {
      mood.answers["/jwks"] = status(200, { keys: "many" });
    },
    told: "P Error - the jwks uri has no key set",
  },
  {
    name: "the connection is cut",
    mood: ({ mood }) => {
      mood.answers["/token"] = cut;
    },
    told: "Connection reset",
  },
  {
    name: "what the token endpoint answers is no JSON",
    mood: ({ mood }) => {
      mood.answers["/token"] = (response) =>
        void response.writeHead(200, { "content-type": "application/json" }).end("access_token=secret");
    },
    told: "P Error - unexpected answer of the token endpoint",
  },
  {
    name: "userinfo fails",
    mood: ({ mood }) => {
      mood.answers["/userinfo"] = status(500);
    },
    told: "P Error - 500 error getting user info",
  },
  {
    name: "userinfo denies the token",
    mood: ({ mood }) => {
      mood.answers["/userinfo"] = (response) =>
        void response.writeHead(401, { "www-authenticate": 'Bearer error="invalid_token"' }).end();
    },
    told: "P Error - 401 error getting user info",
  },
];

forOneServer("sqlite", "hostile OpenID providers", (open, database) => {
  let made: Promise<Field> | undefined;
  const field = async () => {
    made ??= newField(await open());
    return made;
  };
  const detailsOf = ({ issuer }: OwnProvider) => ({
    oidc_issuer: issuer,
    client_id: ourClient,
    client_secret: ourSecret,
    authorize_scopes: "openid email",
  });
  /** An attempt at a provider of this mood. */
  async function attempt(own: OwnProvider): Promise<{ place: Field; provider: Provider; attempt: Attempt }> {
    const place = await field();
    const provider = place.provider("OIDC", detailsOf(own));
    return { place, provider, attempt: await begin(place, provider) };
  }

  test("the same provider, well behaved, signs in", async () => {
    const own = await start();
    const { attempt: right } = await attempt(own);
    const identity = await right.answer(own.approve(right.location, { iss: own.issuer }));
    assert.deepEqual(
      [identity.issuer, identity.subject, identity.session],
      [own.issuer, "ann", "a session there"],
    );
    assert.equal(identity.claims["email"], "ann@example.com");
    assert.ok(own.exchanged[0]?.parameters.get("code_verifier"));
    assert.equal(own.exchanged[0]?.parameters.get("client_secret"), ourSecret);
  });

  // What they refuse depends on no database.
  if (database === "sqlite")
    for (const { name, mood, answer, told } of cases)
      test(name, async () => {
        const own = await start();
        await mood?.(own);
        const { provider, attempt: one } = await attempt(own);
        const said = await refusal(one.answer(own.approve(one.location, answer)));
        const expected = told.startsWith("access_denied: ") ? told : `invalid_request: ${told}`;
        assert.equal(said.replace(provider.name, "P"), expected);
      });

  test("keys that change while somebody signs in are read again, once in a while", async () => {
    const own = await start();
    const { place, provider, attempt: first } = await attempt(own);
    await first.answer(own.approve(first.location));
    const second = await begin(place, provider);
    await own.rotate("second");
    await second.answer(own.approve(second.location));
    const keyReads = () => own.seen.filter((line) => line === "GET /jwks").length;
    assert.equal(keyReads(), 2);
    own.mood.header = { kid: "invented" };
    const tryInvented = async () => {
      const third = await begin(place, provider);
      return refusal(third.answer(own.approve(third.location)));
    };
    for (let time = 0; time < 3; time++) assert.match(await tryInvented(), /unknown key/);
    assert.equal(keyReads(), 2);
    // Later it may ask again; if nobody answers then, the known keys still count.
    const { clock } = await open();
    clock.advance(11_000);
    own.mood.answers["/jwks"] = status(500);
    assert.match(await tryInvented(), /500 error getting jwks$/);
    assert.match(await tryInvented(), /unknown key/);
    own.mood.header = {};
    const last = await begin(place, provider);
    await last.answer(own.approve(last.location));
    assert.equal(keyReads(), 3);
  });

  test("who does not answer is told by the step that takes too long", async () => {
    const slow: [path: string, told: string][] = [
      ["/token", "Timeout occurred in calling IdP token endpoint"],
      ["/jwks", "Timeout in calling jwks uri"],
      ["/userinfo", "Read timed out"],
    ];
    for (const [path, told] of slow) {
      const own = await start();
      const place = await field();
      const tired = new AbortController();
      // The request came, and is not answered: as good as any time that passes.
      own.mood.answers[path] = () => tired.abort();
      const impatient = () => place.ctxUntil(tired.signal);
      const one = await begin({ ...place, ctx: impatient }, place.provider("OIDC", detailsOf(own)));
      assert.equal(await refusal(one.answer(own.approve(one.location))), `invalid_request: ${told}`);
    }
  });

  test("a code of one provider brought to another signs nobody in", async () => {
    const [a, b] = [await start(), await start()];
    for (const own of [a, b]) own.mood.metadata = { authorization_response_iss_parameter_supported: true };
    const [atA, atB] = [await attempt(a), await attempt(b)];
    const ofA = a.approve(atA.attempt.location, { iss: a.issuer });
    ofA.set("state", atB.attempt.state);
    assert.match(await refusal(atB.attempt.answer(ofA)), /wrong iss$/);
    assert.deepEqual(b.exchanged, []);
  });

  test("settings that lead elsewhere meanwhile end the attempt", async () => {
    const [a, b] = [await start(), await start()];
    const { place, provider, attempt: one } = await attempt(a);
    const { oidc } = await import("../../src/domain/federation/oidc.ts");
    const moved = { ...provider, version: 2, details: detailsOf(b) };
    const { pool } = place;
    const answered = {
      pool,
      base: "http://localhost:9998",
      provider: moved,
      remembered: one.remembered,
      parameters: a.approve(one.location),
    };
    assert.match(await refusal(oidc.verify(place.ctx(), answered)), /settings have changed/);
    assert.deepEqual(b.exchanged, []);
  });

  test("discovery: another issuer, nothing, nonsense, and one request for all who wait", async () => {
    const place = await field();
    const document = "/.well-known/openid-configuration";
    const broken: [mood: Partial<OwnProvider["mood"]>, RegExp][] = [
      [{ metadata: { issuer: "http://evil.example" } }, /is of another issuer$/],
      // It would take minutes if each slash were looked at for each other one.
      [{ metadata: { issuer: `http://evil.example${"/".repeat(900_000)}x` } }, /is of another issuer$/],
      [{ metadata: { authorization_endpoint: undefined } }, /discovery document$/],
      [{ answers: { [document]: status(404) } }, / 404 error getting discovery document$/],
      [{ answers: { [document]: bytes(10) } }, /unexpected answer of the discovery document$/],
      [{ answers: { [document]: bytes(10_000_000) } }, /discovery document is too large$/],
    ];
    for (const [mood, told] of broken) {
      const own = await start();
      Object.assign(own.mood, mood);
      assert.match(await refusal(begin(place, place.provider("OIDC", detailsOf(own)))), told);
    }
    const own = await start();
    const provider = place.provider("OIDC", detailsOf(own));
    await Promise.all(Array.from({ length: 5 }, () => begin(place, provider)));
    assert.equal(own.seen.length, 1);
    own.close();
    await begin(place, provider);
    const changed = { ...provider, version: 2 };
    assert.equal(await refusal(begin(place, changed)), "invalid_request: Connection reset");
  });
});
