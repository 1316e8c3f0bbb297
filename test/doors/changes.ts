/** Every operation that changes how a user signs in or recovers the account, with an input that does. */
import assert from "node:assert/strict";
import { addProvider } from "../federation/people.ts";
import { Authenticator } from "../kit/authenticator.ts";
import { smsConfiguration, start, totp, turnMfa } from "../kit/factors.ts";
import { makePool, newAddress, password } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
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
  prefer,
  signInFirst,
  withPasskey,
  withSoftwareToken,
} from "./waits.ts";
import { adminCall, call, makeSubject, newPassword, type Subject, temporary } from "./ways.ts";
import type { Answer } from "./wire.ts";

export type Act = () => Promise<Answer>;
export interface Change {
  readonly prepare: (given: { server: TestServer; pools: Pools }) => Promise<{ of: Subject; act: Act }>;
  /** Set if repeating it changes nothing. */
  readonly repeats?: true;
}

const email = (Value: string) => ({ Name: "email", Value });
const isVerified = { Name: "email_verified", Value: "true" };
const phone = (Value: string) => ({ Name: "phone_number", Value });

interface More {
  readonly repeats?: true;
  readonly having?: (person: Person) => Promise<Person>;
}

/** A change of a person in the open pool. */
const changeOf = (act: (person: Person) => Promise<Act>, { repeats: again, having }: More): Change => ({
  ...(again && { repeats: again }),
  prepare: async ({ server, pools }) => {
    const made = await makePerson(server, pools, "open");
    const person = (await having?.(made)) ?? made;
    return { of: person, act: await act(person) };
  },
});

/** The identity that is linked to a user of this name. */
const ofProvider = (Username: string) => ({
  ...{ ProviderName: "Corporate", ProviderAttributeName: "Cognito_Subject" },
  ProviderAttributeValue: `of-${Username}`,
});

const linkOf = async (person: Person): Promise<Act> => {
  const { UserPoolId, Username } = person;
  const DestinationUser = { ProviderName: "Cognito", ProviderAttributeValue: Username };
  const input = { UserPoolId, DestinationUser, SourceUser: ofProvider(Username) };
  return () => adminCall(person, "AdminLinkProviderForUser", input);
};

/** A change that a signed-in user makes themselves. */
export function own(
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

/** A change that an administrator makes of a user. */
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
  const ConfirmationCode = (await server.inbox(person.email))[0]?.code ?? assert.fail("no code");
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

/** A user loses an alias to another, who has proven it or is given it. */
const takenFrom = (take: (person: Person) => Promise<Act>) => changeOf(take, {});

export const changes: Readonly<Record<string, Change>> = {
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
  "UpdateUserAttributes, to nothing": own("UpdateUserAttributes", () => ({ UserAttributes: [phone("")] }), {
    repeats,
  }),
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
  "SetUserMFAPreference, off": own("SetUserMFAPreference", () => ({ SMSMfaSettings: { Enabled: false } }), {
    repeats,
    having: async (person) => {
      const { AccessToken } = await signInFirst(person);
      await prefer(person, { SMSMfaSettings: { Enabled: true } });
      return { ...person, AccessToken };
    },
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
  AdminLinkProviderForUser: changeOf(linkOf, {}),
  "AdminDisableProviderForUser, of a link": admins(
    "AdminDisableProviderForUser",
    ({ Username }) => ({ User: ofProvider(Username) }),
    {
      having: async (person) => {
        const linked = await (await linkOf(person))();
        assert.equal(linked.status, 200, linked.message);
        return person;
      },
    },
  ),
  AdminDisableProviderForUser: admins("AdminDisableProviderForUser", ({ Username }) => {
    const ProviderAttributeName = "Cognito_Subject";
    return { User: { ProviderName: "Cognito", ProviderAttributeName, ProviderAttributeValue: Username } };
  }),
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

export async function subOf({ app: { db } }: TestServer, { UserPoolId, Username }: Subject): Promise<string> {
  const row = await db.kysely
    .selectFrom("users")
    .select("user_id")
    .where("pool_id", "=", UserPoolId)
    .where("username", "=", Username)
    .executeTakeFirstOrThrow();
  return row.user_id;
}

/** Pools in which users have everything that can be changed. */
export async function poolsOf(server: TestServer): Promise<Pools> {
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
  await addProvider({ server, UserPoolId: optional.UserPoolId }, "Corporate");
  const strict = await makePool(server, {}, clients);
  await turnMfa(server, strict, "ON", everySecond);
  return { open: optional, strict };
}
