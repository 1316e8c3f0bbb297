/** What is ended at Poolhouse ends at the gateway with the next refresh of tokens at the latest; bearer tokens count until they expire. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminDeleteUserCommand,
  AdminDisableUserCommand,
  AdminUserGlobalSignOutCommand,
  DeleteUserPoolClientCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { createGateway } from "../../src/gateway/gateway.ts";
import { silent } from "../kit/databases.ts";
import { forEachServer } from "../kit/server.ts";
import { post } from "../oauth/support.ts";
import {
  annsBrowser,
  type Browser,
  type GatewayPlace,
  gatewayPlace,
  newStore,
  paths,
  type Seen,
} from "./place.ts";

/** An hour, for which Cognito's access tokens count, and how much the clocks may differ. */
const life = 3_600_000 + 61_000;

/** They may be idle for longer. */
const sessions = { idle: 8 * 3600 };

const statusAt = async ({ origin }: GatewayPlace, browser: Browser) =>
  (await browser.get(`${origin}${paths.session}`)).status;

const ends: Readonly<Record<string, (place: GatewayPlace, refreshToken: string) => Promise<unknown>>> = {
  "a user who is disabled": ({ pool: { server, UserPoolId } }) =>
    server.client.send(new AdminDisableUserCommand({ UserPoolId, Username: "ann" })),
  "a user who is deleted": ({ pool: { server, UserPoolId } }) =>
    server.client.send(new AdminDeleteUserCommand({ UserPoolId, Username: "ann" })),
  "a global sign-out": ({ pool: { server, UserPoolId } }) =>
    server.client.send(new AdminUserGlobalSignOutCommand({ UserPoolId, Username: "ann" })),
  "a client that is deleted": ({ pool: { server, UserPoolId, ClientId } }) =>
    server.client.send(new DeleteUserPoolClientCommand({ UserPoolId, ClientId })),
  "a refresh token that is revoked": async ({ pool }, token) => {
    const { status } = await post(pool, { token, client_id: pool.ClientId }, { path: "/oauth2/revoke" });
    assert.equal(status, 200);
  },
};

/** Another gateway of the client, which asks the pool whether a bearer token was revoked: what it decides about one. */
async function askingGateway({ gateway, origin, pool }: GatewayPlace, authorization: string) {
  const { settings } = gateway;
  const asking = await createGateway(
    {
      ...settings,
      sessions: { ...settings.sessions, database: undefined },
      provider: { ...settings.provider, revocation: "userinfo" },
    },
    { log: silent, now: () => pool.server.clock.now },
  );
  const { host } = new URL(origin);
  const header = (name: string) => (name === "authorization" ? authorization : undefined);
  return () => asking.admit({ method: "GET", scheme: "http:", host, target: "/api/x", header });
}

forEachServer("ended at the pool", (start, kind) => {
  for (const [what, end] of Object.entries(ends))
    test(`${what}`, async () => {
      const server = await start();
      let refreshToken = "";
      const heard: typeof fetch = async (...request) => {
        const answer = await fetch(...request);
        const told = (await answer
          .clone()
          .json()
          .catch(() => ({}))) as { readonly refresh_token?: string };
        refreshToken = told.refresh_token ?? refreshToken;
        return answer;
      };
      const place = await gatewayPlace(
        server,
        await newStore(kind),
        { identity: { accessToken: true }, sessions },
        { fetch: heard },
      );
      const browser = annsBrowser(place);
      const shown = await browser.follow(`${place.origin}/`);
      const { headers } = JSON.parse(await shown.answer.text()) as Seen;
      const asksBearer = await askingGateway(place, headers["authorization"]!);
      assert.equal((await asksBearer()).kind, "pass");
      await end(place, refreshToken);
      server.clock.advance(5001);
      const asked = await asksBearer();
      assert.ok(asked.kind === "refused" && asked.status === 401, "asks whether it was revoked");
      assert.equal(await statusAt(place, browser), 200, "as long as its tokens count");
      const bearer = await browser.get(`${place.origin}/api/x`, { authorization: headers["authorization"]! });
      assert.equal(bearer.status, 200, "tokens are verified by themselves");
      server.clock.advance(life);
      assert.equal(await statusAt(place, browser), 401);
      const late = await browser.get(`${place.origin}/api/x`, { authorization: headers["authorization"]! });
      assert.equal(late.status, 401);
      assert.equal((await browser.get(`${place.origin}/`)).status, 302);
    });

  test("none of it: the session goes on, and everywhere=true ends all of a user's", async () => {
    const server = await start();
    const place = await gatewayPlace(server, await newStore(kind), { sessions });
    const [phone, laptop, desk] = [annsBrowser(place), annsBrowser(place), annsBrowser(place)];
    for (const one of [phone, laptop, desk]) await one.follow(`${place.origin}/`);
    server.clock.advance(life);
    const statuses = () => Promise.all([phone, laptop, desk].map((one) => statusAt(place, one)));
    assert.deepEqual(await statuses(), [200, 200, 200]);
    await phone.get(`${place.origin}${paths.signOut}`);
    assert.deepEqual(await statuses(), [401, 200, 200]);
    await laptop.get(`${place.origin}${paths.signOut}?everywhere=true`);
    assert.deepEqual(await statuses(), [401, 401, 401]);
  });
});
