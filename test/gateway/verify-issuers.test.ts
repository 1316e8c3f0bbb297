/** The verifier against real issuers: Poolhouse on both databases, and oidc-provider. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  AdminAddUserToGroupCommand,
  AdminDisableUserCommand,
  AdminUserGlobalSignOutCommand,
  CreateGroupCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { exportJWK, generateKeyPair } from "jose";
import { createVerifier, revokedAtUserInfo } from "../../src/verify/index.ts";
import { callback, secret, startOpenIdProvider } from "../federation/openid-provider.ts";
import { forEachServer } from "../kit/server.ts";
import { newCode, type OAuthPlace, redeem, setUp } from "../oauth/support.ts";
import { because } from "./issuers.ts";

forEachServer("verifier", (open) => {
  const tokensOf = async (place: OAuthPlace) => {
    const { status, body } = await redeem(place, await newCode(place, { scope: "openid profile" }));
    assert.equal(status, 200);
    return { access: String(body["access_token"]), id: String(body["id_token"]) };
  };

  test("Poolhouse's tokens, each for its use, its client and its pool", async () => {
    const server = await open();
    const place = await setUp(server);
    const { UserPoolId, ClientId, base } = place;
    const named = { UserPoolId, GroupName: "admins" };
    await server.client.send(new CreateGroupCommand(named));
    await server.client.send(new AdminAddUserToGroupCommand({ ...named, Username: "ann" }));
    const { access, id } = await tokensOf(place);
    const options = { now: () => server.clock.now };
    const ofAccess = createVerifier({ issuer: base, clientId: ClientId }, options);
    const ofId = createVerifier({ issuer: base, clientId: ClientId, use: "id" }, options);
    const told = await ofAccess.verify(access, { groups: ["admins"], scopes: ["openid"] });
    assert.deepEqual([told.username, told.groups, told.scopes], ["ann", ["admins"], ["openid", "profile"]]);
    assert.equal((await ofId.verify(id)).subject, told.subject);
    await assert.rejects(ofAccess.verify(id), because("use"));
    await assert.rejects(ofId.verify(access), because("use"));
    const other = await setUp(server);
    const { access: theirs } = await tokensOf(other);
    await assert.rejects(ofAccess.verify(theirs), because("issuer"));
    const both = createVerifier({ issuer: base, clientId: "another" }, options);
    await assert.rejects(both.verify(access), because("audience"));
  });

  test("Poolhouse's userinfo says that a token was revoked: signed out everywhere, or disabled", async () => {
    const server = await open();
    for (const Command of [AdminUserGlobalSignOutCommand, AdminDisableUserCommand]) {
      const place = await setUp(server);
      const { UserPoolId, ClientId, base } = place;
      const now = () => server.clock.now;
      const isRevoked = revokedAtUserInfo({ seconds: 0, now });
      const verifier = createVerifier({ issuer: base, clientId: ClientId }, { now, isRevoked });
      const { access } = await tokensOf(place);
      await verifier.verify(access);
      await server.client.send(new Command({ UserPoolId, Username: "ann" }));
      await assert.rejects(verifier.verify(access), because("revoked"));
    }
  });
});

const algorithms = ["RS256", "ES256", "PS256", "EdDSA"];
const apiFor = (alg: string) => `https://api.example.com/${alg}`;

test("oidc-provider's access tokens (RFC 9068) by each algorithm, and its ID tokens", async () => {
  const keys = await Promise.all(
    algorithms.map(async (alg) => {
      const { privateKey } = await generateKeyPair(alg, { extractable: true });
      return { ...(await exportJWK(privateKey)), kid: alg, alg, use: "sig" };
    }),
  );
  const getResourceServerInfo = (_context: unknown, indicator: string) => ({
    ...{ scope: "orders/read orders/write", audience: indicator, accessTokenFormat: "jwt" },
    jwt: { sign: { alg: indicator.split("/").at(-1) } },
  });
  const provider = await startOpenIdProvider(
    {
      grant_types: ["authorization_code", "client_credentials"],
      id_token_signed_response_alg: "ES256",
    },
    {
      jwks: { keys },
      enabledJWA: { idTokenSigningAlgValues: algorithms },
      features: {
        clientCredentials: { enabled: true },
        resourceIndicators: { enabled: true, getResourceServerInfo },
      },
      pkce: { required: () => false },
    },
  );
  after(() => provider.close());
  const { issuer } = provider;
  const ask = async (form: Record<string, string>): Promise<Record<string, string>> => {
    const body = new URLSearchParams({ client_id: "poolhouse", client_secret: secret, ...form });
    const answer = await fetch(`${issuer}/token`, { method: "POST", body });
    assert.equal(answer.status, 200, await answer.clone().text());
    return (await answer.json()) as Record<string, string>;
  };
  const options = { issuer, clientId: "poolhouse", algorithms };
  for (const alg of algorithms) {
    const audience = apiFor(alg);
    const grant = { grant_type: "client_credentials", resource: audience, scope: "orders/read" };
    const { access_token: token } = await ask(grant);
    const told = await createVerifier({ ...options, audience }).verify(token, { scopes: ["orders/read"] });
    assert.deepEqual([told.use, told.clientId, told.claims.aud], ["access", "poolhouse", audience], alg);
    await assert.rejects(createVerifier({ ...options, audience: "x" }).verify(token), because("audience"));
    await assert.rejects(createVerifier({ ...options, use: "id" }).verify(token), because("use"));
  }
  const location = `${issuer}/auth?${new URLSearchParams({
    ...{ client_id: "poolhouse", response_type: "code", redirect_uri: callback, scope: "openid", nonce: "n" },
  })}`;
  const code = (await provider.signIn(location, "ann")).searchParams.get("code") ?? assert.fail("no code");
  const { id_token: id } = await ask({ grant_type: "authorization_code", code, redirect_uri: callback });
  assert.equal((await createVerifier({ ...options, use: "id" }).verify(id)).subject, "ann");
  await assert.rejects(createVerifier(options).verify(id), because("use"));
});
