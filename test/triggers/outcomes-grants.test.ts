/**
 * A PreTokenGeneration that fails, in whatever way, where tokens are given for something that can be used once: no token is
 * told, no family is made, and the refresh token or the code is as good as before. Then what other clients see of a
 * function that fails: amazon-cognito-identity-js and the hosted pages.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateResourceServerCommand,
  GetTokensFromRefreshTokenCommand,
  InitiateAuthCommand,
  type InitiateAuthCommandOutput,
  type LambdaConfigType,
  UpdateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import {
  AuthenticationDetails,
  CognitoUser,
  CognitoUserAttribute,
  CognitoUserPool,
} from "amazon-cognito-identity-js";
import type { TriggerSource } from "../../src/domain/triggers/trigger.ts";
import { codeIn, makeApp, newVisitor, queryOf } from "../hosted-ui/visitor.ts";
import {
  everyFlow,
  makeClient,
  makePool,
  makeSomebody,
  newAddress,
  password,
  signIn,
  unique,
} from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { authorize, newCode, oauthClient, post, redeem, signInBrowser } from "../oauth/support.ts";
import { script, scripted } from "./functions.ts";
import { forOneServerWithOutcomes, outcomes } from "./outcomes.ts";

const shaping = (LambdaArn: string): LambdaConfigType => ({
  PreTokenGenerationConfig: { LambdaVersion: "V3_0", LambdaArn },
});

const setFunction = ({ client }: TestServer, UserPoolId: string, LambdaConfig: LambdaConfigType) =>
  client.send(new UpdateUserPoolCommand({ UserPoolId, LambdaConfig }));

/** What was given: the whole answer, or the error and its description. */
type Given = { readonly token: string } | { readonly error: string; readonly message: string };

forOneServerWithOutcomes("sqlite", "PreTokenGeneration that fails", (open) => {
  const families = async ({ app }: TestServer, poolId: string) => {
    const rows = app.db.kysely.selectFrom("token_families").select(["family_id", "generation", "revoked_at"]);
    return (await rows.where("pool_id", "=", poolId).execute()).map(({ family_id, ...rest }) => [
      family_id,
      JSON.stringify(rest),
    ]);
  };

  const place = async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const username = await makeSomebody(server, UserPoolId);
    const Scopes = [{ ScopeName: "read", ScopeDescription: "Read" }];
    await server.client.send(
      new CreateResourceServerCommand({ UserPoolId, Identifier: "api", Name: "api", Scopes }),
    );
    const rotating = await makeClient(server, UserPoolId, {
      ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"],
      RefreshTokenRotation: { Feature: "ENABLED", RetryGracePeriodSeconds: 0 },
    });
    const plain = await makeClient(server, UserPoolId);
    const pages = await makeClient(server, UserPoolId, oauthClient);
    const machine = await makeClient(server, UserPoolId, {
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["client_credentials"],
      AllowedOAuthScopes: ["api/read"],
      GenerateSecret: true,
    });
    const base = `${server.endpoint}/${UserPoolId}`;
    const cookie = await signInBrowser(server, UserPoolId, username);
    return { server, UserPoolId, username, rotating, plain, machine, page: { base, cookie, ...pages } };
  };
  type Here = Awaited<ReturnType<typeof place>>;

  const bySdk = (call: Promise<Pick<InitiateAuthCommandOutput, "AuthenticationResult">>): Promise<Given> =>
    call.then(
      ({ AuthenticationResult }) => ({ token: AuthenticationResult?.AccessToken ?? "" }),
      ({ name, message }: Error) => ({ error: name, message }),
    );
  const byOAuth = async (call: ReturnType<typeof post>): Promise<Given> => {
    const { body } = await call;
    if (body["access_token"]) return { token: String(body["access_token"]) };
    return { error: String(body["error"]), message: String(body["error_description"]) };
  };

  /** Each way to tokens: what is prepared once, and the request that can then be sent again. */
  const grants: Readonly<
    Record<string, readonly [TriggerSource, "sdk" | "oauth", (here: Here) => Promise<() => Promise<Given>>]>
  > = {
    REFRESH_TOKEN_AUTH: [
      "TokenGeneration_RefreshTokens",
      "sdk",
      async ({ server, plain: { ClientId }, username }) => {
        const { RefreshToken } = await signIn(server, ClientId, username);
        const AuthParameters = { REFRESH_TOKEN: RefreshToken };
        const input = { ClientId, AuthFlow: "REFRESH_TOKEN_AUTH", AuthParameters } as const;
        return () => bySdk(server.client.send(new InitiateAuthCommand(input)));
      },
    ],
    "GetTokensFromRefreshToken, with rotation": [
      "TokenGeneration_RefreshTokens",
      "sdk",
      async ({ server, rotating: { ClientId }, username }) => {
        const { RefreshToken } = await signIn(server, ClientId, username);
        const input = { ClientId, RefreshToken };
        return () => bySdk(server.client.send(new GetTokensFromRefreshTokenCommand(input)));
      },
    ],
    "the code grant": [
      "TokenGeneration_HostedAuth",
      "oauth",
      async ({ page }) => {
        const code = await newCode(page);
        return () => byOAuth(redeem(page, code));
      },
    ],
    "the refresh grant": [
      "TokenGeneration_RefreshTokens",
      "oauth",
      async ({ page }) => {
        const { body } = await redeem(page, await newCode(page));
        const refresh_token = String(body["refresh_token"]);
        const form = { grant_type: "refresh_token", client_id: page.ClientId, refresh_token };
        return () => byOAuth(post(page, form));
      },
    ],
    "the implicit grant": [
      "TokenGeneration_HostedAuth",
      "oauth",
      async ({ page }) =>
        async () => {
          const { hash, searchParams } = await authorize(page, { response_type: "token" });
          const told = new URLSearchParams(hash === "" ? searchParams : hash.slice(1));
          const token = told.get("access_token");
          if (token) return { token };
          return { error: told.get("error") ?? "", message: told.get("error_description") ?? "" };
        },
    ],
    "the client credentials grant": [
      "TokenGeneration_ClientCredentials",
      "oauth",
      async ({ page, machine: { ClientId, ClientSecret } }) => {
        const basic = `${ClientId}:${ClientSecret}`;
        return () => byOAuth(post(page, { grant_type: "client_credentials" }, { basic }));
      },
    ],
  };

  for (const [name, [source, by, prepare]] of Object.entries(grants))
    test(`at ${name}: nothing is given, and nothing is used up`, async () => {
      const here = await place();
      const { server, UserPoolId } = here;
      const ask = await prepare(here);
      const before = await families(server, UserPoolId);
      for (const [outcome, { arn, script: what, error }] of Object.entries(outcomes)) {
        await setFunction(server, UserPoolId, shaping(arn));
        script(UserPoolId, source, what);
        const given = await ask();
        assert.ok("error" in given, `${outcome}: a token`);
        const [code, message] = error("PreTokenGeneration");
        assert.equal(given.error, by === "sdk" ? code : "invalid_request", outcome);
        assert.match(given.message, message, outcome);
        assert.deepEqual(await families(server, UserPoolId), before, outcome);
      }
      await setFunction(server, UserPoolId, shaping(scripted));
      script(UserPoolId, source, undefined);
      const given = await ask();
      assert.ok("token" in given, JSON.stringify(given));
    });
});

forOneServerWithOutcomes("sqlite", "a function that fails, at other clients", (open) => {
  const triggers = {
    PreSignUp: "PreSignUp_SignUp",
    PreAuthentication: "PreAuthentication_Authentication",
    PostAuthentication: "PostAuthentication_Authentication",
    PreTokenGeneration: "TokenGeneration_Authentication",
  } as const;

  test("amazon-cognito-identity-js: the code and the message", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const { ClientId } = await makeClient(server, UserPoolId, { ExplicitAuthFlows: everyFlow });
    const username = await makeSomebody(server, UserPoolId);
    const pool = new CognitoUserPool({ UserPoolId, ClientId, endpoint: server.endpoint });
    const email = [new CognitoUserAttribute({ Name: "email", Value: newAddress() })];
    const signUp = () =>
      new Promise((resolve, reject) =>
        pool.signUp(unique("user"), password, email, [], (error, done) =>
          error ? reject(error) : resolve(done),
        ),
      );
    const authenticate = () => {
      const user = new CognitoUser({ Pool: pool, Username: username });
      user.setAuthenticationFlowType("USER_PASSWORD_AUTH");
      return new Promise((onSuccess, onFailure) =>
        user.authenticateUser(new AuthenticationDetails({ Username: username, Password: password }), {
          onSuccess,
          onFailure,
        }),
      );
    };
    for (const trigger of Object.keys(triggers) as (keyof typeof triggers)[]) {
      const call = trigger === "PreSignUp" ? signUp : authenticate;
      // The library's arithmetic of SRP, which it does in every sign-in, costs more than all else here.
      const some = trigger === "PreSignUp" ? Object.keys(outcomes) : ["throws"];
      for (const outcome of some) {
        const { arn, script: what, error } = outcomes[outcome]!;
        await setFunction(server, UserPoolId, { [trigger]: arn });
        script(UserPoolId, triggers[trigger], what);
        const [code, message] = error(trigger);
        await assert.rejects(call(), (thrown: { code: string; message: string }) => {
          assert.equal(thrown.code, code, `${trigger} ${outcome}`);
          assert.match(thrown.message, message, `${trigger} ${outcome}`);
          return true;
        });
      }
      await setFunction(server, UserPoolId, { [trigger]: scripted });
      script(UserPoolId, triggers[trigger], undefined);
    }
    await signUp();
    await authenticate();
  });

  test("the hosted pages: the function's own words, or that it is not available; nobody is signed in", async () => {
    const server = await open();
    const app = await makeApp(server);
    const { UserPoolId } = app;
    const username = await makeSomebody(server, UserPoolId);
    const query = queryOf(app);
    const login = async () => {
      const visitor = newVisitor(server, app);
      return {
        visitor,
        shown: await visitor.submit(await visitor.get(`/login?${query}`), "/login", { username, password }),
      };
    };
    for (const trigger of ["PreAuthentication", "PostAuthentication"] as const) {
      for (const [outcome, { arn, script: what }] of Object.entries(outcomes)) {
        await setFunction(server, UserPoolId, { [trigger]: arn });
        script(UserPoolId, triggers[trigger], what);
        const { visitor, shown } = await login();
        assert.equal(shown.status, 200, outcome);
        assert.match(
          shown.text,
          outcome === "throws"
            ? new RegExp(`${trigger} failed with error Not &lt;b&gt;you&lt;/b&gt;\\.`)
            : outcome === "crashes"
              ? new RegExp(`${trigger} failed with error RequestId: .+ exit status 129\\.`)
              : /This is not available\. Contact your administrator\./,
          outcome,
        );
        // Its cookies sign nobody in.
        const again = await visitor.get(`/oauth2/authorize?${query}`);
        assert.match(again.location, /\/login\?/, outcome);
      }
      await setFunction(server, UserPoolId, { [trigger]: scripted });
      script(UserPoolId, triggers[trigger], undefined);
      codeIn((await login()).shown);
    }
  });
});
