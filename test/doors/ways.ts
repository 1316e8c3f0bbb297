/** Every way to sign in, for one person at one client: the calls that lead up to the last one, and that call. */

import assert from "node:assert/strict";
import { AdminCreateUserCommand, SignUpCommand } from "@aws-sdk/client-cognito-identity-provider";
import { everyFlow, makePool, makeUser, newAddress, password } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { type Answer, post, signedCall, unsigned } from "./wire.ts";

export type Texts = Record<string, string>;

/** A user of a pool with a client. */
export interface Subject {
  readonly server: TestServer;
  readonly UserPoolId: string;
  readonly ClientId: string;
  readonly Username: string;
  readonly email: string;
}

export type Attempt = () => Promise<Answer>;

const prefix = "AWSCognitoIdentityProviderService";
export const temporary = "Temporary-1";
export const newPassword = "Another-Horse-8";

export function call({ server }: Subject, name: string, input: object): Promise<Answer> {
  return post(server.endpoint, unsigned(server.endpoint, { prefix, name }, JSON.stringify(input)));
}

export function adminCall({ server }: Subject, name: string, input: object): Promise<Answer> {
  const operation = { prefix, name, service: "cognito-idp" };
  const body = JSON.stringify(input);
  return post(server.endpoint, signedCall(server.endpoint, operation, body, { now: server.clock.now }));
}

export const initiate = (subject: Subject, AuthFlow: string, AuthParameters: Texts) =>
  call(subject, "InitiateAuth", { ClientId: subject.ClientId, AuthFlow, AuthParameters });
export const adminInitiate = (subject: Subject, AuthFlow: string, AuthParameters: Texts) => {
  const { UserPoolId, ClientId } = subject;
  return adminCall(subject, "AdminInitiateAuth", { UserPoolId, ClientId, AuthFlow, AuthParameters });
};

export const byPassword = (subject: Subject, PASSWORD = password) =>
  initiate(subject, "USER_PASSWORD_AUTH", { USERNAME: subject.Username, PASSWORD });

export async function tokensOf(subject: Subject): Promise<Texts> {
  const answer = await byPassword(subject);
  assert.ok(answer.body["AuthenticationResult"], answer.message);
  return answer.body["AuthenticationResult"] as Texts;
}

export async function srpProof(subject: Subject, begin: typeof initiate): Promise<Texts> {
  const client = new SrpClient();
  const answer = await begin(subject, "USER_SRP_AUTH", { USERNAME: subject.Username, SRP_A: client.srpA });
  if (answer.status !== 200) return { refused: answer.type ?? "" };
  const parameters = answer.body["ChallengeParameters"] as Texts;
  return client.prove(subject.UserPoolId, parameters, password, new Date(subject.server.clock.now));
}

export const respond = (
  subject: Subject,
  ChallengeName: string,
  ChallengeResponses: Texts,
  Session?: unknown,
) =>
  call(subject, "RespondToAuthChallenge", {
    ClientId: subject.ClientId,
    ChallengeName,
    ChallengeResponses,
    Session,
  });

/** SRP from the start, whichever of its two steps is refused. */
const bySrp = (begin: typeof initiate) => (subject: Subject) => async () => async () => {
  const client = new SrpClient();
  const started = await begin(subject, "USER_SRP_AUTH", { USERNAME: subject.Username, SRP_A: client.srpA });
  if (started.status !== 200) return started;
  const parameters = started.body["ChallengeParameters"] as Texts;
  const { UserPoolId, server } = subject;
  const proof = client.prove(UserPoolId, parameters, password, new Date(server.clock.now));
  return respond(subject, "PASSWORD_VERIFIER", proof);
};

export interface Way {
  /** The status that the user must have. */
  readonly of: "confirmed" | "invited" | "unconfirmed";
  /** Everything up to the last call. */
  readonly prepare: (subject: Subject) => Promise<Attempt>;
}

const from = (of: Way["of"], prepare: Way["prepare"]): Way => ({ of, prepare });

export const ways: Readonly<Record<string, Way>> = {
  USER_PASSWORD_AUTH: from("confirmed", async (subject) => () => byPassword(subject)),
  ADMIN_USER_PASSWORD_AUTH: from("confirmed", async (subject) => () => {
    const AuthParameters = { USERNAME: subject.Username, PASSWORD: password };
    return adminInitiate(subject, "ADMIN_USER_PASSWORD_AUTH", AuthParameters);
  }),
  USER_SRP_AUTH: from("confirmed", (subject) => bySrp(initiate)(subject)()),
  "USER_SRP_AUTH of an administrator": from("confirmed", (subject) => bySrp(adminInitiate)(subject)()),
  PASSWORD_VERIFIER: from("confirmed", async (subject) => {
    const proof = await srpProof(subject, initiate);
    return () => respond(subject, "PASSWORD_VERIFIER", proof);
  }),
  "a temporary password": from("invited", async (subject) => () => byPassword(subject, temporary)),
  NEW_PASSWORD_REQUIRED: from("invited", async (subject) => {
    const begun = await byPassword(subject, temporary);
    const responses = { USERNAME: subject.Username, NEW_PASSWORD: newPassword };
    return () => respond(subject, "NEW_PASSWORD_REQUIRED", responses, begun.body["Session"]);
  }),
  "NEW_PASSWORD_REQUIRED of an administrator": from("invited", async (subject) => {
    const { UserPoolId, ClientId, Username } = subject;
    const begun = await byPassword(subject, temporary);
    const input = {
      UserPoolId,
      ClientId,
      ChallengeName: "NEW_PASSWORD_REQUIRED",
      Session: begun.body["Session"],
      ChallengeResponses: { USERNAME: Username, NEW_PASSWORD: newPassword },
    };
    return () => adminCall(subject, "AdminRespondToAuthChallenge", input);
  }),
  REFRESH_TOKEN_AUTH: from("confirmed", async (subject) => {
    const { RefreshToken } = await tokensOf(subject);
    return () => initiate(subject, "REFRESH_TOKEN_AUTH", { REFRESH_TOKEN: RefreshToken! });
  }),
  "REFRESH_TOKEN of an administrator": from("confirmed", async (subject) => {
    const { RefreshToken } = await tokensOf(subject);
    return () => adminInitiate(subject, "REFRESH_TOKEN", { REFRESH_TOKEN: RefreshToken! });
  }),
  GetTokensFromRefreshToken: from("confirmed", async (subject) => {
    const { RefreshToken } = await tokensOf(subject);
    return () => call(subject, "GetTokensFromRefreshToken", { ClientId: subject.ClientId, RefreshToken });
  }),
  GetUser: from("confirmed", async (subject) => {
    const { AccessToken } = await tokensOf(subject);
    return () => call(subject, "GetUser", { AccessToken });
  }),
  ChangePassword: from("confirmed", async (subject) => {
    const { AccessToken } = await tokensOf(subject);
    const input = { AccessToken, PreviousPassword: password, ProposedPassword: newPassword };
    return () => call(subject, "ChangePassword", input);
  }),
  VerifyUserAttribute: from("confirmed", async (subject) => {
    const { AccessToken } = await tokensOf(subject);
    await call(subject, "GetUserAttributeVerificationCode", { AccessToken, AttributeName: "email" });
    const Code = await subject.server.code(subject.email);
    return () => call(subject, "VerifyUserAttribute", { AccessToken, AttributeName: "email", Code });
  }),
  ForgotPassword: from("confirmed", async (subject) => {
    const { ClientId, Username } = subject;
    return () => call(subject, "ForgotPassword", { ClientId, Username });
  }),
  ConfirmForgotPassword: from("confirmed", async (subject) => {
    const { ClientId, Username } = subject;
    await call(subject, "ForgotPassword", { ClientId, Username });
    const ConfirmationCode = await subject.server.code(subject.email);
    const input = { ClientId, Username, ConfirmationCode, Password: newPassword };
    return () => call(subject, "ConfirmForgotPassword", input);
  }),
  ConfirmSignUp: from("unconfirmed", async (subject) => {
    const { ClientId, Username } = subject;
    const ConfirmationCode = await subject.server.code(subject.email);
    return () => call(subject, "ConfirmSignUp", { ClientId, Username, ConfirmationCode });
  }),
  ResendConfirmationCode: from("unconfirmed", async (subject) => {
    const { ClientId, Username } = subject;
    return () => call(subject, "ResendConfirmationCode", { ClientId, Username });
  }),
};

let serial = 0;

/** A user in the state that a way starts from. */
export async function makeSubject(
  server: TestServer,
  app: { UserPoolId: string; ClientId: string },
  of: Way["of"],
) {
  const Username = `user${++serial}`;
  const email = newAddress();
  const subject: Subject = { server, ...app, Username, email };
  const UserAttributes = [
    { Name: "email", Value: email },
    { Name: "email_verified", Value: "true" },
  ];
  if (of === "confirmed") await makeUser(server, app.UserPoolId, Username, UserAttributes);
  if (of === "unconfirmed") {
    const signUp = {
      ClientId: app.ClientId,
      Username,
      Password: password,
      UserAttributes: UserAttributes.slice(0, 1),
    };
    await server.client.send(new SignUpCommand(signUp));
  }
  if (of === "invited") {
    await server.client.send(
      new AdminCreateUserCommand({
        UserPoolId: app.UserPoolId,
        Username,
        UserAttributes,
        TemporaryPassword: temporary,
        MessageAction: "SUPPRESS",
      }),
    );
  }
  return subject;
}

export interface App {
  readonly UserPoolId: string;
  readonly ClientId: string;
}

export async function makeApp(
  server: TestServer,
  PreventUserExistenceErrors: "LEGACY" | "ENABLED" = "LEGACY",
): Promise<App> {
  const { UserPoolId, ClientId } = await makePool(
    server,
    { AutoVerifiedAttributes: ["email"] },
    { ExplicitAuthFlows: everyFlow, PreventUserExistenceErrors },
  );
  return { UserPoolId, ClientId };
}
