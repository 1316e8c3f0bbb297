/** Logout tokens, by which a provider says that sessions are over: what counts, once, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TokenProblem } from "../../src/verify/index.ts";
import { createLogoutVerifier } from "../../src/verify/logout-token.ts";
import { because, type Claims, client, idClaims, seconds, startIssuer } from "./issuers.ts";

const issuer = await startIssuer();
const event = "http://schemas.openid.net/event/backchannel-logout";
const newVerifier = () =>
  createLogoutVerifier(
    { issuer: issuer.issuer, clientId: client },
    { now: Date.now, fetch: globalThis.fetch },
  );

let serial = 0;
const logout = (claims: Claims = {}, header: Claims = { typ: "logout+jwt" }) => {
  serial += 1;
  const own = { aud: client, jti: `logout ${serial}`, events: { [event]: {} }, sid: "their session" };
  return issuer.token({ ...own, ...claims }, header);
};

test("whose sessions are over: of a subject, one session, or both", async () => {
  const accept = newVerifier();
  const verify = async (token: string) => {
    const { forget: _forget, ...whose } = await accept(token);
    return whose;
  };
  const of = { issuer: issuer.issuer, subject: "ann's id", session: "their session" };
  assert.deepEqual(await verify(await logout()), of);
  assert.deepEqual(await verify(await logout({ sid: undefined })), { ...of, session: undefined });
  assert.deepEqual(await verify(await logout({ sub: undefined })), { ...of, subject: undefined });
  for (const header of [{ typ: "application/logout+jwt" }, { typ: "JWT" }, {}])
    assert.deepEqual(await verify(await logout({ exp: undefined, aud: ["x", client] }, header)), of);
});

test("each counts once", async () => {
  const verify = newVerifier();
  const token = await logout();
  await verify(token);
  await assert.rejects(verify(token), because("malformed"));
  const together = await logout();
  const answers = await Promise.allSettled([verify(together), verify(together), verify(together)]);
  assert.equal(answers.filter(({ status }) => status === "fulfilled").length, 1);
});

const refused: Readonly<Record<string, [TokenProblem, () => Promise<string | undefined>]>> = {
  nothing: ["missing", async () => undefined],
  "a text": ["malformed", async () => "a.b.c"],
  "one of another issuer": ["malformed", () => logout({ iss: "https://other.example" })],
  "one for another client": ["audience", () => logout({ aud: "other" })],
  "one for nobody": ["malformed", () => logout({ aud: undefined })],
  "one with a nonce": ["malformed", () => logout({ nonce: "n" })],
  "an ID token": ["malformed", () => issuer.token({ ...idClaims.openid(), jti: "x" })],
  "an ID token with the event": ["malformed", () => logout({ ...idClaims.openid() }, {})],
  "one of another type": ["malformed", () => logout({}, { typ: "at+jwt" })],
  "one without events": ["malformed", () => logout({ events: undefined })],
  "one with another event": ["malformed", () => logout({ events: { "https://other.example/event": {} } })],
  "one whose event is no object": ["malformed", () => logout({ events: { [event]: true } })],
  "one whose events are a list": ["malformed", () => logout({ events: [event] })],
  "one about nobody": ["malformed", () => logout({ sub: undefined, sid: undefined })],
  "one without a name of its own": ["malformed", () => logout({ jti: undefined })],
  "one whose name is empty": ["malformed", () => logout({ jti: "" })],
  "one without its time": ["malformed", () => logout({ iat: undefined })],
  "an old one": ["malformed", () => logout({ iat: seconds() - 3600, exp: undefined })],
  "one of tomorrow, which could be used again": [
    "malformed",
    () => logout({ iat: seconds() + 86_400, exp: undefined }),
  ],
  "one that has expired": ["expired", () => logout({ exp: seconds() - 60 })],
  "one of another key": ["signature", () => logout({}, { typ: "logout+jwt", kid: "other" })],
  "one that nobody signed": ["signature", () => issuer.token({ aud: client }, { alg: "none" }, "nothing")],
};

for (const [name, [problem, token]] of Object.entries(refused))
  test(`refuses ${name}: ${problem}`, async () => {
    await assert.rejects(newVerifier()(await token()), because(problem));
  });
