/** InboundFederation: what a function makes of what an identity provider says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DescribeUserPoolCommand } from "@aws-sdk/client-cognito-identity-provider";
import { type InboundUser, inboundFederation } from "../../src/domain/triggers/inbound-federation.ts";
import { loadClient } from "../../src/domain/user-pools/load-pool.ts";
import { createCtx } from "../../src/http/context.ts";
import { makePool, refused } from "../kit/people.ts";
import { eventsOf, forOneServerWithFunctions, script, scripted } from "./functions.ts";

const source = "InboundFederation_ExternalProvider";

const byOpenId: InboundUser = {
  userName: "Corporate_00u1",
  providerName: "Corporate",
  providerType: "OIDC",
  answers: {
    tokenResponse: { access_token: "at", id_token: "it", token_type: "Bearer", expires_in: "3600" },
    idToken: { sub: "00u1", email: "ann@example.com", groups: ["a", "b"] },
    userInfo: { sub: "00u1", given_name: "Ann" },
  },
};
const bySaml: InboundUser = {
  userName: "Adfs_ann",
  providerName: "Adfs",
  providerType: "SAML",
  answers: { samlResponse: { email: "ann@example.com" } },
};

forOneServerWithFunctions("postgres", "InboundFederation", (open) => {
  const place = async (LambdaConfig: object) => {
    const { app, client: sdk } = await open();
    const { UserPoolId, ClientId } = await makePool({ client: sdk }, { LambdaConfig });
    const ctx = createCtx(app, { requestId: "request", address: "127.0.0.1", userAgent: undefined });
    const { pool, client } = await loadClient(ctx, ClientId);
    const fire = (user: InboundUser) => inboundFederation(ctx, pool, client, user);
    return { sdk, UserPoolId, ClientId, fire };
  };
  const InboundFederation = { LambdaVersion: "V1_0", LambdaArn: scripted };

  test("the event has what the provider answered, and no attributes of a user", async () => {
    const { sdk, UserPoolId, ClientId, fire } = await place({ InboundFederation });
    const { UserPool } = await sdk.send(new DescribeUserPoolCommand({ UserPoolId }));
    assert.deepEqual(UserPool?.LambdaConfig, { InboundFederation });
    for (const user of [byOpenId, bySaml]) {
      const { userName, providerName, providerType, answers } = user;
      assert.equal(await fire(user), undefined);
      assert.deepEqual(eventsOf(UserPoolId), [
        {
          version: "1",
          triggerSource: source,
          region: "us-east-1",
          userPoolId: UserPoolId,
          userName,
          callerContext: { awsSdkVersion: "aws-sdk-unknown-unknown", clientId: ClientId },
          request: { providerName, providerType, attributes: answers },
          response: { userAttributesToMap: null },
        },
      ]);
    }
  });

  test("what it answers takes the place of the provider's attributes, unless it is empty", async () => {
    const { UserPoolId, fire } = await place({ InboundFederation });
    const userAttributesToMap = { email: "a@example.com", email_verified: "true" };
    script(UserPoolId, source, { response: { userAttributesToMap } });
    assert.deepEqual(await fire(byOpenId), userAttributesToMap);
    for (const response of [{ userAttributesToMap: {} }, { userAttributesToMap: null }]) {
      script(UserPoolId, source, { response });
      assert.equal(await fire(byOpenId), undefined);
    }
  });

  test("it can refuse, and cannot answer anything else", async () => {
    const { UserPoolId, fire } = await place({ InboundFederation });
    script(UserPoolId, source, { throws: "Not from there" });
    await assert.rejects(
      fire(bySaml),
      (error: { code?: string; message?: string }) =>
        error.code === "UserLambdaValidationException" &&
        error.message === "InboundFederation failed with error Not from there.",
    );
    for (const script_ of [
      { answer: null },
      { response: { userAttributesToMap: { email: 7 } } },
      { response: { userAttributesToMap: ["email"] } },
    ]) {
      script(UserPoolId, source, script_);
      await assert.rejects(
        fire(bySaml),
        (error: { code?: string }) => error.code === "InvalidLambdaResponseException",
      );
    }
  });

  test("a pool without it leaves the provider's attributes, and no other version is accepted", async () => {
    const { UserPoolId, fire } = await place({});
    assert.equal(await fire(byOpenId), undefined);
    assert.deepEqual(eventsOf(UserPoolId), []);
    await assert.rejects(
      place({ InboundFederation: { ...InboundFederation, LambdaVersion: "V2_0" } }),
      refused("InvalidParameterException"),
    );
  });
});
