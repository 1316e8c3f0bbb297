/** Everything that can be guessed at, and how: a table of the factors and codes with the doors they come in by. */
import assert from "node:assert/strict";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import type { Answer } from "../doors/wire.ts";
import { giveSoftwareToken, smsConfiguration, totp, turnMfa, wrongTotp } from "../kit/factors.ts";
import { makeClient, makePool, makeUser, newAddress, password, verifiedMail } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { call, SrpClient, signed } from "../kit/support.ts";

type Texts = Record<string, string>;

export interface Place {
  readonly server: TestServer;
  readonly doors: readonly string[];
  readonly UserPoolId: string;
  readonly ClientId: string;
}

/** Guesses that are ready to be sent; what comes before them (challenges, messages) has happened. */
export interface Guesses {
  readonly wrong: (at: number) => Promise<Answer>;
  /** Where there are two servers, even ones are asked at the first. */
  readonly right: (at?: number) => Promise<Answer>;
}

export interface Target {
  readonly name: string;
  /** What a wrong guess that was looked at is told. */
  readonly looked: readonly string[];
  /** What one that was not looked at may be told, besides that it is locked. */
  readonly refused: readonly string[];
  /** Where an hourly limit takes the place of the lock. */
  readonly hourly?: number;
  readonly begin: (wrongs: number) => Promise<Guesses>;
}

const wrongPassword = "Incorrect username or password.";
const wrongCode = "Invalid code or auth state for the user.";
const wrongFirstCode = "Code mismatch and fail enable Software Token MFA";
const wrongSentCode = "Invalid verification code provided, please try again.";
const limited = "Attempt limit exceeded, please try after some time.";

/** Every guess comes from somewhere else, so that all are strangers'. */
let serial = 0;
export const elsewhere = () =>
  `2001:db8:${(++serial >> 16).toString(16)}:${(serial & 0xffff).toString(16)}::1`;
const name = (word: string) => `${word}-${++serial}`;

export async function makePlace(server: TestServer, doors: readonly string[]): Promise<Place> {
  const { UserPoolId } = await makePool(server, {
    AutoVerifiedAttributes: ["email"],
    Policies: { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD", "EMAIL_OTP", "SMS_OTP"] } },
    ...smsConfiguration,
  });
  await turnMfa(server, { UserPoolId }, "OPTIONAL");
  const { ClientId } = await makeClient(server, UserPoolId, {
    AuthSessionValidity: 15,
    ExplicitAuthFlows: [
      "ALLOW_USER_PASSWORD_AUTH",
      "ALLOW_USER_SRP_AUTH",
      "ALLOW_ADMIN_USER_PASSWORD_AUTH",
      "ALLOW_USER_AUTH",
    ],
  });
  return { server, doors, UserPoolId, ClientId };
}

/** Asks at the `at`-th door in turn. */
export const ask = (
  { doors, ClientId }: Place,
  operation: string,
  body: object,
  at = 0,
  from = elsewhere(),
) => call(doors[at % doors.length]!, operation, { ClientId, ...body }, { "x-forwarded-for": from });

export const initiate = (place: Place, AuthFlow: string, AuthParameters: Texts, at = 0, from = elsewhere()) =>
  ask(place, "InitiateAuth", { AuthFlow, AuthParameters }, at, from);

const respond = (place: Place, ChallengeName: string, Session: unknown, ChallengeResponses: Texts, at = 0) =>
  ask(place, "RespondToAuthChallenge", { ChallengeName, Session, ChallengeResponses }, at);

async function accessToken(place: Place, USERNAME: string): Promise<string> {
  const { body } = await initiate(place, "USER_PASSWORD_AUTH", { USERNAME, PASSWORD: password });
  const { AccessToken } = (body["AuthenticationResult"] ?? {}) as Texts;
  return AccessToken ?? assert.fail(JSON.stringify(body));
}

/** A code of as many digits that is another one. */
const otherThan = (code: string, at: number) =>
  String((Number(code) + 1 + at) % 10 ** code.length).padStart(code.length, "0");

type Guess = (secret: string, at: number) => Promise<Answer>;
const passwords = (guess: Guess): Guesses => ({
  wrong: (at) => guess(`Wrong-Guess-${at}`, at),
  right: (at = 1) => guess(password, at),
});

/** The right door is another server's, where there are two. */
async function passwordsOf(place: Place): Promise<Target[]> {
  const { server, UserPoolId, ClientId } = place;
  const parts = { looked: [wrongPassword], refused: [] };
  const USERNAME = name("ann");
  await makeUser(server, UserPoolId, USERNAME);
  const clear: Guess = (PASSWORD, at) => initiate(place, "USER_PASSWORD_AUTH", { USERNAME, PASSWORD }, at);
  const admin: Guess = (PASSWORD) =>
    signed(server, "AdminInitiateAuth", {
      UserPoolId,
      ClientId,
      AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
      AuthParameters: { USERNAME, PASSWORD },
      ContextData: { IpAddress: elsewhere(), ServerName: "s", ServerPath: "/", HttpHeaders: [] },
    });
  const beginSrp = async (wrongs: number): Promise<Guesses> => {
    // One proof uses its challenge up.
    const prove = async () => {
      const client = new SrpClient();
      const { body } = await initiate(place, "USER_SRP_AUTH", { USERNAME, SRP_A: client.srpA });
      const asked = body["ChallengeParameters"] as Texts;
      return (secret: string, at: number) => {
        const proof = client.prove(UserPoolId, asked, secret, new Date(server.clock.now));
        return respond(place, "PASSWORD_VERIFIER", undefined, proof, at);
      };
    };
    const proofs = await Promise.all(Array.from({ length: wrongs + 1 }, prove));
    return {
      wrong: (at) => proofs[at]!(`Wrong-Guess-${at}`, at),
      right: (at = 1) => proofs[wrongs]!(password, at),
    };
  };
  return [
    { name: "password", ...parts, begin: async () => passwords(clear) },
    { name: "password by an administrator's flow", ...parts, begin: async () => passwords(admin) },
    { name: "password by SRP", ...parts, begin: beginSrp },
  ];
}

async function softwareTokensOf(place: Place): Promise<Target[]> {
  const { server, UserPoolId } = place;
  const holder = name("ben");
  await makeUser(server, UserPoolId, holder);
  const secret = await giveSoftwareToken(server, await accessToken(place, holder));
  const second: Target = {
    name: "software token",
    looked: [wrongCode],
    refused: [],
    begin: async () => {
      const open = async () =>
        (await initiate(place, "USER_PASSWORD_AUTH", { USERNAME: holder, PASSWORD: password })).body[
          "Session"
        ];
      const [theirs, own] = [await open(), await open()];
      const answer = (session: unknown, code: string, at: number) =>
        respond(
          place,
          "SOFTWARE_TOKEN_MFA",
          session,
          { USERNAME: holder, SOFTWARE_TOKEN_MFA_CODE: code },
          at,
        );
      return {
        wrong: (at) => answer(theirs, wrongTotp(secret, server.clock.now), at),
        right: (at = 1) => answer(own, totp(secret, server.clock.now), at),
      };
    },
  };
  const newcomer = name("cleo");
  await makeUser(server, UserPoolId, newcomer);
  const enrolment: Target = {
    name: "software token that is set up",
    looked: [wrongFirstCode],
    // The right one has set it up: then none waits any more.
    refused: ["No software token was associated that waits for its code."],
    begin: async () => {
      const AccessToken = await accessToken(place, newcomer);
      const associated = await server.client.send(new sdk.AssociateSoftwareTokenCommand({ AccessToken }));
      const seed = associated.SecretCode!;
      const verify = (UserCode: string, at: number) =>
        ask(place, "VerifySoftwareToken", { ClientId: undefined, AccessToken, UserCode }, at);
      return {
        wrong: (at) => verify(wrongTotp(seed, server.clock.now), at),
        right: (at = 1) => verify(totp(seed, server.clock.now), at),
      };
    },
  };
  return [second, enrolment];
}

/** Codes of sign-ins: two were sent, one for the wrong guesses and one for the right. */
async function sentCodesOf(place: Place): Promise<Target[]> {
  const { server, UserPoolId } = place;
  const phone = `+1555${String(++serial).padStart(7, "0")}`;
  const email = newAddress();
  const make = async (word: string, preference?: object) => {
    const USERNAME = name(word);
    await makeUser(server, UserPoolId, USERNAME, [
      { Name: "email", Value: email },
      { Name: "email_verified", Value: "true" },
      { Name: "phone_number", Value: phone },
      { Name: "phone_number_verified", Value: "true" },
    ]);
    if (preference === undefined) return USERNAME;
    const AccessToken = await accessToken(place, USERNAME);
    await server.client.send(new sdk.SetUserMFAPreferenceCommand({ AccessToken, ...preference }));
    return USERNAME;
  };
  const target = (
    what: string,
    USERNAME: string,
    sent: { challenge: string; member: string; to: string; flow: string; parameters: Texts },
  ): Target => ({
    name: what,
    looked: [wrongCode],
    refused: [],
    begin: async () => {
      const send = async () => {
        server.clock.advance(1_000);
        const { body } = await initiate(place, sent.flow, { USERNAME, ...sent.parameters });
        assert.equal(body["ChallengeName"], sent.challenge, JSON.stringify(body));
        return { session: body["Session"], code: await server.code(sent.to) };
      };
      const [theirs, own] = [await send(), await send()];
      const answer = (session: unknown, code: string, at: number) =>
        respond(place, sent.challenge, session, { USERNAME, [sent.member]: code }, at);
      return {
        wrong: (at) => answer(theirs.session, otherThan(theirs.code, at), at),
        right: (at = 1) => answer(own.session, own.code, at),
      };
    },
  });
  const on = { Enabled: true, PreferredMfa: true };
  const byPassword = { flow: "USER_PASSWORD_AUTH", parameters: { PASSWORD: password } };
  return [
    target("code by SMS", await make("dan", { SMSMfaSettings: on }), {
      challenge: "SMS_MFA",
      member: "SMS_MFA_CODE",
      to: phone,
      ...byPassword,
    }),
    target("code by e-mail", await make("eve", { EmailMfaSettings: on }), {
      challenge: "EMAIL_OTP",
      member: "EMAIL_OTP_CODE",
      to: email,
      ...byPassword,
    }),
    target("code that is the first factor", await make("fay"), {
      challenge: "EMAIL_OTP",
      member: "EMAIL_OTP_CODE",
      to: email,
      flow: "USER_AUTH",
      parameters: { PREFERRED_CHALLENGE: "EMAIL_OTP" },
    }),
  ];
}

/** What is counted by the hour, before it is looked at. */
async function limitedOf(place: Place): Promise<Target[]> {
  const { server, UserPoolId } = place;
  const codes = {
    looked: [wrongSentCode],
    refused: [limited, "Invalid code provided, please request a code again."],
  };
  const signUp: Target = {
    name: "ConfirmSignUp",
    ...codes,
    hourly: 15,
    begin: async () => {
      const [Username, email] = [name("gus"), newAddress()];
      const UserAttributes = [{ Name: "email", Value: email }];
      await ask(place, "SignUp", { Username, Password: password, UserAttributes });
      const code = await server.code(email);
      const confirm = (ConfirmationCode: string, at: number) =>
        ask(place, "ConfirmSignUp", { Username, ConfirmationCode }, at);
      const already = "User cannot be confirmed. Current status is CONFIRMED";
      return {
        wrong: async (at) => {
          const answer = await confirm(otherThan(code, at), at);
          return answer.message === already ? { ...answer, message: limited } : answer;
        },
        right: (at = 1) => confirm(code, at),
      };
    },
  };
  const forgetful = name("hal");
  await makeUser(server, UserPoolId, forgetful, verifiedMail());
  const recovery: Target = {
    name: "ConfirmForgotPassword",
    ...codes,
    hourly: 15,
    begin: async () => {
      const user = await server.client.send(new sdk.AdminGetUserCommand({ UserPoolId, Username: forgetful }));
      const email = user.UserAttributes!.find(({ Name }) => Name === "email")!.Value!;
      await ask(place, "ForgotPassword", { Username: forgetful });
      const code = await server.code(email);
      const confirm = (ConfirmationCode: string, at: number) =>
        ask(
          place,
          "ConfirmForgotPassword",
          { Username: forgetful, ConfirmationCode, Password: password },
          at,
        );
      return { wrong: (at) => confirm(otherThan(code, at), at), right: (at = 1) => confirm(code, at) };
    },
  };
  const mover = name("ida");
  await makeUser(server, UserPoolId, mover);
  const attribute: Target = {
    name: "VerifyUserAttribute",
    ...codes,
    hourly: 15,
    begin: async () => {
      const AccessToken = await accessToken(place, mover);
      const email = newAddress();
      const UserAttributes = [{ Name: "email", Value: email }];
      await server.client.send(new sdk.UpdateUserAttributesCommand({ AccessToken, UserAttributes }));
      const verified = { ClientId: undefined, AccessToken, AttributeName: "email" };
      const code = await server.code(email);
      const verify = (Code: string, at: number) =>
        ask(place, "VerifyUserAttribute", { ...verified, Code }, at);
      return { wrong: (at) => verify(otherThan(code, at), at), right: (at = 1) => verify(code, at) };
    },
  };
  const changer = name("joe");
  await makeUser(server, UserPoolId, changer);
  const change: Target = {
    name: "ChangePassword",
    looked: [wrongPassword],
    refused: [limited],
    hourly: 5,
    begin: async () => {
      const AccessToken = await accessToken(place, changer);
      const input = { ClientId: undefined, AccessToken, ProposedPassword: password };
      return passwords((PreviousPassword, at) =>
        ask(place, "ChangePassword", { ...input, PreviousPassword }, at),
      );
    },
  };
  return [signUp, recovery, attribute, change];
}

/**
 * What a lock guards, and what has an hourly limit.
 * @param names those that are wanted; undefined: all
 */
export async function targetsOf(
  place: Place,
  names?: readonly string[],
): Promise<{ locked: Target[]; hourly: Target[] }> {
  const locked = [
    ...(await passwordsOf(place)),
    ...(await softwareTokensOf(place)),
    ...(await sentCodesOf(place)),
  ];
  const isWanted = ({ name }: Target) => names?.includes(name) ?? true;
  return { locked: locked.filter(isWanted), hourly: (await limitedOf(place)).filter(isWanted) };
}
