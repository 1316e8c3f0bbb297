/** How trigger sources come to fire: requests of users and administrators in a pool whose triggers run the scripted function. */
import assert from "node:assert/strict";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { findProvider } from "../../src/domain/federation/provider.ts";
import type { MessageReason } from "../../src/domain/triggers/trigger.ts";
import { makeVerifier } from "../../src/lib/srp.ts";
import { addProvider, arrive, contextOf, identity, offer } from "../federation/people.ts";
import {
  type MadeClient,
  makeUser,
  newAddress,
  password,
  signIn,
  type Tokens,
  unique,
} from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { until } from "../kit/waiting.ts";
import { newCode, post, redeem, signInBrowser } from "../oauth/support.ts";
import { script } from "./functions.ts";

/** A pool whose users are told in messages. */
export interface Place {
  readonly server: TestServer;
  readonly UserPoolId: string;
  readonly ClientId: string;
}

export interface Scene extends Place {
  /** The URL that the pool's endpoints begin with. */
  readonly base: string;
  /** A client whose users sign in at the pages. */
  readonly pages: MadeClient;
  /** A client that gets tokens for itself. */
  readonly machine: MadeClient;
  /** The pool whose messages functions send. */
  readonly senders: Place;
}

/** Whom an event is about; each member's value stands in the expected event as its name in angle brackets. */
export interface Subject {
  readonly user: string;
  readonly email?: string;
  readonly phone?: string;
  readonly client?: string;
}

export type Attribute = "email" | "phone_number";

export const metadata = { from: "app" };
const ClientMetadata = metadata;

const attributesOf = (attribute: Attribute, Value: string, verified?: boolean) => [
  { Name: attribute, Value },
  ...(verified === undefined ? [] : [{ Name: `${attribute}_verified`, Value: String(verified) }]),
];
let serial = 0;
const newNumber = () => `+4915551${String(1000 + ++serial)}`;
const addressOf = (attribute: Attribute) => (attribute === "email" ? newAddress() : newNumber());
const subject = (user: string, attribute: Attribute, address: string): Subject =>
  attribute === "email" ? { user, email: address } : { user, phone: address };

export async function signUp({ server, ClientId }: Place, attribute: Attribute = "email"): Promise<Subject> {
  const [Username, address] = [unique("user"), addressOf(attribute)];
  await server.client.send(
    new sdk.SignUpCommand({
      ...{ ClientId, Username, Password: password, ClientMetadata },
      UserAttributes: attributesOf(attribute, address),
      ValidationData: [{ Name: "captcha", Value: "passed" }],
    }),
  );
  return subject(Username, attribute, address);
}

async function somebody(scene: Place, attribute: Attribute = "email", verified = true): Promise<Subject> {
  const address = addressOf(attribute);
  const attributes = attributesOf(attribute, address, verified);
  const user = await makeUser(scene.server, scene.UserPoolId, unique("user"), attributes);
  return subject(user, attribute, address);
}

export function initiate(
  { server, ClientId }: Place,
  AuthFlow: sdk.AuthFlowType,
  parameters: Record<string, string>,
) {
  const input = { ClientId, AuthFlow, AuthParameters: parameters, ClientMetadata };
  return server.client.send(new sdk.InitiateAuthCommand(input));
}

type Asked = Pick<sdk.InitiateAuthCommandOutput, "ChallengeName" | "Session" | "ChallengeParameters">;
function respond({ server, ClientId }: Place, { ChallengeName, Session }: Asked, responses: object) {
  const ChallengeResponses = { ...responses };
  const input = { ClientId, ChallengeName, Session, ChallengeResponses, ClientMetadata };
  return server.client.send(new sdk.RespondToAuthChallengeCommand(input));
}

export async function byPassword(scene: Scene): Promise<Subject> {
  const one = await somebody(scene);
  await initiate(scene, "USER_PASSWORD_AUTH", { USERNAME: one.user, PASSWORD: password });
  return one;
}

export async function newPassword(scene: Scene): Promise<Subject> {
  const [Username, email] = [unique("user"), newAddress()];
  await scene.server.client.send(
    new sdk.AdminCreateUserCommand({
      ...{ UserPoolId: scene.UserPoolId, Username, TemporaryPassword: password, MessageAction: "SUPPRESS" },
      UserAttributes: attributesOf("email", email, true),
    }),
  );
  const asked = await initiate(scene, "USER_PASSWORD_AUTH", { USERNAME: Username, PASSWORD: password });
  await respond(scene, asked, { USERNAME: Username, NEW_PASSWORD: "Other-Horse-8" });
  return { user: Username, email };
}

/** Somebody whose device has been confirmed in a first sign-in. */
async function withDevice(scene: Scene) {
  const one = await somebody(scene);
  const { AccessToken, RefreshToken, NewDeviceMetadata } = (await signIn(
    scene.server,
    scene.ClientId,
    one.user,
  )) as Tokens & sdk.AuthenticationResultType;
  const { DeviceKey = "", DeviceGroupKey: group = "" } = NewDeviceMetadata ?? {};
  const salt = Buffer.alloc(16, 7);
  const verifier = makeVerifier({ group, identity: DeviceKey, password: "device-secret", salt });
  const [Salt, PasswordVerifier] = [salt.toString("base64"), verifier.toString("base64")];
  const DeviceSecretVerifierConfig = { Salt, PasswordVerifier };
  const confirmation = { AccessToken, DeviceKey, DeviceSecretVerifierConfig };
  await scene.server.client.send(new sdk.ConfirmDeviceCommand(confirmation));
  return { one, RefreshToken, DeviceKey, group };
}

export async function byDevice(scene: Scene): Promise<Subject> {
  const { one, DeviceKey, group } = await withDevice(scene);
  const named = { USERNAME: one.user, DEVICE_KEY: DeviceKey };
  const begun = await initiate(scene, "USER_PASSWORD_AUTH", { ...named, PASSWORD: password });
  const srp = new SrpClient();
  const asked = await respond(scene, begun, { ...named, SRP_A: srp.srpA });
  const parameters = { ...asked.ChallengeParameters, USER_ID_FOR_SRP: DeviceKey };
  const now = new Date(scene.server.clock.now);
  await respond(scene, asked, { ...srp.prove(`pool_${group}`, parameters, "device-secret", now), ...named });
  return one;
}

export async function byRefresh(scene: Scene): Promise<Subject> {
  const { one, RefreshToken, DeviceKey } = await withDevice(scene);
  await initiate(scene, "REFRESH_TOKEN_AUTH", { REFRESH_TOKEN: RefreshToken, DEVICE_KEY: DeviceKey });
  return one;
}

export async function atPages(scene: Scene): Promise<Subject> {
  const one = await somebody(scene);
  const {
    server,
    UserPoolId,
    pages: { ClientId },
    base,
  } = scene;
  const cookie = await signInBrowser(server, UserPoolId, one.user);
  const place = { base, ClientId, cookie };
  const { status } = await redeem(place, await newCode(place));
  assert.equal(status, 200);
  return { ...one, client: ClientId };
}

export async function byClient({ base, machine }: Scene): Promise<Subject> {
  const basic = `${machine.ClientId}:${machine.ClientSecret}`;
  const { status } = await post({ base }, { grant_type: "client_credentials" }, { basic });
  assert.equal(status, 200);
  return { user: machine.ClientId, client: machine.ClientId };
}

/** CUSTOM_AUTH, in which the functions ask one question and are content with any answer. */
export async function byRiddle(scene: Scene): Promise<Subject> {
  const one = await somebody(scene);
  const says = (trigger: string, response: object) =>
    script(scene.UserPoolId, `${trigger}_Authentication`, { response });
  says("DefineAuthChallenge", { challengeName: "CUSTOM_CHALLENGE" });
  says("CreateAuthChallenge", {
    publicChallengeParameters: { hint: "h" },
    privateChallengeParameters: { solution: "s" },
    challengeMetadata: "RIDDLE",
  });
  says("VerifyAuthChallengeResponse", { answerCorrect: true });
  const asked = await initiate(scene, "CUSTOM_AUTH", { USERNAME: one.user });
  await respond(scene, asked, { USERNAME: one.user, ANSWER: "s" });
  return one;
}

export async function fromElsewhere(call: (user: string) => Promise<unknown>): Promise<Subject> {
  const user = unique("unknown");
  // Nobody is migrated, and who asks is told what anybody is told of such a name.
  await call(user).catch(({ name }: Error) => assert.equal(name, "NotAuthorizedException"));
  return { user };
}

/** How each message comes to be sent, to an address of this kind. */
export const messages: Readonly<
  Record<MessageReason, (scene: Place, attribute: Attribute) => Promise<Subject>>
> = {
  SignUp: signUp,
  ResendCode: async (scene, attribute) => {
    const one = await signUp(scene, attribute);
    const input = { ClientId: scene.ClientId, Username: one.user, ClientMetadata };
    await scene.server.client.send(new sdk.ResendConfirmationCodeCommand(input));
    return one;
  },
  Authentication: async (scene, attribute) => {
    const one = await somebody(scene, attribute);
    const PREFERRED_CHALLENGE = attribute === "email" ? "EMAIL_OTP" : "SMS_OTP";
    await initiate(scene, "USER_AUTH", { USERNAME: one.user, PREFERRED_CHALLENGE });
    return one;
  },
  AdminCreateUser: async ({ server, UserPoolId }, attribute) => {
    const [Username, address] = [unique("user"), addressOf(attribute)];
    await server.client.send(
      new sdk.AdminCreateUserCommand({
        ...{ UserPoolId, Username, TemporaryPassword: password, ClientMetadata },
        UserAttributes: attributesOf(attribute, address, true),
        DesiredDeliveryMediums: [attribute === "email" ? "EMAIL" : "SMS"],
      }),
    );
    return subject(Username, attribute, address);
  },
  ForgotPassword: async (scene, attribute) => {
    const one = await somebody(scene, attribute);
    const input = { ClientId: scene.ClientId, Username: one.user, ClientMetadata };
    await scene.server.client.send(new sdk.ForgotPasswordCommand(input));
    return one;
  },
  UpdateUserAttribute: async (scene, attribute) => {
    const { user } = await somebody(scene, attribute);
    const { AccessToken } = await signIn(scene.server, scene.ClientId, user);
    const address = addressOf(attribute);
    const UserAttributes = attributesOf(attribute, address);
    const input = { AccessToken, UserAttributes, ClientMetadata };
    await scene.server.client.send(new sdk.UpdateUserAttributesCommand(input));
    return subject(user, attribute, address);
  },
  VerifyUserAttribute: async (scene, attribute) => {
    const one = await somebody(scene, attribute, false);
    const { AccessToken } = await signIn(scene.server, scene.ClientId, one.user);
    const input = { AccessToken, AttributeName: attribute, ClientMetadata };
    await scene.server.client.send(new sdk.GetUserAttributeVerificationCodeCommand(input));
    return one;
  },
};

/** For a client that hides who exists, the worker delivers, a moment later. */
async function codeFor({ server }: Place, email: string): Promise<string> {
  await until("the code has come", async () => (await server.inbox(email)).length > 0);
  return server.code(email);
}

export async function confirmed(scene: Place): Promise<Subject> {
  const one = await signUp(scene);
  const ConfirmationCode = await codeFor(scene, one.email!);
  const input = { ClientId: scene.ClientId, Username: one.user, ConfirmationCode, ClientMetadata };
  await scene.server.client.send(new sdk.ConfirmSignUpCommand(input));
  return one;
}

export async function recovered(scene: Place): Promise<Subject> {
  const one = await messages.ForgotPassword(scene, "email");
  const ConfirmationCode = await codeFor(scene, one.email!);
  const named = { ClientId: scene.ClientId, Username: one.user, Password: "Other-Horse-8" };
  const input = { ...named, ConfirmationCode, ClientMetadata };
  await scene.server.client.send(new sdk.ConfirmForgotPasswordCommand(input));
  return one;
}

/** What an identity provider answers. */
export const answers = { idToken: { sub: "00u1" }, userInfo: { given_name: "Ann" } };

const provided = { given_name: "given_name" };

/** Somebody whom an identity provider signs in for the first time. */
export async function fromProvider({ server, UserPoolId, ClientId }: Place): Promise<Subject> {
  const place = { server, UserPoolId, ClientId, base: "" };
  if (!(await findProvider(contextOf(server), UserPoolId, "Corporate"))) {
    await addProvider(place, "Corporate", { mapping: provided });
    await offer(place, "COGNITO", "Corporate");
  }
  const subject = unique("00u");
  await arrive(place, { ...identity(subject, answers.userInfo), answers });
  return { user: `Corporate_${subject}` };
}

/** As `fromProvider`, and once more. */
export async function fromProviderAgain(scene: Place): Promise<Subject> {
  const one = await fromProvider(scene);
  const subject = one.user.slice("Corporate_".length);
  await arrive({ ...scene, base: "" }, { ...identity(subject, answers.userInfo), answers });
  return one;
}
