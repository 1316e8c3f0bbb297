/** Refresh tokens of the authorization server grant what their client may have now, not what it once had. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateResourceServerCommand,
  DeleteResourceServerCommand,
  GetTokensFromRefreshTokenCommand,
  InitiateAuthCommand,
  UpdateUserPoolClientCommand,
  type UpdateUserPoolClientCommandInput,
} from "@aws-sdk/client-cognito-identity-provider";
import { refused, signIn } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { callback, claimsOf, newCode, type OAuthPlace, post, redeem, setUp } from "./support.ts";

const scopes = ["openid", "email", "aws.cognito.signin.user.admin"];
const settings = {
  AllowedOAuthFlowsUserPoolClient: true,
  AllowedOAuthFlows: ["code" as const],
  AllowedOAuthScopes: scopes,
  CallbackURLs: [callback],
  ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH" as const, "ALLOW_REFRESH_TOKEN_AUTH" as const],
};

forOneServer("postgres", "refreshing what was taken away", (open) => {
  async function place(change: Partial<UpdateUserPoolClientCommandInput> = {}) {
    const at = await setUp(await open(), { ...settings, ...change });
    const { UserPoolId, ClientId } = at;
    const { client } = at.server;
    const update = (to: Partial<UpdateUserPoolClientCommandInput>) =>
      client.send(new UpdateUserPoolClientCommand({ UserPoolId, ClientId, ...settings, ...change, ...to }));
    return { ...at, update };
  }
  const tokenOf = async (at: OAuthPlace, change: Record<string, string> = {}) =>
    String((await redeem(at, await newCode(at, change))).body["refresh_token"]);
  const refresh = (at: OAuthPlace, refresh_token: string) =>
    post(at, { grant_type: "refresh_token", client_id: at.ClientId, refresh_token });
  const scopeOf = async (at: OAuthPlace, token: string) => {
    const { body } = await refresh(at, token);
    return [claimsOf(body["access_token"])["scope"], body["id_token"] !== undefined];
  };
  /** The token at the API's two entry points. */
  const atApi = ({ server, ClientId }: OAuthPlace, token: string) => [
    () =>
      server.client.send(
        new InitiateAuthCommand({
          ClientId,
          AuthFlow: "REFRESH_TOKEN_AUTH",
          AuthParameters: { REFRESH_TOKEN: token },
        }),
      ),
    () => server.client.send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken: token })),
  ];
  const invalid = refused("NotAuthorizedException", "Invalid Refresh Token.");

  test("a scope that the client has lost is granted no more, and again when it has it back", async () => {
    const at = await place();
    const token = await tokenOf(at);
    await at.update({ AllowedOAuthScopes: ["openid", "aws.cognito.signin.user.admin"] });
    assert.deepEqual(await scopeOf(at, token), ["openid aws.cognito.signin.user.admin", true]);
    for (const call of atApi(at, token)) {
      const { AccessToken } = (await call()).AuthenticationResult ?? assert.fail("no tokens");
      assert.equal(claimsOf(AccessToken)["scope"], "openid aws.cognito.signin.user.admin");
    }
    await at.update({});
    assert.deepEqual(await scopeOf(at, token), [scopes.join(" "), true]);
  });

  test("without openid there is no ID token, nor what goes with openid alone", async () => {
    const at = await place();
    const token = await tokenOf(at);
    await at.update({ AllowedOAuthScopes: ["email", "aws.cognito.signin.user.admin"] });
    assert.deepEqual(await scopeOf(at, token), ["aws.cognito.signin.user.admin", false]);
  });

  const nothingLeft: Readonly<Record<string, Partial<UpdateUserPoolClientCommandInput>>> = {
    "none of its scopes": { AllowedOAuthScopes: ["profile", "openid"] },
    "no code flow": { AllowedOAuthFlows: ["implicit"] },
    "no OAuth": { AllowedOAuthFlowsUserPoolClient: false },
  };
  for (const [what, to] of Object.entries(nothingLeft))
    test(`a client that was left with ${what} gets no tokens by refresh, the API or an older code`, async () => {
      const at = await place({ RefreshTokenRotation: { Feature: "DISABLED" } });
      const token = await tokenOf(at, { scope: "aws.cognito.signin.user.admin" });
      const unredeemed = await newCode(at, { scope: "aws.cognito.signin.user.admin" });
      await at.update(to);
      const { status, body } = await refresh(at, token);
      const isOff = to.AllowedOAuthFlowsUserPoolClient === false;
      assert.deepEqual([status, body["error"]], [400, isOff ? "unauthorized_client" : "invalid_grant"]);
      for (const call of atApi(at, token)) await assert.rejects(call(), invalid);
      const late = await redeem(at, unredeemed);
      assert.equal(late.body["access_token"], undefined);
      assert.equal(late.status, 400);
      // Tokens from the API's own sign-in are not affected.
      const own = await signIn(at.server, at.ClientId, "ann");
      for (const call of atApi(at, own.RefreshToken)) {
        const { AccessToken } = (await call()).AuthenticationResult ?? assert.fail("no tokens");
        assert.equal(claimsOf(AccessToken)["scope"], "aws.cognito.signin.user.admin");
      }
      // And a refusal uses nothing up.
      await at.update({});
      assert.deepEqual(await scopeOf(at, token), ["aws.cognito.signin.user.admin", false]);
    });

  test("with rotation a refusal uses no generation up", async () => {
    const at = await place({
      RefreshTokenRotation: { Feature: "ENABLED", RetryGracePeriodSeconds: 0 },
      ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"],
    });
    const token = await tokenOf(at, { scope: "email openid" });
    await at.update({ AllowedOAuthScopes: ["aws.cognito.signin.user.admin"] });
    assert.equal((await refresh(at, token)).body["error"], "invalid_grant");
    await at.update({});
    assert.deepEqual(await scopeOf(at, token), ["email openid", true]);
  });

  test("a code grants what the client may have when it is redeemed", async () => {
    const at = await place();
    const code = await newCode(at);
    await at.update({ AllowedOAuthScopes: ["openid", "email"] });
    const { body } = await redeem(at, code);
    assert.equal(claimsOf(body["access_token"])["scope"], "openid email");
    // It was never granted the rest.
    await at.update({});
    assert.deepEqual(await scopeOf(at, String(body["refresh_token"])), ["openid email", true]);
  });

  test("a resource server that is gone: its scopes are granted no more", async () => {
    const at = await place();
    const { UserPoolId } = at;
    const { client } = at.server;
    const Scopes = [{ ScopeName: "read", ScopeDescription: "Read" }];
    await client.send(
      new CreateResourceServerCommand({ UserPoolId, Identifier: "api", Name: "api", Scopes }),
    );
    await at.update({ AllowedOAuthScopes: [...scopes, "api/read"] });
    const both = await tokenOf(at, { scope: "openid api/read" });
    const alone = await tokenOf(at, { scope: "api/read" });
    await client.send(new DeleteResourceServerCommand({ UserPoolId, Identifier: "api" }));
    assert.deepEqual(await scopeOf(at, both), ["openid", true]);
    assert.equal((await refresh(at, alone)).body["error"], "invalid_grant");
  });
});
