/** Trigger × outcome × the error that a client of AWS SDK v3 sees, and what has happened nevertheless. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import type { Trigger, TriggerSource } from "../../src/domain/triggers/trigger.ts";
import { smsConfiguration } from "../kit/factors.ts";
import { makePool, makeSomebody, newAddress, password, refused, signIn, unique } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { fromProvider, type Place } from "./firing.ts";
import { arnOf, kmsKey, script, scripted } from "./functions.ts";
import { forOneServerWithOutcomes, outcomes } from "./outcomes.ts";

interface Called {
  /** Who was about to be made, or to sign in. */
  readonly username: string;
  readonly call: () => Promise<unknown>;
}

interface Row {
  readonly source: TriggerSource;
  /** LambdaConfig with this function. */
  readonly config: (arn: string) => sdk.LambdaConfigType;
  readonly prepare: (place: Place) => Promise<Called>;
  /** What a refusal leaves behind. */
  readonly left: "no user" | "the user" | "no tokens";
  /** Answers of a type that is not that of their member. */
  readonly wrong?: readonly object[];
  /** What the client sees whatever the outcome, if nothing of it is told. */
  readonly always?: readonly [code: string, message: RegExp] | "nothing";
  /** The OAuth error that carries AWS's message where a browser is sent back to the client. */
  readonly oauthError?: string;
}

const signUp = async ({ server, ClientId }: Place, attribute = "email"): Promise<Called> => {
  const username = unique("user");
  const Value = attribute === "email" ? newAddress() : `+1555${String(serial++)}`;
  const UserAttributes = [{ Name: attribute, Value }];
  const input = { ClientId, Username: username, Password: password, UserAttributes };
  return { username, call: () => server.client.send(new sdk.SignUpCommand(input)) };
};
let serial = 1_000_000;

const byPassword = async ({ server, UserPoolId, ClientId }: Place): Promise<Called> => {
  const username = await makeSomebody(server, UserPoolId);
  return { username, call: () => signIn(server, ClientId, username) };
};

/** CUSTOM_AUTH, up to the answer to its one question. */
const byRiddle = async ({ server, UserPoolId, ClientId }: Place): Promise<Called> => {
  const username = await makeSomebody(server, UserPoolId);
  const call = async () => {
    const AuthParameters = { USERNAME: username };
    const { ChallengeName, Session } = await server.client.send(
      new sdk.InitiateAuthCommand({ ClientId, AuthFlow: "CUSTOM_AUTH", AuthParameters }),
    );
    const ChallengeResponses = { USERNAME: username, ANSWER: "1" };
    const answer = { ClientId, ChallengeName, Session, ChallengeResponses };
    return server.client.send(new sdk.RespondToAuthChallengeCommand(answer));
  };
  return { username, call };
};
/** The other functions of CUSTOM_AUTH ask riddles. */
const amongRiddles = (trigger: string) => (arn: string) => {
  const riddles = arnOf("riddles");
  const others = { DefineAuthChallenge: riddles, CreateAuthChallenge: riddles };
  return { ...others, VerifyAuthChallengeResponse: riddles, [trigger]: arn };
};

const plain = (trigger: Trigger) => (arn: string) => ({ [trigger]: arn });
/** Those who have codes need to be told in which form. */
const sender = (trigger: "CustomEmailSender" | "CustomSMSSender") => (arn: string) => ({
  [trigger]: { LambdaVersion: "V1_0" as const, LambdaArn: arn === scripted ? arnOf("plain") : arn },
  KMSKeyID: kmsKey,
});

const riddles = { prepare: byRiddle, left: "no tokens" } as const;
const table: Readonly<Record<Trigger, Row>> = {
  PreSignUp: {
    source: "PreSignUp_SignUp",
    config: plain("PreSignUp"),
    prepare: signUp,
    left: "no user",
    wrong: [{ autoConfirmUser: "true" }, { autoVerifyPhone: 1 }],
  },
  PostConfirmation: {
    source: "PostConfirmation_ConfirmSignUp",
    config: plain("PostConfirmation"),
    prepare: async (place) => {
      const { username: Username, call } = await signUp(place);
      await call();
      const { server, UserPoolId } = place;
      const confirm = () => server.client.send(new sdk.AdminConfirmSignUpCommand({ UserPoolId, Username }));
      return { username: Username, call: confirm };
    },
    left: "the user",
  },
  PreAuthentication: {
    source: "PreAuthentication_Authentication",
    config: plain("PreAuthentication"),
    prepare: byPassword,
    left: "no tokens",
  },
  PostAuthentication: {
    source: "PostAuthentication_Authentication",
    config: plain("PostAuthentication"),
    prepare: byPassword,
    left: "no tokens",
  },
  PreTokenGeneration: {
    source: "TokenGeneration_Authentication",
    config: (LambdaArn) => ({ PreTokenGenerationConfig: { LambdaVersion: "V2_0", LambdaArn } }),
    prepare: byPassword,
    left: "no tokens",
    wrong: [
      { claimsAndScopeOverrideDetails: "none" },
      { claimsAndScopeOverrideDetails: { idTokenGeneration: [] } },
      { claimsAndScopeOverrideDetails: { accessTokenGeneration: { scopesToAdd: "a b" } } },
      { claimsAndScopeOverrideDetails: { groupOverrideDetails: "admins" } },
    ],
  },
  DefineAuthChallenge: {
    ...riddles,
    source: "DefineAuthChallenge_Authentication",
    config: amongRiddles("DefineAuthChallenge"),
    wrong: [{ issueTokens: "true" }, { issueTokens: 1 }, { challengeName: true }],
  },
  CreateAuthChallenge: {
    ...riddles,
    source: "CreateAuthChallenge_Authentication",
    config: amongRiddles("CreateAuthChallenge"),
    wrong: [{ publicChallengeParameters: { hint: 1 } }, { privateChallengeParameters: "s" }],
  },
  VerifyAuthChallengeResponse: {
    ...riddles,
    source: "VerifyAuthChallengeResponse_Authentication",
    config: amongRiddles("VerifyAuthChallengeResponse"),
    wrong: [{ answerCorrect: "true" }, { answerCorrect: 1 }],
  },
  UserMigration: {
    source: "UserMigration_Authentication",
    config: plain("UserMigration"),
    prepare: async ({ server, ClientId }) => {
      const username = unique("unknown");
      return { username, call: () => signIn(server, ClientId, username) };
    },
    left: "no user",
    wrong: [{ userAttributes: "ann" }, { userAttributes: { email: newAddress() }, finalUserStatus: 7 }],
    always: ["UserNotFoundException", /^User does not exist\.$/],
  },
  CustomMessage: {
    source: "CustomMessage_SignUp",
    config: plain("CustomMessage"),
    prepare: signUp,
    left: "the user",
    wrong: [{ emailMessage: 7 }, { emailSubject: ["Hello"] }, { emailMessage: "no place for a code" }],
  },
  CustomEmailSender: {
    source: "CustomEmailSender_SignUp",
    config: sender("CustomEmailSender"),
    prepare: signUp,
    left: "the user",
    always: "nothing",
  },
  CustomSMSSender: {
    source: "CustomSMSSender_SignUp",
    config: sender("CustomSMSSender"),
    prepare: (place) => signUp(place, "phone_number"),
    left: "the user",
    always: "nothing",
  },
  InboundFederation: {
    source: "InboundFederation_ExternalProvider",
    config: (LambdaArn) => ({ InboundFederation: { LambdaVersion: "V1_0", LambdaArn } }),
    prepare: async (place) => ({ username: "nobody", call: () => fromProvider(place) }),
    left: "no user",
    wrong: [{ userAttributesToMap: { email: 7 } }, { userAttributesToMap: ["email"] }],
    oauthError: "invalid_request",
  },
};

async function isLeft({ server, UserPoolId }: Place, Username: string, left: Row["left"]): Promise<void> {
  const families = await server.app.db.kysely
    .selectFrom("token_families")
    .select("family_id")
    .where("pool_id", "=", UserPoolId)
    .execute();
  assert.deepEqual(families, [], "tokens");
  if (left === "no tokens") return;
  const get = server.client.send(new sdk.AdminGetUserCommand({ UserPoolId, Username }));
  if (left === "no user") await assert.rejects(get, { name: "UserNotFoundException" });
  else assert.ok((await get).Username);
}

forOneServerWithOutcomes("postgres", "how a function ends", (open) => {
  const place = async (LambdaConfig: sdk.LambdaConfigType): Promise<Place> => {
    const server = await open();
    const pool = { AutoVerifiedAttributes: ["email" as const, "phone_number" as const], ...smsConfiguration };
    const made = await makePool(
      server,
      { ...pool, LambdaConfig },
      {
        ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH"],
        PreventUserExistenceErrors: "LEGACY",
      },
    );
    return { server, ...made };
  };

  for (const [trigger, row] of Object.entries(table) as [Trigger, Row][]) {
    test(`${trigger}: each outcome has AWS's error, and leaves ${row.left}`, async () => {
      const here = await place(row.config(scripted));
      const { server, UserPoolId } = here;
      const wrong = (row.wrong ?? []).map(
        (response) =>
          [
            `answers ${JSON.stringify(response)}`,
            { ...outcomes["answers null"]!, script: { response } },
          ] as const,
      );
      for (const [name, { arn, script: what, error }] of [...Object.entries(outcomes), ...wrong]) {
        await setFunction(server, UserPoolId, row.config(arn));
        script(UserPoolId, row.source, what);
        const { username, call } = await row.prepare(here);
        const isMute = row.always === "nothing" && name !== "is not configured";
        const [thrownCode, message] = Array.isArray(row.always) ? row.always : error(trigger);
        const code = row.oauthError ?? thrownCode;
        if (isMute) await call();
        else
          await assert.rejects(call(), (thrown: Error & { code?: string }) => {
            assert.equal(thrown.code ?? thrown.name, code, `${name}: ${thrown.message}`);
            assert.match(thrown.message, message, name);
            return true;
          });
        await isLeft(here, username, row.left);
      }
      await setFunction(server, UserPoolId, row.config(scripted));
      script(UserPoolId, row.source, undefined);
      if (row.always !== undefined && row.always !== "nothing") return;
      const { call } = await row.prepare(here);
      // An event that comes back as it was decides nothing, which is a refusal in CUSTOM_AUTH.
      if (row === table.DefineAuthChallenge) await assert.rejects(call(), refused("NotAuthorizedException"));
      else await call();
    });
  }
});

function setFunction({ client }: TestServer, UserPoolId: string, LambdaConfig: sdk.LambdaConfigType) {
  return client.send(
    new sdk.UpdateUserPoolCommand({
      UserPoolId,
      LambdaConfig,
      AutoVerifiedAttributes: ["email", "phone_number"],
      ...smsConfiguration,
    }),
  );
}
