/**
 * Who exists cannot be told: with PreventUserExistenceErrors ENABLED users of every kind, and nobody, get answers of the
 * same shape after the same statements, hashes and exchanges, in every state of the limits.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminDisableUserCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { call } from "../kit/calls.ts";
import { turnMfa } from "../kit/factors.ts";
import { makeClient, makePool, makeUser, newAddress, password, verifiedMail } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { ask, type Comparison, compare, type Request, type Setting, shapeOf } from "./shapes.ts";
import { type Work, watchWork } from "./work.ts";

/** Every kind of name; equally long, so that echoed names are. */
const kinds = ["unknown", "confirm", "disable", "hashonl", "invited", "newcome", "waiting"] as const;
type Kind = (typeof kinds)[number];

async function people(server: TestServer): Promise<{ UserPoolId: string; ClientId: string; legacy: string }> {
  const flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"] as const;
  const { UserPoolId, ClientId } = await makePool(
    server,
    {
      AutoVerifiedAttributes: ["email"],
      AccountRecoverySetting: { RecoveryMechanisms: [{ Priority: 1, Name: "verified_email" }] },
    },
    { PreventUserExistenceErrors: "ENABLED", ExplicitAuthFlows: [...flows] },
  );
  const legacy = await makeClient(server, UserPoolId, { ExplicitAuthFlows: [...flows] });
  const { client } = server;
  for (const name of ["confirm", "disable", "hashonl"])
    await makeUser(server, UserPoolId, name, verifiedMail());
  await client.send(new AdminDisableUserCommand({ UserPoolId, Username: "disable" }));
  const { kysely } = server.app.db;
  const hashOnly = kysely
    .selectFrom("users")
    .select("number")
    .where("pool_id", "=", UserPoolId)
    .where("username", "=", "hashonl");
  await kysely
    .updateTable("credentials")
    .set({ srp_sealed: null })
    .where("pool_id", "=", UserPoolId)
    .where("user_number", "in", hashOnly)
    .execute();
  await client.send(
    new AdminCreateUserCommand({
      UserPoolId,
      Username: "invited",
      MessageAction: "SUPPRESS",
      TemporaryPassword: password,
      UserAttributes: verifiedMail(),
    }),
  );
  for (const Username of ["newcome", "waiting"]) {
    const UserAttributes = [{ Name: "email", Value: newAddress() }];
    await client.send(new SignUpCommand({ ClientId, Username, Password: password, UserAttributes }));
  }
  // Whoever asks is a stranger to all of them.
  await kysely.deleteFrom("known_sources").where("pool_id", "=", UserPoolId).execute();
  return { UserPoolId, ClientId, legacy: legacy.ClientId };
}

const wrongPassword = ask("InitiateAuth", ({ ClientId }, USERNAME) => ({
  ClientId,
  AuthFlow: "USER_PASSWORD_AUTH",
  AuthParameters: { USERNAME, PASSWORD: "Wrong-Guess-1" },
}));

const startSrp = ask("InitiateAuth", ({ ClientId }, USERNAME) => ({
  ClientId,
  AuthFlow: "USER_SRP_AUTH",
  AuthParameters: { USERNAME, SRP_A: new SrpClient().srpA },
}));

const wrongProof: Request = async (setting, name) => {
  const { server, ClientId, pool } = setting;
  const client = new SrpClient();
  const AuthParameters = { USERNAME: name, SRP_A: client.srpA };
  const start = await call(server.endpoint, "InitiateAuth", {
    ClientId,
    AuthFlow: "USER_SRP_AUTH",
    AuthParameters,
  });
  const parameters = start.body["ChallengeParameters"] as Record<string, string>;
  const ChallengeResponses = client.prove(pool, parameters, "Wrong-Guess-1", new Date(server.clock.now));
  const body = { ClientId, ChallengeName: "PASSWORD_VERIFIER", ChallengeResponses };
  return call(server.endpoint, "RespondToAuthChallenge", body);
};

const forgot = ask("ForgotPassword", ({ ClientId }, Username) => ({ ClientId, Username }));
const resend = ask("ResendConfirmationCode", ({ ClientId }, Username) => ({ ClientId, Username }));
const confirmForgot = ask("ConfirmForgotPassword", ({ ClientId }, Username) => ({
  ClientId,
  Username,
  ConfirmationCode: "12345",
  Password: "Another-horse-2",
}));
const confirmSignUp = ask("ConfirmSignUp", ({ ClientId }, Username) => ({
  ClientId,
  Username,
  ConfirmationCode: "12345",
}));
const signUpAgain = ask("SignUp", ({ ClientId }, Username) => ({
  ClientId,
  Username,
  Password: password,
  UserAttributes: [{ Name: "email", Value: newAddress() }],
}));

const mismatch = "Invalid verification code provided, please try again.";
const limited = "Attempt limit exceeded, please try after some time.";
const locked = "Password attempts exceeded";

const operations: readonly Comparison[] = [
  ["InitiateAuth USER_PASSWORD_AUTH", wrongPassword, 7, locked, 31],
  ["InitiateAuth USER_SRP_AUTH", startSrp, 2, "", 0],
  ["RespondToAuthChallenge PASSWORD_VERIFIER", wrongProof, 7, locked, 31],
  ["ConfirmForgotPassword, nothing asked for", confirmForgot, 2, mismatch, 61],
  ["ForgotPassword", forgot, 6, limited, 0],
  ["ConfirmForgotPassword", confirmForgot, 16, limited, 61],
  ["ConfirmForgotPassword, too late", confirmForgot, 2, mismatch, 0],
  ["ConfirmSignUp", confirmSignUp, 16, limited, 0],
  ["ResendConfirmationCode", resend, 6, limited, 0],
];

forOneServer("sqlite", "who exists", (open) => {
  test("with ENABLED: the same answers after the same work, in every state", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await people(server);
    const setting: Setting = { server, pool: UserPoolId, ClientId, ...watchWork(server.app) };
    await compare(setting, kinds, operations);
  });

  test("recovery where MFA is demanded, and every address is a second factor", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await people(server);
    await turnMfa(server, { UserPoolId }, "ON", { EmailMfaConfiguration: {} });
    const setting: Setting = { server, pool: UserPoolId, ClientId, ...watchWork(server.app) };
    // The changed pool is read anew once.
    await resend(setting, "unknown");
    const recovery = [
      ["ForgotPassword", forgot, 2, "", 0],
      ["ConfirmForgotPassword", confirmForgot, 2, mismatch, 0],
    ] as const;
    await compare(setting, kinds, recovery);
  });

  test("SignUp says which names are taken, after the same work for each", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await people(server);
    const setting: Setting = { server, pool: UserPoolId, ClientId, ...watchWork(server.app) };
    const tables = (work: Work) =>
      work.statements
        .map((text) => /(?:insert into|update|delete from|from) "(\w+)"/.exec(text)?.[1])
        .toSorted();
    const fresh = await setting.during(() => signUpAgain(setting, "unknow2"));
    assert.equal(fresh.answer.status, 200);
    const before = await setting.during(() => signUpAgain(setting, "confirm"));
    for (const kind of kinds.slice(1) as Kind[]) {
      const { answer, work } = await setting.during(() => signUpAgain(setting, kind));
      assert.deepEqual(shapeOf(answer), shapeOf(before.answer), kind);
      assert.equal(answer.type, "UsernameExistsException");
      assert.deepEqual(work, before.work, kind);
    }
    assert.equal(before.work.hashes, fresh.work.hashes);
    assert.equal(fresh.work.hashes, 1);
    // A taken name writes the rows of a user and takes them back; a new one notes where the user is.
    const without = (names: readonly (string | undefined)[], ...gone: string[]) =>
      names.filter((name) => !gone.includes(name ?? ""));
    assert.deepEqual(
      without(tables(before.work), "users", "login_names", "credentials"),
      without(tables(fresh.work), "users", "login_names", "credentials", "known_sources"),
    );
    const rows = await server.app.db.kysely
      .selectFrom("users")
      .select("username")
      .where("pool_id", "=", UserPoolId)
      .execute();
    assert.equal(rows.length, kinds.length, "nothing is left of it");
  });

  test("a sub costs as much as a UUID that is nobody's", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await people(server);
    const setting: Setting = { server, pool: UserPoolId, ClientId, ...watchWork(server.app) };
    const { kysely } = server.app.db;
    const [user] = await kysely
      .selectFrom("users")
      .select("user_id")
      .where("username", "=", "confirm")
      .execute();
    const known = await setting.during(() => wrongPassword(setting, user!.user_id));
    const nobody = await setting.during(() => wrongPassword(setting, crypto.randomUUID()));
    assert.deepEqual(known.work, nobody.work);
    assert.deepEqual(shapeOf(known.answer), shapeOf(nobody.answer));
  });

  test("LEGACY answers as Cognito's LEGACY does", async () => {
    const server = await open();
    const { UserPoolId, legacy } = await people(server);
    const setting: Setting = {
      server,
      pool: UserPoolId,
      ClientId: legacy,
      during: watchWork(server.app).during,
    };
    const told = async (request: Request, name: Kind) => {
      const { type, message, body } = await request(setting, name);
      return type === undefined ? Object.keys(body).toSorted().join(" ") : `${type}: ${message}`;
    };
    const unknown = "UserNotFoundException: Username/client id combination not found.";
    const wrong = "NotAuthorizedException: Incorrect username or password.";
    const disabled = "NotAuthorizedException: User is disabled.";
    const expired = "ExpiredCodeException: Invalid code provided, please request a code again.";
    const table: [Request, Partial<Record<Kind, string>>][] = [
      [
        wrongPassword,
        {
          unknown: "UserNotFoundException: User does not exist.",
          confirm: wrong,
          disable: wrong,
          hashonl: wrong,
        },
      ],
      [
        startSrp,
        {
          unknown: "UserNotFoundException: User does not exist.",
          confirm: "ChallengeName ChallengeParameters",
          hashonl: "ChallengeName ChallengeParameters",
        },
      ],
      [
        confirmForgot,
        {
          unknown,
          confirm: expired,
          disable: disabled,
          hashonl: expired,
          newcome: "UserNotConfirmedException: User is not confirmed.",
        },
      ],
      [
        forgot,
        {
          unknown,
          confirm: "CodeDeliveryDetails",
          disable: disabled,
          hashonl: "CodeDeliveryDetails",
          invited: "NotAuthorizedException: User password cannot be reset in the current state.",
        },
      ],
      [
        resend,
        {
          unknown,
          confirm: "InvalidParameterException: User is already confirmed.",
          disable: disabled,
          waiting: "CodeDeliveryDetails",
        },
      ],
      [
        confirmSignUp,
        {
          unknown,
          confirm: "NotAuthorizedException: User cannot be confirmed. Current status is CONFIRMED",
          disable: disabled,
          waiting: "CodeMismatchException: Invalid verification code provided, please try again.",
        },
      ],
    ];
    for (const [request, expectations] of table) {
      for (const [name, expected] of Object.entries(expectations)) {
        assert.equal(await told(request, name as Kind), expected, name);
      }
    }
  });
});
