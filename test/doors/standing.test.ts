/**
 * Users, clients, pools and groups that no longer exist or are disabled × every way to sign in. Each way is prepared
 * while everything is in order, up to the last secret; then the precondition is removed, and the way must be refused.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { decodeJwt } from "jose";
import { everyFlow, makeClient } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import {
  type App,
  adminCall,
  byPassword,
  initiate,
  makeApp,
  makeSubject,
  type Subject,
  type Texts,
  tokensOf,
  type Way,
  ways,
} from "./ways.ts";
import { type Answer, inBatches } from "./wire.ts";

/** Ways to remove the precondition. */
const losses: Readonly<Record<string, (subject: Subject) => Promise<unknown>>> = {
  "the user is disabled": ({ server, UserPoolId, Username }) =>
    server.client.send(new sdk.AdminDisableUserCommand({ UserPoolId, Username })),
  "the user is deleted": ({ server, UserPoolId, Username }) =>
    server.client.send(new sdk.AdminDeleteUserCommand({ UserPoolId, Username })),
  "the user is deleted and made again": async ({ server, UserPoolId, Username }) => {
    await server.client.send(new sdk.AdminDeleteUserCommand({ UserPoolId, Username }));
    await server.client.send(
      new sdk.AdminCreateUserCommand({
        UserPoolId,
        Username,
        MessageAction: "SUPPRESS",
        TemporaryPassword: "Else-Where-5",
      }),
    );
  },
  // As the users of identity providers, who have no other way in.
  "the user's own sign-in is ended": ({ server, UserPoolId, Username }) =>
    server.client.send(
      new sdk.AdminDisableProviderForUserCommand({
        UserPoolId,
        User: {
          ...{ ProviderName: "Cognito", ProviderAttributeName: "Cognito_Subject" },
          ProviderAttributeValue: Username,
        },
      }),
    ),
  "the client is deleted": ({ server, UserPoolId, ClientId }) =>
    server.client.send(new sdk.DeleteUserPoolClientCommand({ UserPoolId, ClientId })),
  "the pool is deleted": ({ server, UserPoolId }) =>
    server.client.send(new sdk.DeleteUserPoolCommand({ UserPoolId })),
};

/** The result of each way if nothing is removed. */
async function control(way: Way, subject: Subject): Promise<void> {
  const attempt = await way.prepare(subject);
  const answer = await attempt();
  assert.equal(answer.status, 200, `${answer.type} ${answer.message}`);
}

/**
 * The error of a way after a loss; undefined if clients that hide who exists give everybody the same answer and send
 * nothing.
 */
function refusalOf(way: string, loss: string, existence: "LEGACY" | "ENABLED"): RegExp | undefined {
  if (!loss.startsWith("the user")) return /^(?:ResourceNotFound|NotAuthorized)Exception$/;
  const isSimulated = way === "ForgotPassword" || way === "ResendConfirmationCode";
  if (isSimulated && existence === "ENABLED") return undefined;
  // A user who was created again, or comes from elsewhere, is not UNCONFIRMED: "User is already confirmed."
  if (way === "ResendConfirmationCode" && /again$|ended$/.test(loss)) return /^InvalidParameterException$/;
  return /^(?:NotAuthorized|UserNotFound|CodeMismatch|ExpiredCode)Exception$/;
}

/** A way to sign in up to its last call. */
async function begin(server: TestServer, app: App, name: string, way = ways[name]) {
  if (way === undefined) return assert.fail(name);
  const subject = await makeSubject(server, app, way.of);
  return { name, subject, attempt: await way.prepare(subject) };
}

forOneServer("sqlite", "standing", (open) => {
  for (const existence of ["LEGACY", "ENABLED"] as const) {
    for (const [loss, lose] of Object.entries(losses)) {
      // A client or pool that is gone is gone for everybody.
      if (existence === "ENABLED" && !loss.startsWith("the user")) continue;
      test(`${loss} (${existence})`, async () => {
        const server = await open();
        const app = await makeApp(server, existence);
        const begun = await inBatches(
          Object.entries(ways),
          ([name, way]) => begin(server, app, name, way),
          4,
        );
        const isUser = loss.startsWith("the user");
        for (const { subject } of isUser ? begun : begun.slice(0, 1)) await lose(subject);
        const wrong: string[] = [];
        for (const { name, subject, attempt } of begun) {
          const sent = (await server.inbox(subject.email)).length;
          const answer = await attempt();
          const expected = refusalOf(name, loss, existence);
          const isRight = expected === undefined ? answer.status === 200 : expected.test(answer.type ?? "");
          if (!isRight) wrong.push(`${name}: ${answer.status} ${answer.type} ${answer.message}`);
          if ((await server.inbox(subject.email)).length > sent) wrong.push(`${name}: a message was sent`);
        }
        assert.deepEqual(wrong, []);
      });
    }
  }

  test("control: every way works for users who exist and are enabled", async () => {
    const server = await open();
    for (const existence of ["LEGACY", "ENABLED"] as const) {
      const app = await makeApp(server, existence);
      await inBatches(
        Object.values(ways),
        async (way) => {
          await control(way, await makeSubject(server, app, way.of));
        },
        4,
      );
    }
  });

  test("users who are not confirmed or must reset their password cannot sign in", async () => {
    const server = await open();
    const app = await makeApp(server, "LEGACY");
    const signIns = Object.entries(ways).filter(([name]) =>
      /^(?:ADMIN_)?USER_(?:PASSWORD|SRP)_AUTH/.test(name),
    );
    assert.equal(signIns.length, 4);
    for (const [name, way] of signIns) {
      const unconfirmed = await makeSubject(server, app, "unconfirmed");
      const answer = await (await way.prepare(unconfirmed))();
      assert.deepEqual([answer.status, answer.type], [400, "UserNotConfirmedException"], name);
      const reset = await makeSubject(server, app, "confirmed");
      const { UserPoolId, Username } = reset;
      await server.client.send(new sdk.AdminResetUserPasswordCommand({ UserPoolId, Username }));
      const afterwards = await (await way.prepare(reset))();
      assert.deepEqual([afterwards.status, afterwards.type], [400, "PasswordResetRequiredException"], name);
    }
    const unconfirmed = await makeSubject(server, app, "unconfirmed");
    const forgot = await (await ways["ForgotPassword"]!.prepare(unconfirmed))();
    assert.deepEqual([forgot.status, forgot.type], [400, "InvalidParameterException"]);
  });

  test("a group that is deleted is in no token and takes nobody in", async () => {
    const server = await open();
    const app = await makeApp(server, "LEGACY");
    const { UserPoolId } = app;
    const subject = await makeSubject(server, app, "confirmed");
    const inGroup = { UserPoolId, GroupName: "staff", Username: subject.Username };
    await server.client.send(new sdk.CreateGroupCommand({ UserPoolId, GroupName: "staff" }));
    await server.client.send(new sdk.AdminAddUserToGroupCommand(inGroup));
    const { AccessToken, RefreshToken } = await tokensOf(subject);
    assert.deepEqual(decodeJwt(AccessToken!)["cognito:groups"], ["staff"]);
    await server.client.send(new sdk.DeleteGroupCommand({ UserPoolId, GroupName: "staff" }));
    const groupsAfter = async (answer: Answer) =>
      decodeJwt((answer.body["AuthenticationResult"] as Texts)["AccessToken"]!)["cognito:groups"];
    const refreshed = await initiate(subject, "REFRESH_TOKEN_AUTH", { REFRESH_TOKEN: RefreshToken! });
    assert.equal(await groupsAfter(refreshed), undefined);
    assert.equal(await groupsAfter(await byPassword(subject)), undefined);
    for (const name of [
      "AdminAddUserToGroup",
      "AdminRemoveUserFromGroup",
      "GetGroup",
      "UpdateGroup",
      "DeleteGroup",
      "ListUsersInGroup",
    ]) {
      const { status, type } = await adminCall(subject, name, inGroup);
      assert.deepEqual([status, type], [400, "ResourceNotFoundException"], name);
    }
    // A group created again under the same name has none of its former members.
    await server.client.send(new sdk.CreateGroupCommand({ UserPoolId, GroupName: "staff" }));
    assert.equal(await groupsAfter(await byPassword(subject)), undefined);
  });

  test("a client that no longer allows a flow", async () => {
    const server = await open();
    const { UserPoolId } = await makeApp(server, "LEGACY");
    const { ClientId } = await makeClient(server, UserPoolId, { ExplicitAuthFlows: everyFlow });
    const names = ["REFRESH_TOKEN_AUTH", "USER_PASSWORD_AUTH", "USER_SRP_AUTH", "ADMIN_USER_PASSWORD_AUTH"];
    const begun = await inBatches(names, (name) => begin(server, { UserPoolId, ClientId }, name), 4);
    await server.client.send(
      new sdk.UpdateUserPoolClientCommand({
        UserPoolId,
        ClientId,
        ClientName: "shut",
        ExplicitAuthFlows: ["ALLOW_CUSTOM_AUTH"],
      }),
    );
    for (const { name, attempt } of begun) {
      const { status, type } = await attempt();
      assert.deepEqual([status, type], [400, "InvalidParameterException"], name);
    }
  });

  test("a pool that begins to demand a second factor while sign-ins run", async () => {
    const server = await open();
    const app = await makeApp(server, "LEGACY");
    const signIns = Object.keys(ways).filter(
      (name) => /_AUTH|PASSWORD|temporary/.test(name) && !/REFRESH/.test(name),
    );
    const begun = await inBatches(
      signIns.filter((name) => !/ChangePassword|ForgotPassword/.test(name)),
      (name) => begin(server, app, name),
      4,
    );
    assert.ok(begun.length >= 8);
    await server.client.send(
      new sdk.SetUserPoolMfaConfigCommand({
        UserPoolId: app.UserPoolId,
        MfaConfiguration: "ON",
        SoftwareTokenMfaConfiguration: { Enabled: true },
      }),
    );
    for (const { name, attempt } of begun) {
      const { status, body } = await attempt();
      const { ChallengeName, AuthenticationResult } = body;
      assert.equal(AuthenticationResult, undefined, name);
      assert.equal(status, 200, name);
      assert.ok(
        ["MFA_SETUP", "NEW_PASSWORD_REQUIRED"].includes(String(ChallengeName)),
        `${name}: ${ChallengeName}`,
      );
    }
  });
});
