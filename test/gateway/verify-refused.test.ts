/** What the verifier of tokens refuses, by a table. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CryptoKey, exportJWK, generateKeyPair } from "jose";
import {
  type Access,
  type IssuerOptions,
  TokenError,
  type TokenProblem,
  type VerifierOptions,
} from "../../src/verify/index.ts";
import {
  accessClaims,
  addKey,
  api,
  because,
  type Claims,
  client,
  idClaims,
  seconds,
  startIssuer,
  verifierOf,
} from "./issuers.ts";

const issuer = await startIssuer();
const keys: Record<string, CryptoKey> = {};
for (const alg of ["ES256", "PS256", "EdDSA"]) keys[alg] = await addKey(issuer, alg, alg);
const { privateKey: foreign, publicKey } = await generateKeyPair("RS256", { extractable: true });
const foreignJwk = await exportJWK(publicKey);

const { cognito, rfc9068, keycloak } = accessClaims;
const atJwt = { typ: "at+jwt" };
const anyAlgorithm = { algorithms: ["RS256", "ES256", "PS256", "EdDSA"] };

interface Refused {
  readonly name: string;
  readonly problem: TokenProblem;
  readonly token: () => string | undefined | Promise<string>;
  readonly options?: Partial<IssuerOptions>;
  readonly verifier?: VerifierOptions;
  readonly access?: Access;
}

const changed = (change: Claims, header: Claims = {}) => issuer.token({ ...cognito(), ...change }, header);
const valid = () => changed({});
const encode = (text: string) => Buffer.from(text).toString("base64url");

/** A token whose parts are these very texts, rightly signed. */
async function signedText(header: string, payload: string): Promise<string> {
  const input = `${encode(header)}.${encode(payload)}`;
  const signature = await crypto.subtle.sign(
    { name: "Ed25519" },
    keys["EdDSA"] as never,
    new TextEncoder().encode(input),
  );
  return `${input}.${Buffer.from(signature).toString("base64url")}`;
}
const eddsa = '"alg":"EdDSA","kid":"EdDSA"';
const textClaims = (more = "") =>
  JSON.stringify({ ...cognito(), iss: issuer.issuer, sub: "x" }).slice(0, -1) + more;

const refused: readonly Refused[] = [
  { name: "nothing", problem: "missing", token: () => undefined },
  { name: "an empty text", problem: "missing", token: () => "" },
  { name: "a text", problem: "malformed", token: () => "a.b.c" },
  {
    name: "alg none",
    problem: "signature",
    token: () => issuer.token(cognito(), { alg: "none" }, "nothing"),
  },
  { name: "no signature", problem: "signature", token: async () => (await valid()).replace(/[^.]*$/, "") },
  {
    name: "HS256 with the public key",
    problem: "signature",
    token: () => issuer.token(cognito(), { alg: "HS256" }, new TextEncoder().encode(issuer.publicPem)),
  },
  {
    name: "the key in its own header (jwk)",
    problem: "signature",
    token: () => issuer.token(cognito(), { jwk: foreignJwk, kid: "other" }, foreign),
  },
  {
    name: "the URL of its keys in its header (jku)",
    problem: "signature",
    token: () => issuer.token(cognito(), { jku: "https://attacker.example/jwks" }, foreign),
  },
  {
    name: "a certificate in its header (x5c)",
    problem: "signature",
    token: () => issuer.token(cognito(), { x5c: ["AAAA"] }, foreign),
  },
  {
    name: "an extension that must be understood (crit)",
    problem: "malformed",
    token: () =>
      signedText(`{${eddsa},"crit":["exp2"],"exp2":1}`, `${textClaims()},"exp":${seconds() + 60}}`),
    options: anyAlgorithm,
  },
  {
    name: "another's key with our kid",
    problem: "signature",
    token: () => issuer.token(cognito(), {}, foreign),
  },
  { name: "an unknown kid", problem: "signature", token: () => issuer.token(cognito(), { kid: "x" }) },
  {
    name: "another algorithm than is accepted",
    problem: "signature",
    token: () => issuer.token(cognito(), { alg: "ES256", kid: "ES256" }, keys["ES256"]),
  },
  { name: "another issuer", problem: "issuer", token: () => changed({ iss: "https://other.example" }) },
  { name: "no issuer", problem: "issuer", token: () => changed({ iss: undefined }) },
  { name: "an issuer that is a list", problem: "issuer", token: () => changed({ iss: [issuer.issuer] }) },
  { name: "another client", problem: "audience", token: () => changed({ client_id: "other" }) },
  { name: "no client", problem: "audience", token: () => changed({ client_id: undefined }) },
  { name: "another API", problem: "audience", token: valid, options: { audience: api } },
  {
    name: "an ID token of another client",
    problem: "audience",
    token: () => issuer.token({ ...idClaims.openid(), aud: "other" }),
    options: { use: "id" },
  },
  {
    name: "an ID token for several, of another",
    problem: "audience",
    token: () => issuer.token({ ...idClaims.openid(), aud: [client, "other"], azp: "other" }),
    options: { use: "id" },
  },
  {
    name: "an ID token for several, of nobody",
    problem: "audience",
    token: () => issuer.token({ ...idClaims.openid(), aud: [client, "other"] }),
    options: { use: "id" },
  },
  ...Object.entries(idClaims).map(([kind, claims]) => ({
    name: `an ID token as an access token (${kind})`,
    problem: "use" as const,
    token: () => issuer.token(claims()),
    options: { audience: [client, api] },
  })),
  {
    name: "an ID token for an API, as an access token",
    problem: "use",
    token: () => issuer.token({ ...idClaims.openid(), aud: [api, client], azp: client }),
    options: { audience: api },
  },
  { name: "an access token as an ID token", problem: "use", token: valid, options: { use: "id" } },
  {
    name: "at+jwt as an ID token",
    problem: "use",
    token: () => issuer.token({ ...rfc9068(), aud: client }, atJwt),
    options: { use: "id" },
  },
  {
    name: "Keycloak's access token as an ID token",
    problem: "use",
    token: () => issuer.token({ ...keycloak(), aud: client }),
    options: { use: "id" },
  },
  { name: "at+jwt that says id", problem: "use", token: () => changed({ token_use: "id" }, atJwt) },
  { name: "a third use", problem: "use", token: () => changed({ token_use: "refresh" }) },
  {
    name: "Keycloak's third use",
    problem: "use",
    token: () => issuer.token({ ...keycloak(), typ: "Offline" }),
  },
  ...(["access", "id", "either"] as const).flatMap((use) => [
    {
      name: `a logout token as ${use}`,
      problem: "use" as const,
      token: () => issuer.token({ aud: client, events: {}, sid: "s" }, { typ: "logout+jwt" }),
      options: { use },
    },
    {
      name: `a logout token without its type as ${use}`,
      problem: "use" as const,
      token: () =>
        issuer.token({
          ...{ aud: client, azp: client, sid: "s" },
          events: { "http://schemas.openid.net/event/backchannel-logout": {} },
        }),
      options: { use, audience: api },
    },
  ]),
  { name: "one that has expired", problem: "expired", token: () => changed({ exp: seconds() - 31 }) },
  {
    name: "one that expires now, without tolerance",
    problem: "expired",
    token: () => changed({ exp: seconds() }),
    verifier: { clockTolerance: 0 },
  },
  { name: "one of tomorrow", problem: "not yet valid", token: () => changed({ nbf: seconds() + 90 }) },
  { name: "one without exp", problem: "malformed", token: () => changed({ exp: undefined }) },
  { name: "exp as text", problem: "malformed", token: () => changed({ exp: "9999999999" }) },
  { name: "one without sub", problem: "malformed", token: () => changed({ sub: undefined }) },
  { name: "sub as a list", problem: "malformed", token: () => changed({ sub: ["ann"] }) },
  {
    name: "one that is cut",
    problem: "malformed",
    token: async () => (await valid()).split(".", 2).join("."),
  },
  { name: "one with a part too many", problem: "malformed", token: async () => `${await valid()}.x` },
  { name: "one twice", problem: "malformed", token: async () => `${await valid()}${await valid()}` },
  { name: "one of five parts", problem: "malformed", token: () => "e30.e30.e30.e30.e30" },
  {
    name: "one whose payload was changed",
    problem: "signature",
    token: async () => {
      const [head, body, end] = (await valid()).split(".");
      const claims = JSON.parse(Buffer.from(body!, "base64url").toString());
      return [head, encode(JSON.stringify({ ...claims, username: "eve" })), end].join(".");
    },
  },
  { name: "one of 1 MB", problem: "malformed", token: () => changed({ long: "x".repeat(1_000_000) }) },
  {
    name: "one that is nested deep",
    problem: "malformed",
    token: () => `${encode('{"alg":"RS256"}')}.${encode("[".repeat(40_000))}.AAAA`,
  },
  {
    name: "a claim that occurs twice",
    problem: "malformed",
    token: () => signedText(`{${eddsa}}`, `${textClaims()},"exp":${seconds() + 60},"sub":"ann"}`),
    options: anyAlgorithm,
  },
  {
    name: "a claim that occurs twice, written differently",
    problem: "malformed",
    token: () => signedText(`{${eddsa}}`, `${textClaims()},"exp":${seconds() + 60},"s\\u0075b":"ann"}`),
    options: anyAlgorithm,
  },
  {
    name: "a header with a member that occurs twice",
    problem: "malformed",
    token: () => signedText(`{"alg":"none",${eddsa}}`, `${textClaims()},"exp":${seconds() + 60}}`),
    options: anyAlgorithm,
  },
  { name: "a scope too few", problem: "scope", token: valid, access: { scopes: ["openid", "orders/write"] } },
  { name: "part of a scope", problem: "scope", token: valid, access: { scopes: ["orders"] } },
  { name: "a scope too few for all", problem: "scope", token: valid, verifier: { scopes: ["admin"] } },
  { name: "none of the groups", problem: "group", token: valid, access: { groups: ["editors", "admin"] } },
  {
    name: "groups that are a text",
    problem: "group",
    token: () => changed({ "cognito:groups": "admins" }),
    access: { groups: ["admins"] },
  },
  { name: "one that was revoked", problem: "revoked", token: valid, verifier: { isRevoked: () => true } },
  ...[undefined, null, "no", 0].map((told) => ({
    name: `one of which is said ${told}`,
    problem: "unavailable" as const,
    token: valid,
    verifier: { isRevoked: () => told as unknown as boolean },
  })),
  {
    name: "one of which nobody can tell",
    problem: "unavailable",
    token: valid,
    verifier: { isRevoked: () => Promise.reject(new Error("away")) },
  },
];

for (const { name, problem, token, options, verifier, access } of refused)
  test(`refuses ${name}: ${problem}`, async () => {
    const text = await token();
    await assert.rejects(verifierOf(issuer, options, verifier).verify(text, access), because(problem));
  });

test("the texts that stand for claims that occur twice are signed rightly: once they pass", async () => {
  const token = await signedText(`{${eddsa}}`, `${textClaims()},"exp":${seconds() + 60}}`);
  assert.equal((await verifierOf(issuer, anyAlgorithm).verify(token)).subject, "x");
});

test("whatever single letter of a token is changed, it is refused", async () => {
  const verifier = verifierOf(issuer);
  const token = await valid();
  // The last letter has bits that no byte needs.
  for (let at = 0; at < token.length - 1; at += 7) {
    const other = token[at] === "A" ? "B" : "A";
    const changedToken = `${token.slice(0, at)}${other}${token.slice(at + 1)}`;
    await assert.rejects(verifier.verify(changedToken), TokenError, String(at));
  }
});
