/** An OpenID provider ends what its sessions have led to (OpenID Connect Back-Channel Logout 1.0). */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { forOneServer } from "../kit/server.ts";
import { post } from "../oauth/support.ts";
import { addProvider, Browser, codeIn, newPlace, offer, queryOf, redeem } from "./browser-way.ts";
import { type OwnProvider, ourClient, ourSecret, startOwnProvider } from "./own-provider.ts";

const running: OwnProvider[] = [];
after(() => {
  for (const one of running) one.close();
});

const seconds = () => Math.floor(Date.now() / 1000);

forOneServer("postgres", "back-channel logout", (open) => {
  test("a logout token ends the browser's session and the tokens of sign-ins through the provider", async () => {
    const server = await open();
    const own = await startOwnProvider();
    running.push(own);
    const place = await newPlace(server);
    const { issuer } = own;
    const name = "Größe/1%2F?&#+=";
    const details = { oidc_issuer: issuer, client_id: ourClient, client_secret: ourSecret };
    await addProvider(server, place.UserPoolId, name, "OIDC", details);
    await offer(server, place, ["COGNITO", name]);
    const browser = new Browser();
    const query = queryOf(place, { identity_provider: name });
    const there = await browser.sent(`${place.base}/oauth2/authorize?${query}`);
    const back = await browser.sent(`${place.base}/oauth2/idpresponse?${own.approve(there)}`);
    const tokens = await redeem(place, codeIn(back));
    const authorize = `${place.base}/oauth2/authorize?${queryOf(place)}`;
    const tell = async (provider: string, claims: Readonly<Record<string, unknown>>) => {
      const whole = {
        ...{ iss: issuer, aud: ourClient, iat: seconds(), exp: seconds() + 120, ...claims },
        events: { "http://schemas.openid.net/event/backchannel-logout": {} },
      };
      const logout_token = await own.sign(whole, { typ: "logout+jwt" });
      const endpoint = `${place.base}/oauth2/backchannel-logout?provider=${encodeURIComponent(provider)}`;
      return new Browser().open(endpoint, new URLSearchParams({ logout_token }));
    };
    const refused = await tell("Nobody", { jti: "1", sub: "ann" });
    assert.equal(refused.status, 400);
    assert.equal(JSON.parse(await refused.text()).error, "invalid_request");
    assert.equal((await tell("Upstream", { jti: "2", sub: "ann" })).status, 400, "another provider's token");
    assert.equal((await tell(name, { jti: "3", sub: "bob" })).status, 200, "nobody is signed in");
    const session = "a session there";
    assert.equal((await tell(name, { jti: "4", sub: "bob", sid: session })).status, 200);
    codeIn(await browser.sent(authorize));
    assert.equal((await tell(name, { jti: "5", sid: session })).status, 200);
    assert.ok((await browser.sent(authorize)).startsWith(`${place.base}/login?`));
    const { ClientId: client_id } = place;
    const refresh = { grant_type: "refresh_token", client_id, refresh_token: tokens["refresh_token"]! };
    assert.equal((await post(place, refresh)).body["error"], "invalid_grant");
    assert.equal((await tell(name, { jti: "5", sid: session })).status, 400, "a token counts once");
  });
});
