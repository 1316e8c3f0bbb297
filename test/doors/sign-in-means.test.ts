/**
 * Whatever changes what somebody signs in with or recovers by is an event of the audit log, and what changes nothing is
 * none: every operation that there is, with an input that does something, and the same input again.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { kindOf } from "../../src/domain/audit/call.ts";
import { type AuditEvent, listAuditEvents } from "../../src/store/audit.ts";
import { smsConfiguration, start, totp, turnMfa } from "../api/factors.ts";
import { makePool, newAddress, password } from "../api/people.ts";
import { forEachServer, type TestServer } from "../api/server.ts";
import { Authenticator } from "../clients/authenticator.ts";
import { type KnownOperation, operations } from "./operations.ts";
import {
  app,
  confirmDevice,
  everySecond,
  makePerson,
  newPhone,
  openPool,
  origin,
  type Person,
  type Pools,
  signInFirst,
  withPasskey,
  withSoftwareToken,
} from "./waits.ts";
import { adminCall, call, makeSubject, newPassword, type Subject, temporary } from "./ways.ts";
import { type Answer, post, signedCall, unsigned } from "./wire.ts";
import { makeWorld } from "./world.ts";

type Act = () => Promise<Answer>;
interface Change {
  readonly prepare: (given: { server: TestServer; pools: Pools }) => Promise<{ of: Subject; act: Act }>;
  /** Made again, it changes nothing. */
  readonly repeats?: true;
}

const email = (Value: string) => ({ Name: "email", Value });
const isVerified = { Name: "email_verified", Value: "true" };
const phone = (Value: string) => ({ Name: "phone_number", Value });

interface More {
  readonly repeats?: true;
  readonly having?: (person: Person) => Promise<Person>;
}

/** Something that is changed of a person of the open pool. */
const changeOf = (act: (person: Person) => Promise<Act>, { repeats: again, having }: More): Change => ({
  ...(again && { repeats: again }),
  prepare: async ({ server, pools }) => {
    const made = await makePerson(server, pools, "open");
    const person = (await having?.(made)) ?? made;
    return { of: person, act: await act(person) };
  },
});

/** Somebody who is signed in changes something of theirs. */
function own(
  name: string,
  input: (person: Person & { AccessToken: string }) => object | Promise<object>,
  more: More = {},
): Change {
  return changeOf(async (person) => {
    const AccessToken = person.AccessToken ?? (await signInFirst(person)).AccessToken;
    const given = await input({ ...person, AccessToken });
    return () => call(person, name, { AccessToken, ...given });
  }, more);
}

/** An administrator changes something of somebody's. */
function admins(
  name: string,
  input: (person: Person) => object | Promise<object> = () => ({}),
  more: More = {},
): Change {
  return changeOf(async (person) => {
    const { UserPoolId, Username } = person;
    const given = await input(person);
    return () => adminCall(person, name, { UserPoolId, Username, ...given });
  }, more);
}

const repeats = true;
const softwareToken = { having: withSoftwareToken };
const deviceOf = async (person: Person) => {
  const { key } = await confirmDevice(person, await signInFirst(person));
  return { DeviceKey: key, DeviceRememberedStatus: "not_remembered" };
};

async function recovering({ server, pools }: { server: TestServer; pools: Pools }) {
  const person = await makePerson(server, pools, "open");
  const { ClientId, Username } = person;
  await call(person, "ForgotPassword", { ClientId, Username });
  const ConfirmationCode = (await server.inbox(person.phone))[0]?.code ?? assert.fail("no code");
  const input = { ClientId, Username, ConfirmationCode, Password: newPassword };
  return { of: person, act: () => call(person, "ConfirmForgotPassword", input) };
}

async function confirming({ server, pools }: { server: TestServer; pools: Pools }) {
  const of = await makeSubject(server, pools.open, "unconfirmed");
  const { ClientId, Username } = of;
  const ConfirmationCode = await server.code(of.email);
  return { of, act: () => call(of, "ConfirmSignUp", { ClientId, Username, ConfirmationCode }) };
}

async function choosing({ server, pools }: { server: TestServer; pools: Pools }) {
  const of = await makeSubject(server, pools.open, "invited");
  const { ClientId, Username } = of;
  const begun = await start(server, pools.open, Username, "USER_PASSWORD_AUTH", { PASSWORD: temporary });
  const answer = { ClientId, ChallengeName: "NEW_PASSWORD_REQUIRED", Session: begun.Session };
  const ChallengeResponses = {
    USERNAME: Username,
    NEW_PASSWORD: newPassword,
    "userAttributes.preferred_username": `pref-${Username}`,
  };
  return { of, act: () => call(of, "RespondToAuthChallenge", { ...answer, ChallengeResponses }) };
}

async function settingUp({ server, pools }: { server: TestServer; pools: Pools }) {
  const of = await makePerson(server, pools, "strict");
  const { ClientId, Username } = of;
  const begun = await start(server, of, Username);
  const answer = (ChallengeName: string, Session: unknown, responses: object) =>
    call(of, "RespondToAuthChallenge", {
      ClientId,
      ChallengeName,
      Session,
      ChallengeResponses: { USERNAME: Username, ...responses },
    });
  const asked = await answer("MFA_SETUP", begun.Session, { EMAIL: of.email });
  const EMAIL_OTP_CODE = await server.code(of.email);
  return { of, act: () => answer("EMAIL_OTP", asked.body["Session"], { EMAIL_OTP_CODE }) };
}

/** An alias of somebody is taken by another, who has proven it or is given it. */
const takenFrom = (take: (person: Person) => Promise<Act>) => changeOf(take, {});

const changes: Readonly<Record<string, Change>> = {
  "UpdateUserAttributes, an address": own(
    "UpdateUserAttributes",
    () => ({ UserAttributes: [email(newAddress())] }),
    { repeats },
  ),
  "UpdateUserAttributes, a number": own(
    "UpdateUserAttributes",
    () => ({ UserAttributes: [phone(newPhone())] }),
    { repeats },
  ),
  "UpdateUserAttributes, an alias": own(
    "UpdateUserAttributes",
    ({ Username }) => ({ UserAttributes: [{ Name: "preferred_username", Value: `pref-${Username}` }] }),
    { repeats },
  ),
  DeleteUserAttributes: own("DeleteUserAttributes", () => ({ UserAttributeNames: ["phone_number"] }), {
    repeats,
  }),
  VerifyUserAttribute: own("VerifyUserAttribute", async (person) => {
    const { UserPoolId, Username, AccessToken, server } = person;
    const to = newAddress();
    await adminCall(person, "AdminUpdateUserAttributes", {
      UserPoolId,
      Username,
      UserAttributes: [email(to)],
    });
    await call(person, "GetUserAttributeVerificationCode", { AccessToken, AttributeName: "email" });
    return { AttributeName: "email", Code: await server.code(to) };
  }),
  SetUserMFAPreference: own("SetUserMFAPreference", () => ({ SMSMfaSettings: { Enabled: true } }), {
    repeats,
  }),
  SetUserSettings: own(
    "SetUserSettings",
    () => ({ MFAOptions: [{ DeliveryMedium: "SMS", AttributeName: "phone_number" }] }),
    { repeats },
  ),
  VerifySoftwareToken: own("VerifySoftwareToken", async (person) => {
    const { body } = await call(person, "AssociateSoftwareToken", { AccessToken: person.AccessToken });
    return { UserCode: totp(String(body["SecretCode"]), person.server.clock.now) };
  }),
  CompleteWebAuthnRegistration: own("CompleteWebAuthnRegistration", async (person) => {
    const { AccessToken } = person;
    const { body } = await call(person, "StartWebAuthnRegistration", { AccessToken });
    return { Credential: new Authenticator(origin).create(body["CredentialCreationOptions"] as never) };
  }),
  DeleteWebAuthnCredential: own(
    "DeleteWebAuthnCredential",
    async (person) => {
      const { body } = await call(person, "ListWebAuthnCredentials", { AccessToken: person.AccessToken });
      const [credential] = body["Credentials"] as { CredentialId: string }[];
      return { CredentialId: credential!.CredentialId };
    },
    { having: withPasskey },
  ),
  ConfirmDevice: {
    prepare: async ({ server, pools }) => {
      const of = await makePerson(server, pools, "open");
      const { AccessToken, metadata } = await signInFirst(of);
      const DeviceSecretVerifierConfig = {
        Salt: Buffer.alloc(16, 3).toString("base64"),
        PasswordVerifier: Buffer.alloc(300, 5).toString("base64"),
      };
      const input = { AccessToken, DeviceKey: metadata.DeviceKey, DeviceSecretVerifierConfig };
      return { of, act: () => call(of, "ConfirmDevice", input) };
    },
  },
  UpdateDeviceStatus: own("UpdateDeviceStatus", deviceOf, { repeats }),
  ForgetDevice: own("ForgetDevice", async (person) => {
    return { DeviceKey: (await deviceOf(person)).DeviceKey };
  }),
  ChangePassword: own("ChangePassword", () => ({
    PreviousPassword: password,
    ProposedPassword: newPassword,
  })),
  DeleteUser: own("DeleteUser", () => ({})),
  ConfirmForgotPassword: { prepare: recovering },
  ConfirmSignUp: { prepare: confirming },
  "RespondToAuthChallenge NEW_PASSWORD_REQUIRED": { prepare: choosing },
  "RespondToAuthChallenge MFA_SETUP": { prepare: settingUp },
  "ConfirmSignUp takes an alias": takenFrom(async (person) => {
    const { ClientId, server } = person;
    const Username = `taker-${person.Username}`;
    const UserAttributes = [email(person.email)];
    await call(person, "SignUp", { ClientId, Username, Password: password, UserAttributes });
    const ConfirmationCode = await server.code(person.email);
    const input = { ClientId, Username, ConfirmationCode, ForceAliasCreation: true };
    return () => call(person, "ConfirmSignUp", input);
  }),
  "AdminCreateUser takes an alias": takenFrom(async (person) => {
    const { UserPoolId } = person;
    const Username = `taker-${person.Username}`;
    const UserAttributes = [email(person.email), isVerified];
    const input = {
      UserPoolId,
      Username,
      UserAttributes,
      ForceAliasCreation: true,
      MessageAction: "SUPPRESS",
    };
    return () => adminCall(person, "AdminCreateUser", input);
  }),
  AdminUpdateUserAttributes: admins(
    "AdminUpdateUserAttributes",
    () => ({ UserAttributes: [email(newAddress()), isVerified] }),
    { repeats },
  ),
  AdminDeleteUserAttributes: admins(
    "AdminDeleteUserAttributes",
    () => ({ UserAttributeNames: ["phone_number"] }),
    { repeats },
  ),
  AdminSetUserMFAPreference: admins(
    "AdminSetUserMFAPreference",
    () => ({ EmailMfaSettings: { Enabled: true } }),
    { repeats },
  ),
  AdminSetUserSettings: admins(
    "AdminSetUserSettings",
    () => ({ MFAOptions: [{ DeliveryMedium: "SMS", AttributeName: "phone_number" }] }),
    { repeats },
  ),
  AdminDeleteSoftwareToken: admins("AdminDeleteSoftwareToken", () => ({}), softwareToken),
  AdminDisableUser: admins("AdminDisableUser"),
  AdminEnableUser: admins("AdminEnableUser", () => ({}), {
    repeats,
    having: async (person) => {
      const { UserPoolId, Username } = person;
      await adminCall(person, "AdminDisableUser", { UserPoolId, Username });
      return person;
    },
  }),
  AdminResetUserPassword: admins("AdminResetUserPassword"),
  AdminSetUserPassword: admins("AdminSetUserPassword", () => ({ Password: newPassword, Permanent: true })),
  AdminConfirmSignUp: {
    prepare: async ({ server, pools }) => {
      const of = await makeSubject(server, pools.open, "unconfirmed");
      const { UserPoolId, Username } = of;
      return { of, act: () => adminCall(of, "AdminConfirmSignUp", { UserPoolId, Username }) };
    },
  },
  AdminUpdateDeviceStatus: admins("AdminUpdateDeviceStatus", deviceOf, { repeats }),
  AdminForgetDevice: admins("AdminForgetDevice", async (person) => {
    return { DeviceKey: (await deviceOf(person)).DeviceKey };
  }),
  AdminDeleteUser: admins("AdminDeleteUser"),
};

/** What somebody signs in with or recovers by, as the tables have it; `version` is that of the user's row. */
async function meansOf(
  { app: { db } }: TestServer,
  sub: string,
): Promise<{ means: string; version: number }> {
  const user = await db.kysely.selectFrom("users").selectAll().where("user_id", "=", sub).executeTakeFirst();
  const number = user?.number ?? 0;
  const {
    email: mail,
    email_verified,
    phone_number,
    phone_number_verified,
    preferred_username,
  } = JSON.parse(user?.attributes ?? "{}");
  const rows = async (query: { execute(): Promise<unknown[]> }) => JSON.stringify(await query.execute());
  const { kysely } = db;
  const means = [
    user && [user.status, user.enabled, user.mfa ?? '{"enabled":[]}'],
    [mail, email_verified, phone_number, phone_number_verified, preferred_username],
    await rows(
      kysely
        .selectFrom("login_names")
        .select("name_key")
        .where("user_number", "=", number)
        .orderBy("name_key"),
    ),
    await rows(kysely.selectFrom("credentials").select("version").where("user_number", "=", number)),
    await rows(
      kysely
        .selectFrom("software_tokens")
        .select(sql<string>`case when seed_sealed is null then 0 else last_step end`.as("step"))
        .where("user_id", "=", sub)
        .where("seed_sealed", "is not", null),
    ),
    await rows(kysely.selectFrom("passkeys").select("credential_id").where("user_id", "=", sub)),
    await rows(
      kysely
        .selectFrom("devices")
        .select(["device_key", "remembered"])
        .where("user_id", "=", sub)
        .orderBy("device_key"),
    ),
  ];
  return { means: JSON.stringify(means), version: user?.version ?? 0 };
}

async function subOf({ app: { db } }: TestServer, { UserPoolId, Username }: Subject): Promise<string> {
  const row = await db.kysely
    .selectFrom("users")
    .select("user_id")
    .where("pool_id", "=", UserPoolId)
    .where("username", "=", Username)
    .executeTakeFirstOrThrow();
  return row.user_id;
}

async function eventsOf({ app: { db } }: TestServer, sub: string): Promise<AuditEvent[]> {
  const all = await listAuditEvents(
    db,
    { target: sub, result: "ok" },
    { limit: 1000, order: "oldest first" },
  );
  return all.filter(({ operation }) => kindOf(operation) === "change" || !operation.startsWith("Admin"));
}

forEachServer("changes of what users sign in with", (open) => {
  let made: Promise<Pools> | undefined;

  async function poolsOf(server: TestServer): Promise<Pools> {
    const clients = { ExplicitAuthFlows: [...app.ExplicitAuthFlows] };
    const settings = {
      AliasAttributes: ["email", "preferred_username"],
      AutoVerifiedAttributes: ["email"],
      SmsConfiguration: smsConfiguration.SmsConfiguration,
    } as const;
    const given = {
      ...openPool,
      ...settings,
      AliasAttributes: [...settings.AliasAttributes],
      AutoVerifiedAttributes: [...settings.AutoVerifiedAttributes],
    };
    const optional = await makePool(server, given, clients);
    await turnMfa(server, optional, "OPTIONAL", everySecond);
    const strict = await makePool(server, {}, clients);
    await turnMfa(server, strict, "ON", everySecond);
    return { open: optional, strict };
  }

  for (const [name, { prepare, repeats: again }] of Object.entries(changes)) {
    test(name, async () => {
      const server = await open();
      made ??= poolsOf(server);
      const pools = await made;
      const { of, act } = await prepare({ server, pools });
      const sub = await subOf(server, of);
      const before = { ...(await meansOf(server, sub)), events: await eventsOf(server, sub) };
      const answer = await act();
      assert.equal(answer.status, 200, answer.message);
      const after = { ...(await meansOf(server, sub)), events: await eventsOf(server, sub) };
      assert.notEqual(after.means, before.means, "the operation has changed something");
      const added = after.events.slice(before.events.length);
      assert.equal(added.length, 1, JSON.stringify(added));
      if (again === undefined) return;
      const repeated = await act();
      assert.equal(repeated.status, 200, repeated.message);
      const last = { ...(await meansOf(server, sub)), events: await eventsOf(server, sub) };
      assert.equal(last.means, after.means);
      assert.equal(last.version, after.version, "the user's row was written");
      // A call of an administrator is an event as a call.
      const calls = name.startsWith("Admin") ? 1 : 0;
      assert.equal(last.events.length - after.events.length, calls);
    });
  }

  test("no other operation changes any of it without an event", async () => {
    const server = await open();
    const world = await makeWorld(server);
    const sub = await subOf(server, { ...world, server, email: "" });
    const send = (operation: KnownOperation) => {
      const body = JSON.stringify(world.input(operation));
      const request =
        operation.facts.authorization === "iam"
          ? signedCall(server.endpoint, operation, body, { now: server.clock.now })
          : unsigned(server.endpoint, operation, body);
      return post(server.endpoint, request);
    };
    const tried = new Set(Object.keys(changes).map((name) => name.split(/[ ,]/)[0]));
    // These take the whole pool along.
    const others = operations.filter(({ name }) => !tried.has(name) && !/^DeleteUserPool/.test(name));
    assert.ok(others.length > 60);
    for (const operation of others) {
      const before = { ...(await meansOf(server, sub)), events: await eventsOf(server, sub) };
      await send(operation);
      const after = { ...(await meansOf(server, sub)), events: await eventsOf(server, sub) };
      if (after.means !== before.means)
        assert.ok(after.events.length > before.events.length, `${operation.name} left no event`);
    }
  });
});
