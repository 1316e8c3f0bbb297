/**
 * Every challenge that a sign-in can wait for, with a user who has everything that it asks for: how to get there, and
 * the right answer. The tests decide what is lost in between.
 */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { makeVerifier } from "../../src/lib/srp.ts";
import { Authenticator } from "../kit/authenticator.ts";
import { giveSoftwareToken, smsConfiguration, start, totp, turnMfa } from "../kit/factors.ts";
import { everyFlow, makeClient, makePool, makeUser, newAddress, password } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { adminCall, call, initiate, type Subject, type Texts } from "./ways.ts";
import type { Answer } from "./wire.ts";

export const doors = ["public", "admin"] as const;
export type Door = (typeof doors)[number];

/** Gives the right answer, at one of the two entry points. */
export type Attempt = (door: Door) => Promise<Answer>;

export interface Pools {
  /** MFA is optional, every first factor is allowed, and a remembered device replaces the second factor. */
  readonly open: App;
  /** MFA is required. */
  readonly strict: App;
}

export interface App {
  readonly UserPoolId: string;
  readonly ClientId: string;
}

export const origin = "https://app.example";
const everyFirst = { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"] } as const;
export const app = { ExplicitAuthFlows: [...everyFlow, "ALLOW_USER_AUTH"] } as const;
export const everySecond = {
  SmsMfaConfiguration: smsConfiguration,
  SoftwareTokenMfaConfiguration: { Enabled: true },
  EmailMfaConfiguration: {},
  WebAuthnConfiguration: { RelyingPartyId: "app.example" },
};
export const openPool = {
  Policies: { SignInPolicy: { AllowedFirstAuthFactors: [...everyFirst.AllowedFirstAuthFactors] } },
  DeviceConfiguration: { ChallengeRequiredOnNewDevice: true },
  ...smsConfiguration,
};

export async function makePools(server: TestServer): Promise<Pools> {
  const clients = { ExplicitAuthFlows: [...app.ExplicitAuthFlows] };
  const open = await makePool(server, openPool, clients);
  await turnMfa(server, open, "OPTIONAL", everySecond);
  const strict = await makePool(server, {}, clients);
  await turnMfa(server, strict, "ON", everySecond);
  return { open, strict };
}

/** The server of a suite with its pools, which are created once. */
export function together(
  open: () => Promise<TestServer>,
): () => Promise<{ readonly server: TestServer; readonly pools: Pools }> {
  let world: ReturnType<ReturnType<typeof together>> | undefined;
  return () => {
    world ??= open().then(async (server) => ({ server, pools: await makePools(server) }));
    return world;
  };
}

/** Other clients of the same pools. */
export async function otherClients(server: TestServer, { open, strict }: Pools): Promise<Pools> {
  const at = async ({ UserPoolId }: App) => {
    const { ClientId } = await makeClient(server, UserPoolId, {
      ExplicitAuthFlows: [...app.ExplicitAuthFlows],
    });
    return { UserPoolId, ClientId };
  };
  return { open: await at(open), strict: await at(strict) };
}

/** A user and what they have. */
export interface Person extends Subject {
  readonly phone: string;
  readonly secret?: string;
  readonly passkey?: Authenticator;
  readonly device?: Device;
  readonly AccessToken?: string;
}

export interface Device {
  readonly key: string;
  readonly group: string;
  readonly secret: string;
}

const digits = (count: number) => String(randomBytes(6).readUIntBE(0, 6)).padStart(count, "0").slice(-count);
export const newPhone = () => `+1555${digits(7)}`;
const user = ({ UserPoolId, Username }: Person) => ({ UserPoolId, Username });

/** A user without a second factor; in the strict pool without any address, which would be one. */
export async function makePerson(server: TestServer, pools: Pools, pool: keyof Pools): Promise<Person> {
  const person = { server, ...pools[pool], email: newAddress(), phone: newPhone() };
  const attributes = [
    { Name: "email", Value: person.email },
    { Name: "email_verified", Value: "true" },
    { Name: "phone_number", Value: person.phone },
    { Name: "phone_number_verified", Value: "true" },
  ];
  const Username = `user-${randomBytes(6).toString("hex")}`;
  await makeUser(server, person.UserPoolId, Username, pool === "open" ? attributes : []);
  return { ...person, Username };
}

export const prefer = (person: Person, settings: Partial<sdk.AdminSetUserMFAPreferenceCommandInput>) =>
  person.server.client.send(new sdk.AdminSetUserMFAPreferenceCommand({ ...user(person), ...settings }));

const turnOn = (factor: "SMSMfaSettings" | "EmailMfaSettings") => async (person: Person) => {
  await prefer(person, { [factor]: { Enabled: true } });
  return person;
};

/** Signs in with the password, which is still enough. */
export async function signInFirst(person: Pick<Person, "server" | "UserPoolId" | "ClientId" | "Username">) {
  const { AuthenticationResult } = await start(person.server, person, person.Username);
  const { AccessToken, NewDeviceMetadata } = AuthenticationResult ?? assert.fail("no tokens");
  return { AccessToken: AccessToken!, metadata: NewDeviceMetadata ?? assert.fail("no device") };
}

export async function withSoftwareToken(person: Person): Promise<Person> {
  const { AccessToken } = await signInFirst(person);
  return { ...person, AccessToken, secret: await giveSoftwareToken(person.server, AccessToken) };
}

/** A device of a sign-in, confirmed and remembered. */
export async function confirmDevice(
  { server }: Pick<Person, "server">,
  { AccessToken, metadata }: Awaited<ReturnType<typeof signInFirst>>,
  salt = randomBytes(16),
): Promise<Device> {
  const key = metadata.DeviceKey!;
  const group = metadata.DeviceGroupKey!;
  const secret = randomBytes(40).toString("base64");
  const verifier = makeVerifier({ group, identity: key, password: secret, salt });
  await server.client.send(
    new sdk.ConfirmDeviceCommand({
      AccessToken,
      DeviceKey: key,
      DeviceSecretVerifierConfig: {
        Salt: salt.toString("base64"),
        PasswordVerifier: verifier.toString("base64"),
      },
    }),
  );
  return { key, group, secret };
}

/** Signs in with password and software token, with the code after the one that set it up. */
export async function signInByBoth(person: Person): ReturnType<typeof signInFirst> {
  const { session } = at("SOFTWARE_TOKEN_MFA", await byPassword(person));
  const code = { SOFTWARE_TOKEN_MFA_CODE: totp(person.secret!, person.server.clock.now, 1) };
  const { body, message } = await respondAt("public", person, "SOFTWARE_TOKEN_MFA", session, code);
  const tokens = (body["AuthenticationResult"] ?? assert.fail(message)) as sdk.AuthenticationResultType;
  return { AccessToken: tokens.AccessToken!, metadata: tokens.NewDeviceMetadata! };
}

/** A user with a device that replaces the software token. */
async function withDevice(person: Person): Promise<Person> {
  const equipped = await withSoftwareToken(person);
  return { ...equipped, device: await confirmDevice(equipped, await signInByBoth(equipped)) };
}

export async function withPasskey(person: Person): Promise<Person> {
  const { server } = person;
  const { AccessToken } = await signInFirst(person);
  const begun = await server.client.send(new sdk.StartWebAuthnRegistrationCommand({ AccessToken }));
  const passkey = new Authenticator(origin);
  const Credential = passkey.create(begun.CredentialCreationOptions) as never;
  await server.client.send(new sdk.CompleteWebAuthnRegistrationCommand({ AccessToken, Credential }));
  return { ...person, AccessToken, passkey };
}

export function respondAt(
  door: Door,
  { server, UserPoolId, ClientId, Username, email }: Person,
  ChallengeName: string,
  Session: unknown,
  responses: Texts,
): Promise<Answer> {
  const subject = { server, UserPoolId, ClientId, Username, email };
  const input = {
    ClientId,
    ChallengeName,
    Session,
    ChallengeResponses: { USERNAME: Username, ...responses },
  };
  if (door === "public") return call(subject, "RespondToAuthChallenge", input);
  return adminCall(subject, "AdminRespondToAuthChallenge", { UserPoolId, ...input });
}

/** A sign-in that must have reached this challenge. */
export function at(challenge: string, answer: Answer): { session: string; parameters: Texts } {
  assert.equal(answer.body["ChallengeName"], challenge, `${answer.type} ${answer.message}`);
  const session = answer.body["Session"] as string;
  return { session, parameters: answer.body["ChallengeParameters"] as Texts };
}

export const choose = (person: Person, parameters: Texts) =>
  initiate(person, "USER_AUTH", { USERNAME: person.Username, ...parameters });
export const byPassword = (person: Person, parameters: Texts = {}) =>
  initiate(person, "USER_PASSWORD_AUTH", {
    USERNAME: person.Username,
    PASSWORD: password,
    ...parameters,
  });

export interface Wait {
  /** ChallengeName, or the operation that the Session is for. */
  readonly name: string;
  readonly pool: keyof Pools;
  readonly equip: (person: Person) => Promise<Person>;
  readonly begin: (person: Person) => Promise<Attempt>;
}

const wait = (
  name: string,
  pool: keyof Pools,
  equip: Wait["equip"],
  begin: (person: Person) => Promise<{ session: string; responses: Texts | (() => Texts) }>,
): Wait => ({
  name,
  pool,
  equip,
  begin: async (person) => {
    const { session, responses } = await begin(person);
    return (door) => {
      const given = typeof responses === "function" ? responses() : responses;
      return respondAt(door, person, name, session, given);
    };
  },
});

const plain = async (person: Person) => person;

/** A first factor that the user prefers. */
const preferred = (name: string, equip: Wait["equip"], answer: (person: Person, asked: Texts) => unknown) =>
  wait(name, "open", equip, async (person) => {
    const { session, parameters } = at(name, await choose(person, { PREFERRED_CHALLENGE: name }));
    return { session, responses: (await answer(person, parameters)) as Texts };
  });

/** A second factor after the password. */
const second = (
  name: string,
  equip: Wait["equip"],
  answer: (person: Person) => Promise<Texts | (() => Texts)>,
) =>
  wait(name, "open", equip, async (person) => {
    const { session } = at(name, await byPassword(person));
    return { session, responses: await answer(person) };
  });

/** The Session of MFA_SETUP; a token left by an earlier turn is removed. */
export async function setUp(person: Person): Promise<string> {
  await adminCall(person, "AdminDeleteSoftwareToken", user(person));
  return at("MFA_SETUP", await byPassword(person)).session;
}

async function associated(person: Person) {
  const answer = await call(person, "AssociateSoftwareToken", { Session: await setUp(person) });
  const { SecretCode, Session } = answer.body as Texts;
  const code = () => totp(SecretCode!, person.server.clock.now);
  return { verify: () => call(person, "VerifySoftwareToken", { Session, UserCode: code() }) };
}

export const srpProof = (person: Person, client: SrpClient, parameters: Texts, now?: number): Texts =>
  client.prove(person.UserPoolId, parameters, password, new Date(now ?? person.server.clock.now));

/** The proof of a device for its challenge. */
export function deviceProof(
  person: Person,
  device: Device,
  client: SrpClient,
  asked: Texts,
  now?: number,
): Texts {
  const parameters = { ...asked, USER_ID_FOR_SRP: device.key };
  const at = new Date(now ?? person.server.clock.now);
  const proof = client.prove(`pool_${device.group}`, parameters, device.secret, at);
  return { ...proof, USERNAME: person.Username, DEVICE_KEY: device.key };
}

/** A sign-in from the person's device, up to its first challenge. */
export const fromDevice = async (person: Person, { key } = person.device!) =>
  at("DEVICE_SRP_AUTH", await byPassword(person, { DEVICE_KEY: key })).session;

/** A sign-in from the person's device, up to its second challenge. */
export async function toVerifier(person: Person, device = person.device!) {
  const client = new SrpClient();
  const responses = { SRP_A: client.srpA, DEVICE_KEY: device.key };
  const asked = await respondAt(
    "public",
    person,
    "DEVICE_SRP_AUTH",
    await fromDevice(person, device),
    responses,
  );
  return { client, ...at("DEVICE_PASSWORD_VERIFIER", asked) };
}

const bothAddresses = async (person: Person) => {
  await prefer(person, { SMSMfaSettings: { Enabled: true }, EmailMfaSettings: { Enabled: true } });
  return person;
};

export const waits: Readonly<Record<string, Wait>> = {
  SELECT_CHALLENGE: wait("SELECT_CHALLENGE", "open", plain, async (person) => {
    const { session } = at("SELECT_CHALLENGE", await choose(person, {}));
    return { session, responses: { ANSWER: "PASSWORD", PASSWORD: password } };
  }),
  "SELECT_CHALLENGE, for a code": wait("SELECT_CHALLENGE", "open", plain, async (person) => {
    const { session } = at("SELECT_CHALLENGE", await choose(person, {}));
    return { session, responses: { ANSWER: "EMAIL_OTP" } };
  }),
  PASSWORD: preferred("PASSWORD", plain, () => ({ PASSWORD: password })),
  PASSWORD_SRP: preferred("PASSWORD_SRP", plain, () => ({ SRP_A: new SrpClient().srpA })),
  PASSWORD_VERIFIER: wait("PASSWORD_VERIFIER", "open", plain, async (person) => {
    const client = new SrpClient();
    const chosen = { PREFERRED_CHALLENGE: "PASSWORD_SRP", SRP_A: client.srpA };
    const { session, parameters } = at("PASSWORD_VERIFIER", await choose(person, chosen));
    return { session, responses: srpProof(person, client, parameters) };
  }),
  EMAIL_OTP: preferred("EMAIL_OTP", plain, async ({ server, email }) => ({
    EMAIL_OTP_CODE: await server.code(email),
  })),
  SMS_OTP: preferred("SMS_OTP", plain, async ({ server, phone }) => ({
    SMS_OTP_CODE: await server.code(phone),
  })),
  WEB_AUTHN: preferred("WEB_AUTHN", withPasskey, ({ passkey }, asked) => ({
    CREDENTIAL: passkey!.use(asked["CREDENTIAL_REQUEST_OPTIONS"]!),
  })),
  SMS_MFA: second("SMS_MFA", turnOn("SMSMfaSettings"), async ({ server, phone }) => ({
    SMS_MFA_CODE: await server.code(phone),
  })),
  "EMAIL_OTP after a password": second("EMAIL_OTP", turnOn("EmailMfaSettings"), async (person) => ({
    EMAIL_OTP_CODE: await person.server.code(person.email),
  })),
  // The code that the app shows when asked.
  SOFTWARE_TOKEN_MFA: second("SOFTWARE_TOKEN_MFA", withSoftwareToken, async ({ server, secret }) => () => ({
    SOFTWARE_TOKEN_MFA_CODE: totp(secret!, server.clock.now),
  })),
  SELECT_MFA_TYPE: second("SELECT_MFA_TYPE", bothAddresses, async () => ({ ANSWER: "EMAIL_OTP" })),
  DEVICE_SRP_AUTH: wait("DEVICE_SRP_AUTH", "open", withDevice, async (person) => ({
    session: await fromDevice(person),
    responses: { SRP_A: new SrpClient().srpA },
  })),
  DEVICE_PASSWORD_VERIFIER: wait("DEVICE_PASSWORD_VERIFIER", "open", withDevice, async (person) => {
    const { client, session, parameters } = await toVerifier(person);
    return { session, responses: deviceProof(person, person.device!, client, parameters) };
  }),
  "MFA_SETUP, of an address": wait("MFA_SETUP", "strict", plain, async (person) => ({
    session: await setUp(person),
    responses: { EMAIL: newAddress() },
  })),
  "MFA_SETUP, of a software token": wait("MFA_SETUP", "strict", plain, async (person) => {
    const { verify } = await associated(person);
    const { Session } = (await verify()).body as Texts;
    return { session: Session!, responses: {} };
  }),
  "the code of MFA_SETUP": wait("EMAIL_OTP", "strict", plain, async (person) => {
    const EMAIL = newAddress();
    const asked = await respondAt("public", person, "MFA_SETUP", await setUp(person), { EMAIL });
    const EMAIL_OTP_CODE = await person.server.code(EMAIL);
    return { session: at("EMAIL_OTP", asked).session, responses: { EMAIL_OTP_CODE } };
  }),
  AssociateSoftwareToken: {
    name: "AssociateSoftwareToken",
    pool: "strict",
    equip: plain,
    begin: async (person) => {
      const Session = await setUp(person);
      return () => call(person, "AssociateSoftwareToken", { Session });
    },
  },
  VerifySoftwareToken: {
    name: "VerifySoftwareToken",
    pool: "strict",
    equip: plain,
    begin: async (person) => (await associated(person)).verify,
  },
};

/** A user for this challenge only. */
export async function personFor(server: TestServer, pools: Pools, name: string): Promise<Person> {
  const { pool, equip } = waits[name] ?? assert.fail(name);
  return equip(await makePerson(server, pools, pool));
}
