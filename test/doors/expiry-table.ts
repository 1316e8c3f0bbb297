/** Everything that expires, its lifetime, and how it is begun and used. */
import assert from "node:assert/strict";
import type * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { everyFlow, makeClient, makePool, password } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import {
  type App,
  type Attempt,
  adminCall,
  byPassword,
  call,
  makeApp,
  makeSubject,
  newPassword,
  type Subject,
  type Texts,
  temporary,
  tokensOf,
  type Way,
  ways,
} from "./ways.ts";
import { type Answer, post, presignedCall, signedCall } from "./wire.ts";

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

export interface Expiry {
  /** Milliseconds. */
  readonly life: number;
  readonly begin: (server: TestServer) => Promise<Attempt>;
  /** The refusal: after `life`, or before it in the case of a limit that ends. */
  readonly type: string;
  readonly message: RegExp;
  readonly opens?: true;
}

const notAuthorized = (life: number, message: RegExp, begin: Expiry["begin"]): Expiry => ({
  life,
  begin,
  type: "NotAuthorizedException",
  message,
});

/** Runs from the beginning to the last call, with a separate pool and client. */
const along =
  (name: string, client: Partial<sdk.CreateUserPoolClientCommandInput> = {}, of?: Way["of"]) =>
  async (server: TestServer) => {
    const way = ways[name] ?? assert.fail(name);
    return way.prepare(await makeSubject(server, await appOf(server, client), of ?? way.of));
  };

const shared = new WeakMap<TestServer, Promise<App>>();

/** The pool that all tests share, with a separate client if its settings matter. */
async function appOf(
  server: TestServer,
  client: Partial<sdk.CreateUserPoolClientCommandInput> = {},
): Promise<App> {
  const made = shared.get(server) ?? makeApp(server);
  shared.set(server, made);
  const app = await made;
  if (Object.keys(client).length === 0) return app;
  const { ClientId } = await makeClient(server, app.UserPoolId, { ExplicitAuthFlows: everyFlow, ...client });
  return { UserPoolId: app.UserPoolId, ClientId };
}

export const subjectOf = async (
  server: TestServer,
  of: Way["of"] = "confirmed",
  client?: Partial<sdk.CreateUserPoolClientCommandInput>,
) => makeSubject(server, await appOf(server, client), of);

const codeExpired = {
  type: "ExpiredCodeException",
  message: /^Invalid code provided, please request a code again\.$/,
};
const session = /^Invalid session for the user, session is expired\.$/;
const tokenExpired = /^Access Token has expired$/;
const refreshExpired = /^Refresh Token has expired$/;
const lapsed = /^Temporary password has expired and must be reset by an administrator\.$/;
const limited = {
  type: "LimitExceededException",
  message: /^Attempt limit exceeded, please try after some time\.$/,
  opens: true,
} as const;

/** Signs in with a temporary password set under the policy of a separate pool. */
const temporaryPassword =
  (
    pool: Partial<sdk.CreateUserPoolCommandInput>,
    set: (subject: Subject) => Promise<unknown> = async () => {},
  ) =>
  async (server: TestServer) => {
    const { UserPoolId, ClientId } = await makePool(server, pool, { ExplicitAuthFlows: everyFlow });
    const subject = await makeSubject(server, { UserPoolId, ClientId }, "invited");
    await set(subject);
    return () => byPassword(subject, temporary);
  };

const rotates = (RetryGracePeriodSeconds: number): Partial<sdk.CreateUserPoolClientCommandInput> => ({
  ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"],
  RefreshTokenRotation: { Feature: "ENABLED", RetryGracePeriodSeconds },
});

const refresh = (subject: Subject, RefreshToken: unknown) =>
  call(subject, "GetTokensFromRefreshToken", { ClientId: subject.ClientId, RefreshToken });

/** The rotated refresh token is used again. */
const replay = (grace: number) => async (server: TestServer) => {
  const subject = await subjectOf(server, "confirmed", rotates(grace));
  const { RefreshToken } = await tokensOf(subject);
  assert.equal((await refresh(subject, RefreshToken)).status, 200);
  return () => refresh(subject, RefreshToken);
};

/** A successor does not outlive the first of its family. */
const successor = async (server: TestServer) => {
  const subject = await subjectOf(server, "confirmed", {
    ...rotates(0),
    RefreshTokenValidity: 70,
    TokenValidityUnits: { RefreshToken: "minutes" },
  });
  const { RefreshToken } = await tokensOf(subject);
  server.clock.advance(10 * minute);
  const answer = await refresh(subject, RefreshToken);
  const next = (answer.body["AuthenticationResult"] as Texts)["RefreshToken"];
  return () => refresh(subject, next);
};

export const list = {
  prefix: "AWSCognitoIdentityProviderService",
  service: "cognito-idp",
  name: "ListUserPools",
};
export const listing = '{"MaxResults":1}';
const signature = (expires?: number) => async (server: TestServer) => {
  const { endpoint, clock } = server;
  const now = clock.now;
  const made =
    expires === undefined
      ? signedCall(endpoint, list, listing, { now })
      : presignedCall(endpoint, list, listing, { now, expires });
  return () => post(endpoint, made);
};

/** A number of wrong passwords, each as soon as it is processed. */
const lockedOut = (failures: number) => async (server: TestServer) => {
  const subject = await subjectOf(server);
  for (let count = 1; count <= failures; count++) {
    const answer = await byPassword(subject, "Wrong-Horse-1");
    assert.equal(answer.message, "Incorrect username or password.");
    if (count >= 5 && count < failures) server.clock.advance(2 ** (count - 5) * second);
  }
  return () => byPassword(subject);
};

/** The first call beyond a limit. */
const beyond =
  (times: number, of: Way["of"], request: (subject: Subject) => Promise<Answer>) =>
  async (server: TestServer) => {
    const subject = await subjectOf(server, of);
    for (let count = 0; count < times; count++) assert.equal((await request(subject)).status, 200);
    return () => request(subject);
  };

const inInbox = async (server: TestServer) => {
  const { email } = await subjectOf(server, "unconfirmed");
  return async (): Promise<Answer> => {
    const there = (await server.inbox(email)).length > 0;
    return { status: there ? 200 : 404, type: there ? undefined : "gone", message: "", body: {} };
  };
};

export const expiries: Readonly<Record<string, Expiry>> = {
  "a Session": notAuthorized(3 * minute, session, along("NEW_PASSWORD_REQUIRED")),
  "a Session of AuthSessionValidity 15": notAuthorized(
    15 * minute,
    session,
    along("NEW_PASSWORD_REQUIRED", { AuthSessionValidity: 15 }),
  ),
  "a Session of an administrator": notAuthorized(
    3 * minute,
    session,
    along("NEW_PASSWORD_REQUIRED of an administrator"),
  ),
  "a SECRET_BLOCK": notAuthorized(
    3 * minute,
    /^Incorrect username or password\.$/,
    along("PASSWORD_VERIFIER"),
  ),
  "a SECRET_BLOCK of AuthSessionValidity 15": notAuthorized(
    15 * minute,
    /^Incorrect username or password\.$/,
    along("PASSWORD_VERIFIER", { AuthSessionValidity: 15 }),
  ),
  "a sign-up code": { life: day, begin: along("ConfirmSignUp"), ...codeExpired },
  "a sign-up code of who hides who exists": {
    life: day,
    begin: along("ConfirmSignUp", { PreventUserExistenceErrors: "ENABLED" }),
    ...codeExpired,
  },
  "a password code": { life: hour, begin: along("ConfirmForgotPassword"), ...codeExpired },
  "a password code of an administrator's reset": {
    life: hour,
    begin: async (server) => {
      const subject = await subjectOf(server);
      const { ClientId, UserPoolId, Username } = subject;
      await adminCall(subject, "AdminResetUserPassword", { UserPoolId, Username });
      const ConfirmationCode = await server.code(subject.email);
      const input = { ClientId, Username, ConfirmationCode, Password: newPassword };
      return () => call(subject, "ConfirmForgotPassword", input);
    },
    ...codeExpired,
  },
  "an attribute's code": {
    life: day,
    begin: async (server) => {
      const subject = await subjectOf(server);
      const { AccessToken } = await tokensOf(subject);
      await call(subject, "GetUserAttributeVerificationCode", { AccessToken, AttributeName: "email" });
      const Code = await server.code(subject.email);
      return async () => {
        const fresh = await tokensOf(subject);
        return call(subject, "VerifyUserAttribute", { ...fresh, AttributeName: "email", Code });
      };
    },
    ...codeExpired,
  },
  "a temporary password": notAuthorized(7 * day, lapsed, temporaryPassword({})),
  "a temporary password of one day": notAuthorized(
    day,
    lapsed,
    temporaryPassword({
      Policies: { PasswordPolicy: { MinimumLength: 8, TemporaryPasswordValidityDays: 1 } },
    }),
  ),
  "a temporary password of UnusedAccountValidityDays": notAuthorized(
    3 * day,
    lapsed,
    temporaryPassword({ AdminCreateUserConfig: { UnusedAccountValidityDays: 3 } }),
  ),
  "a temporary password that was set": notAuthorized(
    7 * day,
    lapsed,
    temporaryPassword({}, async (subject) => {
      const { UserPoolId, Username, server } = subject;
      server.clock.advance(hour);
      await adminCall(subject, "AdminSetUserPassword", { UserPoolId, Username, Password: temporary });
    }),
  ),
  "an access token": notAuthorized(hour, tokenExpired, along("GetUser")),
  "an access token of 5 minutes": notAuthorized(
    5 * minute,
    tokenExpired,
    along("GetUser", { AccessTokenValidity: 5, TokenValidityUnits: { AccessToken: "minutes" } }),
  ),
  "an access token of 301 seconds": notAuthorized(
    301 * second,
    tokenExpired,
    along("GetUser", { AccessTokenValidity: 301, TokenValidityUnits: { AccessToken: "seconds" } }),
  ),
  "an access token of a day": notAuthorized(
    day,
    tokenExpired,
    along("GetUser", { AccessTokenValidity: 1, TokenValidityUnits: { AccessToken: "days" } }),
  ),
  "an access token of 2 (hours)": notAuthorized(
    2 * hour,
    tokenExpired,
    along("GetUser", { AccessTokenValidity: 2 }),
  ),
  "a refresh token": notAuthorized(30 * day, refreshExpired, along("REFRESH_TOKEN_AUTH")),
  "a refresh token, renewed by its own operation": notAuthorized(
    30 * day,
    refreshExpired,
    along("GetTokensFromRefreshToken"),
  ),
  "a refresh token of an hour": notAuthorized(
    hour,
    refreshExpired,
    along("REFRESH_TOKEN_AUTH", {
      RefreshTokenValidity: 60,
      TokenValidityUnits: { RefreshToken: "minutes" },
    }),
  ),
  "a refresh token of 2 (days)": notAuthorized(
    2 * day,
    refreshExpired,
    along("REFRESH_TOKEN of an administrator", { RefreshTokenValidity: 2 }),
  ),
  "a refresh token of ten years": notAuthorized(
    3650 * day,
    refreshExpired,
    along("REFRESH_TOKEN_AUTH", { RefreshTokenValidity: 3650 }),
  ),
  "the successor of a refresh token": notAuthorized(60 * minute, refreshExpired, successor),
  "the grace of a rotated token": {
    life: 10 * second,
    begin: replay(10),
    type: "RefreshTokenReuseException",
    message: /./,
  },
  "the longest grace of a rotated token": {
    life: 60 * second,
    begin: replay(60),
    type: "RefreshTokenReuseException",
    message: /./,
  },
  "a signature": {
    life: 5 * minute,
    begin: signature(),
    type: "InvalidSignatureException",
    message: /^Signature expired/,
  },
  "a presigned call of a minute": {
    life: minute,
    begin: signature(60),
    type: "InvalidSignatureException",
    message: /^Signature expired/,
  },
  "a presigned call of a week": {
    life: 7 * day,
    begin: signature(604_800),
    type: "InvalidSignatureException",
    message: /^Signature expired/,
  },
  "a page token": {
    life: hour,
    begin: async (server) => {
      const subject = await subjectOf(server);
      await appOf(server, { ClientName: "another" });
      const input = { UserPoolId: subject.UserPoolId, MaxResults: 1 };
      const { body } = await adminCall(subject, "ListUserPoolClients", input);
      assert.equal(typeof body["NextToken"], "string");
      return () => adminCall(subject, "ListUserPoolClients", { ...input, NextToken: body["NextToken"] });
    },
    type: "InvalidParameterException",
    message: /pagination token/,
  },
  "a message in the inbox": { life: day, begin: inInbox, type: "gone", message: /^$/ },
  "a lock of 1 second": {
    ...notAuthorized(second, /^Password attempts exceeded$/, lockedOut(5)),
    opens: true,
  },
  "a lock of 32 seconds": {
    ...notAuthorized(32 * second, /^Password attempts exceeded$/, lockedOut(10)),
    opens: true,
  },
  "the limit of ForgotPassword": {
    life: hour,
    begin: beyond(5, "confirmed", (subject) =>
      call(subject, "ForgotPassword", { ClientId: subject.ClientId, Username: subject.Username }),
    ),
    ...limited,
  },
  "the limit of ResendConfirmationCode": {
    life: hour,
    begin: beyond(5, "unconfirmed", (subject) =>
      call(subject, "ResendConfirmationCode", { ClientId: subject.ClientId, Username: subject.Username }),
    ),
    ...limited,
  },
  "the limit of ChangePassword": {
    life: hour,
    begin: beyond(5, "confirmed", async (subject) =>
      call(subject, "ChangePassword", {
        ...(await tokensOf(subject)),
        PreviousPassword: password,
        ProposedPassword: password,
      }),
    ),
    ...limited,
  },
};
