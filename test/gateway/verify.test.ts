/** What the verifier of tokens accepts, by a table, and how it is asked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CryptoKey } from "jose";
import {
  type Access,
  bearerToken,
  createVerifier,
  type IssuerOptions,
  TokenError,
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

const { cognito, rfc9068, keycloak, entra, entra1, okta } = accessClaims;
const atJwt = { typ: "at+jwt" };
const anyAlgorithm = { algorithms: ["RS256", "ES256", "PS256", "EdDSA"] };

interface Accepted {
  readonly name: string;
  readonly claims: () => Claims;
  readonly header?: Claims & { readonly alg?: string };
  readonly options?: Partial<IssuerOptions>;
  readonly use?: "access" | "id";
}

const accepted: readonly Accepted[] = [
  { name: "Cognito's access token", claims: cognito },
  { name: "Cognito's ID token", claims: idClaims.cognito, options: { use: "id" }, use: "id" },
  { name: "either, an access token", claims: cognito, options: { use: "either" } },
  { name: "either, an ID token", claims: idClaims.cognito, options: { use: "either" }, use: "id" },
  { name: "at+jwt", claims: rfc9068, header: atJwt },
  { name: "application/at+jwt", claims: rfc9068, header: { typ: "application/AT+JWT" } },
  { name: "at+jwt for this API", claims: rfc9068, header: atJwt, options: { audience: api } },
  {
    name: "at+jwt for several",
    claims: () => ({ ...rfc9068(), aud: ["other", api] }),
    header: atJwt,
    options: { audience: [api, "third"] },
  },
  { name: "Keycloak's access token", claims: keycloak, options: { groupsClaim: "groups" } },
  { name: "Keycloak's ID token", claims: idClaims.keycloak, options: { use: "id" }, use: "id" },
  ...Object.entries({ "Entra's": entra, "Entra's of version 1.0": entra1, "Okta's": okta }).map(
    ([name, claims]) => ({ name, claims, options: { audience: api, groupsClaim: "groups" } }),
  ),
  { name: "an OpenID provider's ID token", claims: idClaims.openid, options: { use: "id" }, use: "id" },
  {
    name: "an ID token for several, of ours",
    claims: () => ({ ...idClaims.openid(), aud: [client, "other"], azp: client }),
    options: { use: "id" },
    use: "id",
  },
  { name: "of one of several clients", claims: cognito, options: { clientId: ["other", client] } },
  { name: "of any client", claims: cognito, options: { clientId: null } },
  { name: "scopes as a list", claims: () => ({ ...cognito(), scope: ["openid", "orders/read"] }) },
  ...["ES256", "PS256", "EdDSA"].map((alg) => ({
    name: `signed by ${alg}`,
    claims: cognito,
    header: { alg, kid: alg },
    options: anyAlgorithm,
  })),
];

for (const { name, claims, header = {}, options = {}, use = "access" } of accepted)
  test(`accepts ${name}`, async () => {
    const token = await issuer.token(claims(), header, keys[header.alg ?? ""]);
    const told = await verifierOf(issuer, options).verify(token);
    assert.equal(told.use, use);
    assert.equal(told.subject, "ann's id");
    assert.equal(told.clientId, client);
    assert.equal(told.issuer, issuer.issuer);
    if (use === "access") assert.deepEqual(told.scopes, ["openid", "orders/read"]);
    if ("cognito:groups" in claims() || "groups" in claims()) assert.deepEqual(told.groups, ["admins"]);
  });

const valid = () => issuer.token(cognito());

test("one of the groups and all of the scopes are enough", async () => {
  const verifier = verifierOf(issuer, {}, { scopes: ["openid"] });
  const told = await verifier.verify(await valid(), {
    groups: ["editors", "admins"],
    scopes: ["orders/read"],
  });
  assert.deepEqual([told.username, told.expiresAt > seconds()], ["ann", true]);
});

test("tokens of several issuers, each by its own options and keys", async () => {
  const second = await startIssuer();
  const verifier = createVerifier([
    { issuer: issuer.issuer, clientId: client },
    { issuer: second.issuer, clientId: "their client" },
  ]);
  assert.equal((await verifier.verify(await valid())).issuer, issuer.issuer);
  const theirs = await second.token({ ...cognito(), client_id: "their client" });
  assert.equal((await verifier.verify(theirs)).issuer, second.issuer);
  await assert.rejects(verifier.verify(await second.token(cognito())), because("audience"));
  const crossed = await second.token({ ...cognito(), iss: issuer.issuer });
  await assert.rejects(verifier.verify(crossed), because("signature"));
});

test("pinned keys: the issuer is asked for none, and its others do not count", async () => {
  const second = await startIssuer();
  const [pinned] = second.mood.keys;
  await addKey(second, "RS256", "next");
  const token = await second.token(cognito());
  const jwks = { keys: [pinned!] };
  assert.equal((await verifierOf(second, { jwks }).verify(token)).subject, "ann's id");
  const other = { jwks: { keys: [second.mood.keys[1]!] } };
  await assert.rejects(verifierOf(second, other).verify(token), because("signature"));
  assert.deepEqual(second.seen, []);
});

test("a token for one application, whose keys are where the metadata do not say", async () => {
  const second = await startIssuer();
  const token = await second.token({ aud: "https://cms.example.com", groups: ["editors"], scope: "openid" });
  const options = { clientId: "https://cms.example.com", use: "id", groupsClaim: "groups" } as const;
  const jwksUri = `${second.issuer}/jwks`;
  const told = await verifierOf(second, { ...options, jwksUri }).verify(token, { groups: ["editors"] });
  assert.equal(told.subject, "ann's id");
  assert.deepEqual(second.seen, ["GET /jwks"]);
});

test("what is asked for in a way that cannot be meant lets nobody in", async () => {
  const verifier = verifierOf(issuer);
  for (const access of [{ group: ["admins"] }, { groups: "admins" }, { scopes: "openid" }, { scope: [] }])
    await assert.rejects(verifier.verify(await valid(), access as Access), TypeError);
  assert.throws(() => verifierOf(issuer, { audiense: api } as object), /Did you mean audience\?/);
});

test("requests of the Fetch standard and of Node.js", async () => {
  const verifier = verifierOf(issuer);
  const authorization = `Bearer ${await valid()}`;
  const request = new Request("https://api.example.com/", { headers: { authorization } });
  assert.equal((await verifier.verifyRequest(request)).subject, "ann's id");
  assert.equal((await verifier.verifyRequest({ headers: { authorization } })).subject, "ann's id");
  for (const other of [
    "Basic YTpi",
    `Bearer ${authorization}`,
    "Bearer",
    `${authorization}, ${authorization}`,
  ])
    await assert.rejects(verifier.verifyRequest({ headers: { authorization: other } }), because("missing"));
  await assert.rejects(verifier.verifyRequest({ headers: {} }), because("missing"));
  assert.equal(bearerToken("bearer abc"), "abc");
});

test("what an API answers: status, code and challenge, without anything of the token", () => {
  const scope = new TokenError("scope", "No.", { scopes: ["orders/read", 'x"y', "openid"] });
  assert.equal(
    scope.challenge,
    'Bearer error="insufficient_scope", error_description="No.", scope="orders/read openid"',
  );
  assert.deepEqual([scope.status, scope.code], [403, "insufficient_scope"]);
  const expired = new TokenError("expired", "Over.");
  assert.equal(expired.challenge, 'Bearer error="invalid_token", error_description="Over."');
  assert.equal(new TokenError("missing", "None.").challenge, "Bearer");
  assert.equal(new TokenError("unavailable", "Away.").status, 503);
});

test("options that cannot be meant are refused", () => {
  const good = { issuer: "https://issuer.example", clientId: "x" };
  const wrong: unknown[][] = [
    [[]],
    [[good, good]],
    [{ ...good, issuer: "issuer" }],
    [{ ...good, issuer: "ftp://issuer.example" }],
    [{ ...good, clientId: [] }],
    [{ ...good, clientId: undefined }],
    [{ ...good, clientId: "" }],
    [{ ...good, audience: [""] }],
    [{ ...good, use: "refresh" }],
    [{ ...good, jwksUri: "/keys" }],
    [{ ...good, jwks: {} }],
    [{ ...good, jwks: { keys: [] } }],
    [{ ...good, jwks: { keys: ["x"] } }],
    [{ ...good, jwks: { keys: [{ kty: "RSA" }] }, jwksUri: "https://issuer.example/keys" }],
    [{ ...good, algorithms: [] }],
    ...["HS256", "none", "RS1", "dir"].map((one) => [{ ...good, algorithms: ["RS256", one] }]),
    [{ ...good, client: "x" }],
    [{ ...good, audiences: ["x"] }],
    [good, { group: ["admins"] }],
    [good, { groups: "admins" }],
    [good, { scopes: [""] }],
    [good, { clockTolerance: -1 }],
    [good, { clockTolerance: Number.NaN }],
  ];
  for (const given of wrong)
    assert.throws(() => createVerifier(...(given as [never])), TypeError, JSON.stringify(given));
});
