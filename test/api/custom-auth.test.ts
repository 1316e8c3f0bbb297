/** Custom authentication through the SDK. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
  UpdateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { makePool, makeUser, refused } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";
import { SrpClient } from "../kit/support.ts";

forEachServer("custom authentication", (open) => {
  test("CUSTOM_AUTH, with and without SRP first, is refused where no trigger can be asked", async () => {
    const server = await open();
    const { client } = server;
    const app = { ExplicitAuthFlows: ["ALLOW_CUSTOM_AUTH" as const] };
    const { ClientId, UserPoolId } = await makePool(server, {}, app);
    await makeUser(server, UserPoolId, "ann");
    const begin = (AuthParameters: Record<string, string>) =>
      client.send(new InitiateAuthCommand({ ClientId, AuthFlow: "CUSTOM_AUTH", AuthParameters }));
    const alone = { USERNAME: "ann" };
    const withSrp = { ...alone, CHALLENGE_NAME: "SRP_A", SRP_A: new SrpClient().srpA };
    const none = refused("InvalidParameterException", /trigger is not configured/);
    for (const parameters of [alone, withSrp, { USERNAME: "nobody" }])
      await assert.rejects(begin(parameters), none);
    await assert.rejects(
      begin({ ...alone, CHALLENGE_NAME: "SRP_A" }),
      refused("InvalidParameterException", "Missing required parameter SRP_A"),
    );
    await assert.rejects(
      begin({ ...withSrp, CHALLENGE_NAME: "PASSWORD" }),
      refused("InvalidParameterException", "Unknown CHALLENGE_NAME."),
    );
    const DefineAuthChallenge = "arn:aws:lambda:us-east-1:000000000000:function:define";
    await client.send(new UpdateUserPoolCommand({ UserPoolId, LambdaConfig: { DefineAuthChallenge } }));
    for (const parameters of [alone, withSrp])
      await assert.rejects(begin(parameters), { name: "UnexpectedLambdaException" });
    const answer = { ClientId, ChallengeName: "CUSTOM_CHALLENGE", Session: "x".repeat(40) } as const;
    await assert.rejects(
      client.send(
        new RespondToAuthChallengeCommand({ ...answer, ChallengeResponses: { ...alone, ANSWER: "y" } }),
      ),
      refused("NotAuthorizedException", "Invalid session for the user."),
    );
  });
});
