/** An issuer's keys and metadata: read once, kept, changed, hostile, out of reach; and what it says of revoked tokens. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { type RevokedAtUserInfoOptions, revokedAtUserInfo } from "../../src/verify/index.ts";
import { accessClaims, because, type Issuer, startIssuer, verifierOf } from "./issuers.ts";

const token = (issuer: Issuer, header = {}) => issuer.token(accessClaims.cognito(), header);

/** An hour of which a test sets the minute. */
function clock() {
  let ahead = 0;
  const pass = (minutes: number) => {
    ahead += minutes * 60_000;
  };
  return { now: () => Date.now() + ahead, pass };
}

const status =
  (code: number, headers: Record<string, string> = {}, body = "") =>
  (response: ServerResponse) =>
    void response.writeHead(code, headers).end(body);

test("keys are read once for many requests at once", async () => {
  const issuer = await startIssuer();
  const verifier = verifierOf(issuer);
  const text = await token(issuer);
  await Promise.all(Array.from({ length: 20 }, () => verifier.verify(text)));
  assert.equal(issuer.keyReads(), 1);
  assert.deepEqual(issuer.seen, ["GET /.well-known/openid-configuration", "GET /jwks"]);
});

test("load() reads them before the first request", async () => {
  const issuer = await startIssuer();
  const verifier = verifierOf(issuer);
  await verifier.load();
  await verifier.verify(await token(issuer));
  assert.equal(issuer.keyReads(), 1);
});

test("a new key is read at once, invented ones once in a while", async () => {
  const issuer = await startIssuer();
  const { now, pass } = clock();
  const verifier = verifierOf(issuer, {}, { now });
  await verifier.verify(await token(issuer));
  await issuer.rotate("second");
  await verifier.verify(await token(issuer));
  assert.equal(issuer.keyReads(), 2);
  for (let time = 0; time < 20; time++)
    await assert.rejects(
      verifier.verify(await token(issuer, { kid: `invented ${time}` })),
      because("signature"),
    );
  assert.equal(issuer.keyReads(), 2);
  pass(0.2);
  await assert.rejects(verifier.verify(await token(issuer, { kid: "invented" })), because("signature"));
  assert.equal(issuer.keyReads(), 3);
});

test("a key that the issuer has withdrawn counts no longer than ten minutes", async () => {
  const issuer = await startIssuer();
  const { now, pass } = clock();
  const verifier = verifierOf(issuer, {}, { now });
  const before = await issuer.token({ ...accessClaims.cognito(), exp: Math.floor(now() / 1000) + 7200 });
  await verifier.verify(before);
  await issuer.rotate("second");
  pass(9);
  await verifier.verify(before);
  pass(2);
  await assert.rejects(verifier.verify(before), because("signature"));
});

test("while the issuer does not answer, known keys count for an hour, and then none", async () => {
  const issuer = await startIssuer();
  const { now, pass } = clock();
  const verifier = verifierOf(issuer, {}, { now });
  const lasting = await issuer.token({ ...accessClaims.cognito(), exp: Math.floor(now() / 1000) + 86_400 });
  await verifier.verify(lasting);
  issuer.mood.answers["/jwks"] = status(503);
  pass(30);
  await verifier.verify(lasting);
  await verifier.verify(lasting);
  assert.equal(issuer.keyReads(), 2, "it is not asked for each request");
  pass(50);
  await assert.rejects(verifier.verify(lasting), because("unavailable"));
  delete issuer.mood.answers["/jwks"];
  await verifier.verify(lasting);
});

test("nothing is believed before the issuer has answered", async () => {
  const issuer = await startIssuer();
  const text = await token(issuer);
  issuer.close();
  await assert.rejects(verifierOf(issuer).verify(text), because("unavailable"));
  await assert.rejects(verifierOf(issuer).load(), because("unavailable"));
});

const bytes = (count: number) => (response: ServerResponse) => {
  response.writeHead(200, { "content-type": "application/json" });
  const part = Buffer.alloc(65_536, " ");
  let left = count;
  const more = (): void => {
    for (; left > 0; ) {
      left -= part.length;
      if (!response.write(part)) return void response.once("drain", more);
    }
    response.end('{"keys":[]}');
  };
  more();
};

const elsewhere = { location: "https://attacker.example/jwks" };
const configuration = "/.well-known/openid-configuration";

interface Unusable {
  readonly metadata?: Record<string, unknown>;
  readonly answers?: Issuer["mood"]["answers"];
}

const unusable: Readonly<Record<string, Unusable>> = {
  "metadata of another issuer": { metadata: { issuer: "https://other.example" } },
  "metadata without keys": { metadata: { jwks_uri: undefined } },
  "keys in a file": { metadata: { jwks_uri: "file:///etc/passwd" } },
  "metadata that are a list": { answers: { [configuration]: status(200, {}, "[]") } },
  "metadata elsewhere": { answers: { [configuration]: status(302, elsewhere) } },
  "keys elsewhere": { answers: { "/jwks": status(302, elsewhere) } },
  "keys elsewhere at the issuer": { answers: { "/jwks": status(307, { location: "/userinfo" }) } },
  "no keys": { answers: { "/jwks": status(404, {}, '{"keys":[]}') } },
  "keys that are no set": { answers: { "/jwks": status(200, {}, '{"keys":"many"}') } },
  "keys that are no objects": { answers: { "/jwks": status(200, {}, '{"keys":[1]}') } },
  "a page": { answers: { "/jwks": status(200, {}, "<!doctype html>") } },
  "10 MB": { answers: { "/jwks": bytes(10_000_000) } },
  "a connection that breaks": { answers: { "/jwks": (response) => void response.destroy() } },
};

test("what an issuer cannot mean makes its tokens unusable, and nothing else", async () => {
  const issuer = await startIssuer();
  for (const [name, { metadata = {}, answers = {} }] of Object.entries(unusable)) {
    Object.assign(issuer.mood, { metadata, answers });
    const verifier = verifierOf(issuer);
    await assert.rejects(verifier.verify(await token(issuer)), because("unavailable"), name);
    Object.assign(issuer.mood, { metadata: {}, answers: {} });
    await verifier.verify(await token(issuer));
  }
});

test("keys without TLS are not those of an issuer that has it", async () => {
  const fetch = async () =>
    Response.json({ issuer: "https://issuer.example", jwks_uri: "http://issuer.example/jwks" });
  const verifier = verifierOf({ issuer: "https://issuer.example" }, {}, { fetch });
  await assert.rejects(verifier.load(), /no jwks_uri that can be used/);
});

test("a key that cannot be used is no key", async () => {
  const issuer = await startIssuer();
  const [key] = issuer.mood.keys;
  for (const other of [{ ...key, n: "AAAA" }, { ...key, n: "!" }, { ...key, kty: "oct", k: "AAAA" }, {}]) {
    issuer.mood.keys = [other];
    await assert.rejects(verifierOf(issuer).verify(await token(issuer)), because("signature"));
  }
});

test("a token that names no key is of the only one that fits", async () => {
  const issuer = await startIssuer();
  const [key] = issuer.mood.keys;
  const unnamed = () => token(issuer, { kid: undefined });
  await verifierOf(issuer).verify(await unnamed());
  issuer.mood.keys = [key!, { ...key, kid: "for encryption", use: "enc" }];
  await verifierOf(issuer).verify(await unnamed());
  issuer.mood.keys = [key!, { ...key, kid: "another" }];
  await assert.rejects(verifierOf(issuer).verify(await unnamed()), because("signature"));
  issuer.mood.keys = [{ ...key, use: "enc" }];
  await assert.rejects(verifierOf(issuer).verify(await token(issuer)), because("signature"));
});

test("an issuer that ends with a slash is another than one without", async () => {
  const issuer = await startIssuer();
  const slash = `${issuer.issuer}/`;
  issuer.mood.metadata = { issuer: slash };
  const verifier = verifierOf({ issuer: slash });
  await verifier.verify(await issuer.token({ ...accessClaims.cognito(), iss: slash }));
  await assert.rejects(verifier.verify(await token(issuer)), because("issuer"));
  await assert.rejects(verifierOf(issuer).verify(await token(issuer)), because("unavailable"));
});

test("keys that have moved are found again", async () => {
  const issuer = await startIssuer();
  const { now, pass } = clock();
  const verifier = verifierOf(issuer, {}, { now });
  const lasting = await issuer.token({ ...accessClaims.cognito(), exp: Math.floor(now() / 1000) + 86_400 });
  await verifier.verify(lasting);
  issuer.mood.answers["/jwks"] = status(404);
  issuer.mood.metadata = { jwks_uri: `${issuer.issuer}/moved` };
  issuer.mood.answers["/moved"] = status(200, {}, JSON.stringify({ keys: issuer.mood.keys }));
  pass(11);
  await verifier.verify(lasting);
  pass(1);
  await verifier.verify(lasting);
  assert.equal(issuer.seen.at(-1), "GET /moved");
});

const asking = (issuer: Issuer, options: RevokedAtUserInfoOptions = {}) =>
  verifierOf(issuer, {}, { isRevoked: revokedAtUserInfo(options) });
const userInfoReads = ({ seen }: Issuer) => seen.filter((line) => line === "GET /userinfo").length;

test("userinfo is asked whether a token was revoked, once in a few seconds", async () => {
  const issuer = await startIssuer();
  issuer.mood.userInfo = { sub: "ann's id" };
  const { now, pass } = clock();
  const verifier = asking(issuer, { now });
  const text = await token(issuer);
  await Promise.all([verifier.verify(text), verifier.verify(text)]);
  await verifier.verify(text);
  assert.equal(userInfoReads(issuer), 1);
  issuer.mood.answers["/userinfo"] = status(401);
  await verifier.verify(text);
  pass(0.1);
  await assert.rejects(verifier.verify(text), because("revoked"));
  await assert.rejects(verifier.verify(text), because("revoked"));
  assert.equal(userInfoReads(issuer), 2);
});

test("what userinfo does not tell is not known", async () => {
  const issuer = await startIssuer();
  const verifier = asking(issuer);
  const text = await token(issuer);
  const answers = [
    status(503),
    status(403),
    status(302, { location: "/" }),
    status(200, {}, '{"sub":"somebody else"}'),
    status(200, {}, "null"),
    status(200, {}, "<!doctype html>"),
    (response: ServerResponse) => void response.destroy(),
  ];
  for (const answer of answers) {
    issuer.mood.answers["/userinfo"] = answer;
    await assert.rejects(verifier.verify(text), because("unavailable"));
  }
  assert.equal(userInfoReads(issuer), answers.length);
  issuer.mood.answers["/userinfo"] = status(200, {}, '{"sub":"ann\'s id"}');
  await verifier.verify(text);
  const without = await issuer.token({ ...accessClaims.cognito(), scope: "orders/read" });
  await assert.rejects(verifier.verify(without), because("unavailable"));
});
