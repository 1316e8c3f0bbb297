/** Users who must sign in anew at their provider (prompt=login, max_age): what proves it, and what does not. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Freshness } from "../../src/domain/federation/protocol.ts";
import { saml } from "../../src/domain/federation/saml.ts";
import { forOneServer } from "../kit/server.ts";
import { Browser, codeIn, newPlace, queryOf } from "./browser-way.ts";
import { type OwnProvider, ourClient, ourSecret, startOwnProvider } from "./own-provider.ts";
import { base64, contextOf, makePlace, metadataOf, newKey, responseXml, sayings } from "./saml-kit.ts";
import { begin, newField, refusal } from "./support.ts";

const running: OwnProvider[] = [];
after(() => {
  for (const one of running) one.close();
});

const key = await newKey("provider");
const minute = 60_000;

forOneServer("postgres", "users who must sign in anew", (open) => {
  test("an OpenID provider proves it by auth_time", async () => {
    const server = await open();
    const own = await startOwnProvider();
    running.push(own);
    const field = await newField(server);
    const details = {
      ...{ oidc_issuer: own.issuer, client_id: ourClient, client_secret: ourSecret },
      ...{ authorize_url: `${own.issuer}/authorize`, token_url: `${own.issuer}/token` },
      ...{ jwks_uri: `${own.issuer}/jwks` },
    };
    const signIn = async (fresh: Freshness, auth_time: unknown) => {
      own.mood.idToken = { auth_time };
      const attempt = await begin(field, field.provider("OIDC", details, "P"), { fresh });
      const { searchParams: sent } = new URL(attempt.location);
      const answered = await attempt.answer(own.approve(attempt.location)).then(
        () => "signed in",
        (error) => refusal(Promise.reject(error)),
      );
      return [sent.get("prompt"), sent.get("max_age"), answered];
    };
    const now = Math.floor(server.clock.now / 1000);
    const yes = ["login", "180", "signed in"];
    const no = (why: string) => ["login", "180", `invalid_request: P Error - ${why}`];
    const old = "wrong auth_time: the user has not signed in there anew";
    assert.deepEqual(await signIn("no", now - 100_000), [null, null, "signed in"]);
    for (const fresh of ["asked", "proven"] as const) {
      assert.deepEqual(await signIn(fresh, now), yes);
      assert.deepEqual(await signIn(fresh, now - 100), yes, "the clocks may differ");
      assert.deepEqual(await signIn(fresh, now - 3600), no(old));
    }
    assert.deepEqual(await signIn("asked", undefined), yes, "some say nothing");
    assert.deepEqual(await signIn("proven", undefined), no("no auth_time, which max_age needs"));
    // What is no time proves nothing; the library may be the first to say so.
    for (const wrong of ["2060-01-01", -1, null])
      assert.notEqual((await signIn("asked", wrong))[2], "signed in", String(wrong));
  });

  test("a SAML provider proves it by AuthnInstant", async () => {
    const server = await open();
    server.clock.freeze();
    const details = { MetadataFile: metadataOf([key.certificate]) };
    const place = await makePlace(server, details, { pool: key, provider: key });
    const { now } = server.clock;
    const signIn = async (fresh: Freshness, instant: number | undefined) => {
      const asked = { ...place, state: "state", fresh, loginHint: undefined };
      const { remembered } = await saml.begin(contextOf(server), asked);
      const at = instant === undefined ? "" : ` AuthnInstant="${new Date(instant).toISOString()}"`;
      const from = { now, poolId: place.pool.id, signer: key };
      const statement = `<saml:AuthnStatement${at}/>`;
      const response = responseXml(sayings(from, remembered["requestId"]!, { statement }));
      const parameters = new URLSearchParams({ SAMLResponse: base64(response) });
      return saml.verify(contextOf(server), { ...place, remembered, parameters });
    };
    const says = (why: string) => ({ message: `Error in SAML response processing: ${why}` });
    const old = says("the user has not signed in there anew, as was asked (AuthnInstant).");
    await signIn("no", now - 600 * minute);
    for (const fresh of ["asked", "proven"] as const) {
      await signIn(fresh, now);
      await signIn(fresh, now - 3 * minute);
      await assert.rejects(signIn(fresh, now - 3 * minute - 1), old);
      await assert.rejects(signIn(fresh, undefined), says("the AuthnStatement has no AuthnInstant."));
    }
  });

  test("a certified provider proves it to max_age, if the wish reaches it", async () => {
    const server = await open();
    const place = await newPlace(server, { pool: { UserPoolTags: { "poolhouse:oidc": "*" } } });
    const browser = new Browser();
    codeIn(await browser.signIn(place, "ann"));
    server.clock.advance(2000);
    const further = { identity_provider: "Upstream", max_age: "0" };
    const begun = async () =>
      new URL(await browser.sent(`${place.base}/oauth2/authorize?${queryOf(place, further)}`));
    const asked = await begun();
    assert.deepEqual([asked.searchParams.get("prompt"), asked.searchParams.get("max_age")], ["login", "180"]);
    codeIn(await browser.sent(await browser.throughProvider(asked.href, place.upstream, "ann")));
    server.clock.advance(2000);
    const stripped = await begun();
    for (const wish of ["prompt", "max_age"]) stripped.searchParams.delete(wish);
    const back = await browser.throughProvider(stripped.href, place.upstream, "ann");
    const { searchParams: told } = new URL(await browser.sent(back));
    assert.deepEqual(
      [told.get("code"), told.get("error"), told.get("error_description")],
      [null, "invalid_request", "Upstream Error - no auth_time, which max_age needs"],
    );
  });
});
