/** Logout tokens (OpenID Connect Back-Channel Logout 1.0): which count, and only once. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { verifyLogoutToken } from "../../src/domain/federation/logout-token.ts";
import { forOneServer } from "../kit/server.ts";
import { type OwnProvider, ourClient, ourSecret, startOwnProvider } from "./own-provider.ts";
import { newField, refusal } from "./support.ts";

const running: OwnProvider[] = [];
after(() => {
  for (const one of running) one.close();
});

const event = "http://schemas.openid.net/event/backchannel-logout";
const seconds = () => Math.floor(Date.now() / 1000);
let serial = 0;

forOneServer("sqlite", "logout tokens", (open) => {
  async function start() {
    const own = await startOwnProvider();
    running.push(own);
    const field = await newField(await open());
    const details = { oidc_issuer: own.issuer, client_id: ourClient, client_secret: ourSecret };
    const provider = field.provider("OIDC", details);
    const claims = (more: Readonly<Record<string, unknown>> = {}) => ({
      iss: own.issuer,
      aud: ourClient,
      iat: seconds(),
      exp: seconds() + 120,
      jti: `jti-${++serial}`,
      events: { [event]: {} },
      sub: "ann",
      sid: "a session there",
      ...more,
    });
    const verify = (token: string) => verifyLogoutToken(field.ctx(), provider, token);
    return { own, provider, claims, verify };
  }

  test("each counts once, by subject, by session, or by both", async () => {
    const { own, claims, verify } = await start();
    const { issuer } = own;
    const token = await own.sign(claims(), { typ: "logout+jwt" });
    assert.deepEqual(await verify(token), { issuer, subject: "ann", session: "a session there" });
    assert.match(await refusal(verify(token)), /^invalid_request: .* wrong jti, used before,/);
    const bySubject = await own.sign(claims({ sid: undefined, exp: undefined }));
    assert.deepEqual(await verify(bySubject), { issuer, subject: "ann", session: undefined });
    const bySession = await own.sign(claims({ sub: undefined }));
    assert.deepEqual(await verify(bySession), { issuer, subject: undefined, session: "a session there" });
    const twice = await own.sign(claims());
    const results = await Promise.allSettled([verify(twice), verify(twice), verify(twice)]);
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  });

  test("what is no logout token ends nothing", async () => {
    const { own, claims, verify, provider } = await start();
    const wrong: [more: Readonly<Record<string, unknown>>, told: string][] = [
      [{ nonce: "n" }, "wrong nonce in the logout token"],
      [{ events: undefined }, "wrong events"],
      [{ events: { "http://schemas.openid.net/event/other": {} } }, "wrong events in the logout token"],
      [{ events: { [event]: "yes" } }, "wrong events in the logout token"],
      [{ sub: undefined, sid: undefined }, "wrong sub and sid in the logout token"],
      [{ jti: undefined }, "wrong jti"],
      [{ jti: "" }, "wrong jti in the logout token"],
      [{ iat: undefined }, "wrong iat"],
      [{ iat: seconds() - 700 }, "wrong iat in the logout token"],
      [{ iat: seconds() + 700, exp: seconds() + 900 }, "wrong iat in the logout token"],
      [{ exp: seconds() - 200 }, "wrong exp"],
      [{ iss: "http://evil.example" }, "wrong iss"],
      [{ aud: "another client" }, "wrong aud"],
    ];
    for (const [more, told] of wrong) {
      const said = await refusal(verify(await own.sign(claims(more))));
      assert.equal(said, `invalid_request: ${provider.name} Error - ${told}`);
    }
    const unsigned = await own.sign(claims(), { alg: "none" }, "nothing");
    assert.match(await refusal(verify(unsigned)), /wrong alg$/);
    const byPublicKey = await own.sign(claims(), { alg: "HS256" }, Buffer.from(own.publicPem));
    assert.match(await refusal(verify(byPublicKey)), /wrong alg$/);
    assert.match(
      await refusal(verify(await own.sign(claims(), { typ: "at+jwt" }))),
      /wrong typ of the logout/,
    );
    for (const nonsense of ["", "a.b.c", "nonsense"])
      assert.match(await refusal(verify(nonsense)), /^invalid_request: /);
  });
});
