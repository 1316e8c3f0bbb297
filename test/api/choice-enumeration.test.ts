/**
 * Who exists cannot be told by choice-based sign-in, with PreventUserExistenceErrors ENABLED: nobody, and users with
 * whatever factors, get answers of the same shape after the same work.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { AdminCreateUserCommand, AdminDisableUserCommand } from "@aws-sdk/client-cognito-identity-provider";
import { call, type RawAnswer } from "../kit/calls.ts";
import { smsConfiguration } from "../kit/factors.ts";
import { makePool, makeUser, verifiedMail } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { type Comparison, compare, type Request, type Setting, shapeOf } from "./shapes.ts";
import { watchWork } from "./work.ts";

/** Equally long, so that echoed names are; the last has no password, but a mailbox. */
const everybody = ["unknown", "confirm", "disable", "nopassw"] as const;

async function people(
  server: TestServer,
  allowed: readonly ("PASSWORD" | "EMAIL_OTP" | "SMS_OTP" | "WEB_AUTHN")[],
): Promise<Setting> {
  const { UserPoolId, ClientId } = await makePool(
    server,
    {
      AliasAttributes: ["email", "phone_number"],
      Policies: { SignInPolicy: { AllowedFirstAuthFactors: [...allowed] } },
      ...smsConfiguration,
    },
    { PreventUserExistenceErrors: "ENABLED", ExplicitAuthFlows: ["ALLOW_USER_AUTH"] },
  );
  const { client } = server;
  for (const name of ["confirm", "disable"]) await makeUser(server, UserPoolId, name, verifiedMail());
  await client.send(new AdminDisableUserCommand({ UserPoolId, Username: "disable" }));
  const passwordless = { UserPoolId, Username: "nopassw", UserAttributes: verifiedMail() };
  await client.send(new AdminCreateUserCommand({ ...passwordless, MessageAction: "SUPPRESS" }));
  const setting = { server, pool: UserPoolId, ClientId, ...watchWork(server.app) };
  // The first request of a client reads its settings, which are kept.
  await begin()(setting, "unknow2");
  return setting;
}

type Parameters = Readonly<Record<string, string>>;

const begin =
  (parameters: Parameters | (() => Parameters) = {}): Request =>
  ({ server, ClientId }, USERNAME) => {
    const brought = typeof parameters === "function" ? parameters() : parameters;
    const AuthParameters = { USERNAME, ...brought };
    return call(server.endpoint, "InitiateAuth", { ClientId, AuthFlow: "USER_AUTH", AuthParameters });
  };

/** Answers what `first` was answered with. */
const thenAnswer =
  (first: Request, responses: (setting: Setting, begun: RawAnswer) => Parameters): Request =>
  async (setting, name) => {
    const begun = await first(setting, name);
    const { ChallengeName, Session } = begun.body;
    return call(setting.server.endpoint, "RespondToAuthChallenge", {
      ClientId: setting.ClientId,
      ChallengeName,
      Session,
      ChallengeResponses: { USERNAME: name, ...responses(setting, begun) },
    });
  };

const wrong = { PASSWORD: "Wrong-Guess-1" };
const srp = new SrpClient();
const preferring = (PREFERRED_CHALLENGE: string, more: Parameters = {}) =>
  begin({ PREFERRED_CHALLENGE, ...more });
const choosing = (ANSWER: string, more: Parameters = {}) => thenAnswer(begin(), () => ({ ANSWER, ...more }));
const wrongProof = thenAnswer(preferring("PASSWORD_SRP", { SRP_A: srp.srpA }), ({ server, pool }, { body }) =>
  srp.prove(pool, body["ChallengeParameters"] as never, wrong.PASSWORD, new Date(server.clock.now)),
);
// Nine digits: never the code that was sent.
const wrongCode = { EMAIL_OTP_CODE: "123456789" };

const locked = "Password attempts exceeded";

const requests: readonly Comparison[] = [
  ["no preference", begin(), 2, "", 0],
  ["a preference there is not", preferring("SMS_OTP"), 1, "", 0],
  ["WEB_AUTHN, where nobody has one", preferring("WEB_AUTHN"), 2, "", 0],
  ["PASSWORD, to be asked for", preferring("PASSWORD"), 1, "", 0],
  ["PASSWORD brought", preferring("PASSWORD", wrong), 7, locked, 31],
  ["PASSWORD chosen", choosing("PASSWORD"), 1, "", 0],
  ["PASSWORD chosen and brought", choosing("PASSWORD", wrong), 7, locked, 31],
  ["PASSWORD_SRP brought", preferring("PASSWORD_SRP", { SRP_A: srp.srpA }), 2, "", 0],
  ["PASSWORD_VERIFIER", wrongProof, 7, locked, 31],
  ["WEB_AUTHN chosen", choosing("WEB_AUTHN"), 1, "", 0],
  ["EMAIL_OTP", preferring("EMAIL_OTP"), 2, "", 0],
  ["EMAIL_OTP chosen", choosing("EMAIL_OTP"), 2, "", 0],
  ["a wrong code", thenAnswer(preferring("EMAIL_OTP"), () => wrongCode), 7, locked, 61],
  [
    "EMAIL_OTP, too often",
    preferring("EMAIL_OTP"),
    21,
    "Attempt limit exceeded, please try after some time.",
    0,
  ],
];

forOneServer("postgres", "who exists, where users choose", (open) => {
  test("the same answers after the same work, in every state", async () => {
    const server = await open();
    const setting = await people(server, ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"]);
    await compare(setting, everybody, requests);
  });

  test("a code goes by the medium that is asked for, whatever the name looks like", async () => {
    const server = await open();
    const setting = await people(server, ["PASSWORD", "EMAIL_OTP", "SMS_OTP"]);
    const UserAttributes = [
      { Name: "email", Value: "ann@mail.example" },
      { Name: "phone_number", Value: "+491511111111" },
      { Name: "email_verified", Value: "true" },
      { Name: "phone_number_verified", Value: "true" },
    ];
    await makeUser(server, setting.pool, "ann", UserAttributes);
    for (const [challenge, medium] of [
      ["EMAIL_OTP", "EMAIL"],
      ["SMS_OTP", "SMS"],
    ] as const)
      for (const [real, nobody] of [
        ["ann@mail.example", "bob@mail.example"],
        ["+491511111111", "+491511111112"],
      ] as const) {
        const answer = await preferring(challenge)(setting, real);
        const told = answer.body["ChallengeParameters"] as Parameters;
        assert.equal(told["CODE_DELIVERY_DELIVERY_MEDIUM"], medium);
        assert.deepEqual(shapeOf(await preferring(challenge)(setting, nobody)), shapeOf(answer));
      }
  });
});
