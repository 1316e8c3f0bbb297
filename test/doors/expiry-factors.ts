/** Expiry in sign-ins with several steps: the Session of each challenge, and what is shown or signed for it. */
import assert from "node:assert/strict";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { Authenticator } from "../kit/authenticator.ts";
import { totp } from "../kit/factors.ts";
import { makeClient } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { type Expiry, hour, minute, second } from "./expiry-table.ts";
import {
  app,
  at,
  byPassword,
  choose,
  makePerson,
  makePools,
  origin,
  type Person,
  type Pools,
  personFor,
  respondAt,
  setUp,
  signInFirst,
  waits,
} from "./waits.ts";
import { adminCall, call, type Texts } from "./ways.ts";

const shared = new WeakMap<TestServer, Promise<Pools>>();

/** The pools that all tests share. */
function poolsOf(server: TestServer): Promise<Pools> {
  const made = shared.get(server) ?? makePools(server);
  shared.set(server, made);
  return made;
}

/** A user with everything that a challenge needs, whose app shows a code that it has not shown before. */
export async function personOf(server: TestServer, wait: string): Promise<Person> {
  const person = await personFor(server, await poolsOf(server), wait);
  server.clock.advance(minute);
  return person;
}

const session = {
  type: "NotAuthorizedException",
  message: /^Invalid session for the user, session is expired\.$/,
} as const;

const sessions = Object.keys(waits).map((name): [string, Expiry] => {
  const begin: Expiry["begin"] = async (server) => {
    const attempt = await waits[name]!.begin(await personOf(server, name));
    return () => attempt("public");
  };
  // Found by its SECRET_BLOCK, before the Session is checked.
  const message = name === "PASSWORD_VERIFIER" ? /^Incorrect username or password\.$/ : session.message;
  return [`the Session of ${name}`, { life: 3 * minute, begin, ...session, message }];
});

/** With the Session, and thus the code, of a client that makes them valid longer. */
const longCode: Expiry["begin"] = async (server) => {
  const person = await personOf(server, "EMAIL_OTP");
  const settings = { AuthSessionValidity: 15, ExplicitAuthFlows: [...app.ExplicitAuthFlows] };
  const { ClientId } = await makeClient(server, person.UserPoolId, settings);
  const attempt = await waits["EMAIL_OTP"]!.begin({ ...person, ClientId });
  return () => attempt("public");
};

/** Associated a minute after the sign-in began: the new Session belongs to the same sign-in. */
const associatedLate: Expiry["begin"] = async (server) => {
  const person = await personOf(server, "VerifySoftwareToken");
  const Session = await setUp(person);
  server.clock.advance(minute);
  const { body } = await call(person, "AssociateSoftwareToken", { Session });
  const { SecretCode, Session: next } = body as Texts;
  return () =>
    call(person, "VerifySoftwareToken", { Session: next, UserCode: totp(SecretCode!, server.clock.now) });
};

/** A device that is asked for its proof continues with the Session of the code that was answered before. */
const deviceLate: Expiry["begin"] = async (server) => {
  const person = await personOf(server, "DEVICE_SRP_AUTH");
  const { UserPoolId, Username, secret } = person;
  const DEVICE_KEY = person.device!.key;
  const named = { UserPoolId, Username, DeviceKey: DEVICE_KEY, DeviceRememberedStatus: "not_remembered" };
  await adminCall(person, "AdminUpdateDeviceStatus", named);
  const asked = at("SOFTWARE_TOKEN_MFA", await byPassword(person, { DEVICE_KEY }));
  server.clock.advance(minute);
  const given = { SOFTWARE_TOKEN_MFA_CODE: totp(secret!, server.clock.now) };
  const answered = await respondAt("public", person, "SOFTWARE_TOKEN_MFA", asked.session, given);
  const next = at("DEVICE_SRP_AUTH", answered).session;
  const SRP_A = "abcdef0123456789".repeat(8);
  return () => respondAt("public", person, "DEVICE_SRP_AUTH", next, { SRP_A, DEVICE_KEY });
};

/** The code that an app shows in a step of 30 seconds; `ahead` is how many steps early. */
const code =
  (ahead: number): Expiry["begin"] =>
  async (server) => {
    const person = await personOf(server, "SOFTWARE_TOKEN_MFA");
    server.clock.advance(30 * second - (server.clock.now % (30 * second)));
    const { session } = at("SOFTWARE_TOKEN_MFA", await byPassword(person));
    const given = { SOFTWARE_TOKEN_MFA_CODE: totp(person.secret!, server.clock.now, ahead) };
    return () => respondAt("public", person, "SOFTWARE_TOKEN_MFA", session, given);
  };
const wrongCode = { type: "CodeMismatchException", message: /^Invalid code or auth state for the user\.$/ };

const registration: Expiry["begin"] = async (server) => {
  const person = await makePerson(server, await poolsOf(server), "open");
  const { AccessToken } = await signInFirst(person);
  const begun = await server.client.send(new sdk.StartWebAuthnRegistrationCommand({ AccessToken }));
  const Credential = new Authenticator(origin).create(begun.CredentialCreationOptions);
  return () => call(person, "CompleteWebAuthnRegistration", { AccessToken, Credential });
};

/** One more than are sent to a user per hour. */
const codesSent: Expiry["begin"] = async (server) => {
  const person = await personOf(server, "EMAIL_OTP");
  const ask = () => choose(person, { PREFERRED_CHALLENGE: "EMAIL_OTP" });
  for (let count = 0; count < 20; count++) assert.equal((await ask()).status, 200);
  return ask;
};

export const factorExpiries: Readonly<Record<string, Expiry>> = {
  ...Object.fromEntries(sessions),
  "a code of AuthSessionValidity 15": { life: 15 * minute, begin: longCode, ...session },
  "the Session of a software token that is associated late": {
    life: 2 * minute,
    begin: associatedLate,
    ...session,
  },
  "the Session of a device after another factor": { life: 2 * minute, begin: deviceLate, ...session },
  // Accepted from the step before its own to the end of the step after it.
  "a code of an app, from the beginning of its step": { life: minute, begin: code(0), ...wrongCode },
  "a code of an app, two steps too early": { life: 30 * second, begin: code(2), ...wrongCode, opens: true },
  "the challenge of a new passkey": {
    life: 5 * minute,
    begin: registration,
    type: "WebAuthnChallengeNotFoundException",
    message: /./,
  },
  "the limit of codes to sign in with": {
    life: hour,
    begin: codesSent,
    type: "TooManyRequestsException",
    message: /^Attempt limit exceeded/,
    opens: true,
  },
};
