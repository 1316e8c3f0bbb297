/** CUSTOM_AUTH: DefineAuthChallenge, CreateAuthChallenge and VerifyAuthChallengeResponse. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  InitiateAuthCommand,
  type LambdaConfigType,
  RespondToAuthChallengeCommand,
  type RespondToAuthChallengeCommandOutput,
} from "@aws-sdk/client-cognito-identity-provider";
import { decodeJwt } from "jose";
import { arrive, federatedPlace, identity, newSubject } from "../federation/people.ts";
import { giveSoftwareToken, totp, turnMfa } from "../kit/factors.ts";
import { makePool, makeUser, newAddress, password, refused, signIn, unique, uuid } from "../kit/people.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { arnOf, eventsOf, forOneServerWithFunctions, script, scripted } from "./functions.ts";

const by = (arn: string): LambdaConfigType => ({
  DefineAuthChallenge: arn,
  CreateAuthChallenge: arn,
  VerifyAuthChallengeResponse: arn,
});

type Answer = Pick<
  RespondToAuthChallengeCommandOutput,
  "ChallengeName" | "ChallengeParameters" | "Session" | "AuthenticationResult"
>;

forOneServerWithFunctions("sqlite", "CUSTOM_AUTH", (open) => {
  const place = async (LambdaConfig = by(arnOf("riddles")), pool: object = {}) => {
    const server = await open();
    const app = {
      ExplicitAuthFlows: ["ALLOW_CUSTOM_AUTH" as const, "ALLOW_USER_PASSWORD_AUTH" as const],
      PreventUserExistenceErrors: "ENABLED" as const,
    };
    const made = await makePool(server, { LambdaConfig, ...pool }, app);
    const email = newAddress();
    const UserAttributes = [{ Name: "email", Value: email }];
    const name = "UsernameAttributes" in pool ? email : unique("user");
    return { server, ...made, username: await makeUser(server, made.UserPoolId, name, UserAttributes) };
  };
  type Place = Pick<Awaited<ReturnType<typeof place>>, "server" | "ClientId">;
  const begin = ({ server, ClientId }: Place, USERNAME: string, more: object = {}): Promise<Answer> =>
    server.client.send(
      new InitiateAuthCommand({
        ...{ ClientId, AuthFlow: "CUSTOM_AUTH", AuthParameters: { USERNAME, ...more } },
        ClientMetadata: { at: "start" },
      }),
    );
  const answer = ({ server, ClientId }: Place, asked: Answer, responses: object): Promise<Answer> =>
    server.client.send(
      new RespondToAuthChallengeCommand({
        ClientId,
        ChallengeName: asked.ChallengeName,
        Session: asked.Session,
        ChallengeResponses: { USERNAME: asked.ChallengeParameters?.["USERNAME"] ?? "", ...responses },
        ClientMetadata: { at: "answer" },
      }),
    );
  const wrong = refused("NotAuthorizedException", "Incorrect username or password.");

  test("two right answers let somebody in, wrong ones are asked again until the functions have enough", async () => {
    const here = await place();
    let asked = await begin(here, here.username);
    assert.equal(asked.ChallengeName, "CUSTOM_CHALLENGE");
    assert.deepEqual(asked.ChallengeParameters, { riddle: "What is 0 and one?", USERNAME: here.username });
    for (const ANSWER of ["1", "wrong", "3"]) asked = await answer(here, asked, { ANSWER });
    const { sub, username } = decodeJwt(asked.AuthenticationResult?.AccessToken ?? "") as {
      sub: string;
      username: string;
    };
    assert.equal(username, here.username);
    assert.match(sub, /^[0-9a-f-]{36}$/);
    asked = await begin(here, here.username);
    for (const ANSWER of ["a", "b"]) asked = await answer(here, asked, { ANSWER });
    await assert.rejects(answer(here, asked, { ANSWER: "c" }), wrong);
  });

  test("each answer uses its Session up, also a wrong one; of parallel answers one counts", async () => {
    const here = await place();
    const asked = await begin(here, here.username);
    const outcomes = await Promise.allSettled(
      ["1", "1", "2", "3"].map((ANSWER) => answer(here, asked, { ANSWER })),
    );
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
    await assert.rejects(answer(here, asked, { ANSWER: "1" }), { name: "NotAuthorizedException" });
    await assert.rejects(answer(here, await begin(here, here.username), {}), {
      name: "InvalidParameterException",
    });
  });

  test("names that nobody has are asked the same, and never get in", async () => {
    const here = await place();
    const real = await begin(here, here.username);
    let asked = await begin(here, "nobody");
    assert.deepEqual(
      Object.keys(asked.ChallengeParameters ?? {}),
      Object.keys(real.ChallengeParameters ?? {}),
    );
    asked = await answer(here, asked, { ANSWER: "1" });
    assert.equal(asked.ChallengeName, "CUSTOM_CHALLENGE");
    await assert.rejects(answer(here, asked, { ANSWER: "2" }), wrong);
    const byMail = await place(undefined, { UsernameAttributes: ["email"] });
    asked = await begin(byMail, "nobody@mail.example");
    assert.match(asked.ChallengeParameters?.["USERNAME"] ?? "", uuid, "as users of this pool have");
    asked = await answer(byMail, asked, { ANSWER: "1" });
    await assert.rejects(answer(byMail, asked, { ANSWER: "2" }), wrong);
  });

  test("users of identity providers are asked the same, and never get in", async () => {
    const server = await open();
    const client = {
      ExplicitAuthFlows: ["ALLOW_CUSTOM_AUTH" as const],
      PreventUserExistenceErrors: "ENABLED" as const,
    };
    const here = await federatedPlace(server, { LambdaConfig: by(arnOf("riddles")) }, { client });
    const { user } = await arrive(here, identity(newSubject()));
    const begun = await begin(here, user.username);
    assert.equal(begun.ChallengeName, "CUSTOM_CHALLENGE");
    const asked = await answer(here, begun, { ANSWER: "1" });
    await assert.rejects(answer(here, asked, { ANSWER: "2" }), wrong);
  });

  test("with SRP first the password comes before the functions' challenges", async () => {
    const here = await place();
    const srp = new SrpClient();
    const asked = await begin(here, here.username, { CHALLENGE_NAME: "SRP_A", SRP_A: srp.srpA });
    assert.equal(asked.ChallengeName, "PASSWORD_VERIFIER");
    const prove = (secret: string) => srp.prove(here.UserPoolId, asked.ChallengeParameters ?? {}, secret);
    let next = await answer(here, asked, prove(password));
    assert.equal(next.ChallengeName, "CUSTOM_CHALLENGE");
    assert.equal(
      next.ChallengeParameters?.["riddle"],
      "What is 2 and one?",
      "after SRP_A and PASSWORD_VERIFIER",
    );
    for (const ANSWER of ["3", "4"]) next = await answer(here, next, { ANSWER });
    assert.ok(next.AuthenticationResult?.AccessToken);
    const again = new SrpClient();
    const second = await begin(here, here.username, { CHALLENGE_NAME: "SRP_A", SRP_A: again.srpA });
    await assert.rejects(
      answer(here, second, again.prove(here.UserPoolId, second.ChallengeParameters ?? {}, "wrong")),
      wrong,
    );
  });

  test("the events, field by field; ClientMetadata of the first request reaches none of them", async () => {
    const here = await place(by(scripted));
    const define = (response: object) =>
      script(here.UserPoolId, "DefineAuthChallenge_Authentication", { response });
    define({ challengeName: "CUSTOM_CHALLENGE" });
    script(here.UserPoolId, "CreateAuthChallenge_Authentication", {
      response: {
        publicChallengeParameters: { hint: "h" },
        privateChallengeParameters: { solution: "s" },
        challengeMetadata: "META",
      },
    });
    script(here.UserPoolId, "VerifyAuthChallengeResponse_Authentication", {
      response: { answerCorrect: true },
    });
    const asked = await begin(here, here.username);
    const [defined = assert.fail("no event"), created] = eventsOf(here.UserPoolId);
    const { userAttributes } = defined.request as { userAttributes: Record<string, string> };
    assert.equal(userAttributes["cognito:user_status"], "CONFIRMED");
    assert.deepEqual(defined.request, { userAttributes, session: [], userNotFound: false });
    assert.deepEqual(defined.response, { challengeName: null, issueTokens: null, failAuthentication: null });
    assert.deepEqual(created?.request, {
      ...{ userAttributes, challengeName: "CUSTOM_CHALLENGE", session: [], userNotFound: false },
    });
    assert.deepEqual(created?.response, {
      publicChallengeParameters: null,
      privateChallengeParameters: null,
      challengeMetadata: null,
    });
    define({ issueTokens: true });
    const done = await answer(here, asked, { ANSWER: "s" });
    assert.ok(done.AuthenticationResult?.AccessToken);
    const [verified, last, ...more] = eventsOf(here.UserPoolId);
    assert.deepEqual(more, []);
    const clientMetadata = { at: "answer" };
    assert.deepEqual(verified?.request, {
      ...{ userAttributes, clientMetadata, userNotFound: false },
      privateChallengeParameters: { solution: "s" },
      challengeAnswer: "s",
    });
    assert.deepEqual(verified?.response, { answerCorrect: null });
    const challenge = { challengeName: "CUSTOM_CHALLENGE", challengeResult: true, challengeMetadata: "META" };
    assert.deepEqual(last?.request, {
      ...{ userAttributes, clientMetadata, userNotFound: false },
      session: [challenge],
    });
  });

  test("an answer that says nothing, both, or something unknown lets nobody in", async () => {
    const here = await place(by(scripted));
    const define = (response: object) =>
      script(here.UserPoolId, "DefineAuthChallenge_Authentication", { response });
    for (const response of [{}, { issueTokens: false }, { issueTokens: true, failAuthentication: true }]) {
      define(response);
      await assert.rejects(begin(here, here.username), wrong, JSON.stringify(response));
    }
    const unknown = refused("InvalidLambdaResponseException", "Unrecognizable lambda output");
    for (const challengeName of ["SMS_MFA", "PASSWORD_VERIFIER", "toString"]) {
      define({ challengeName });
      await assert.rejects(begin(here, here.username), unknown, challengeName);
    }
    define({ issueTokens: "true" });
    await assert.rejects(begin(here, here.username), unknown);
  });

  test("a second factor that is demanded is still asked for", async () => {
    const here = await place();
    const { AccessToken } = await signIn(here.server, here.ClientId, here.username);
    await turnMfa(here.server, here, "OPTIONAL");
    const secret = await giveSoftwareToken(here.server, AccessToken);
    let asked = await begin(here, here.username);
    for (const ANSWER of ["1", "2"]) asked = await answer(here, asked, { ANSWER });
    assert.equal(asked.ChallengeName, "SOFTWARE_TOKEN_MFA");
    const code = totp(secret, here.server.clock.now, 1);
    here.server.clock.advance(30_000);
    const done = await answer(here, asked, { USERNAME: here.username, SOFTWARE_TOKEN_MFA_CODE: code });
    assert.ok(done.AuthenticationResult?.AccessToken);
  });

  test("wrong answers count against the user, however many the functions would allow", async () => {
    const here = await place();
    const guess = async (): Promise<Answer> => {
      let asked = await begin(here, here.username);
      asked = await answer(here, asked, { ANSWER: "x" });
      return answer(here, asked, { ANSWER: "y" });
    };
    const exceeded = refused("NotAuthorizedException", "Password attempts exceeded");
    await assert.rejects(async () => {
      for (let turn = 0; turn < 20; turn++) await guess();
    }, exceeded);
  });

  test("without the triggers it is refused", async () => {
    const here = await place({});
    const none = refused("InvalidParameterException", /trigger is not configured/);
    await assert.rejects(begin(here, here.username), none);
    await assert.rejects(begin(here, "nobody"), none);
    const srp = { CHALLENGE_NAME: "SRP_A" };
    const withTriggers = await place();
    await assert.rejects(
      begin(withTriggers, withTriggers.username, srp),
      refused("InvalidParameterException", "Missing required parameter SRP_A"),
    );
    const other = { CHALLENGE_NAME: "PASSWORD", SRP_A: new SrpClient().srpA };
    await assert.rejects(
      begin(withTriggers, withTriggers.username, other),
      refused("InvalidParameterException", "Unknown CHALLENGE_NAME."),
    );
    const forged = { ChallengeName: "CUSTOM_CHALLENGE", Session: "x".repeat(40) } as const;
    await assert.rejects(
      answer(withTriggers, forged, { USERNAME: withTriggers.username, ANSWER: "y" }),
      refused("NotAuthorizedException", "Invalid session for the user."),
    );
  });
});
