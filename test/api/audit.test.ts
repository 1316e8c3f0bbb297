/** The audit log through the wire: who, from where, what, on whom, with what end; and nothing that is secret. */

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminGetUserCommand,
  AdminInitiateAuthCommand,
  AdminUpdateUserAttributesCommand,
  ChangePasswordCommand,
  ConfirmForgotPasswordCommand,
  ConfirmSignUpCommand,
  CreateGroupCommand,
  DeleteUserCommand,
  DeleteUserPoolCommand,
  DescribeUserPoolCommand,
  ForgotPasswordCommand,
  GetTokensFromRefreshTokenCommand,
  GlobalSignOutCommand,
  InitiateAuthCommand,
  RespondToAuthChallengeCommand,
  RevokeTokenCommand,
  SignUpCommand,
  UpdateUserPoolCommand,
  VerifyUserAttributeCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { kindOf } from "../../src/domain/audit/call.ts";
import { createAccessKey } from "../../src/domain/iam/access-keys.ts";
import { type AuditEvent, type AuditSearch, listAuditEvents } from "../../src/store/audit.ts";
import { userPoolOperations } from "../../src/wire/generated/user-pools.ts";
import { makePool, makeUser, newAddress, password, refused, signIn } from "../kit/people.ts";
import { newSdk } from "../kit/sdk.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";

/** Events that fit, oldest first, once those that nobody waits for are written. */
async function eventsOf({ app }: TestServer, search: AuditSearch): Promise<AuditEvent[]> {
  while (app.audit.waiting > 0) await app.audit.flush();
  return listAuditEvents(app.db, search, { limit: 1000, order: "oldest first" });
}

const told = (events: readonly AuditEvent[]) =>
  events.map(({ operation, result }) => `${operation} ${result}`);
const only = <T>(list: readonly T[]): T => {
  assert.equal(list.length, 1, JSON.stringify(list));
  return list[0]!;
};

const newPassword = "Another-Horse-8";

forEachServer("the audit log", (open) => {
  test("tells of calls of administrators: who, from where, what, on whom", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server);
    const before = server.clock.now;
    const made = await server.client.send(
      new AdminCreateUserCommand({
        UserPoolId,
        Username: "audited",
        UserAttributes: [{ Name: "email", Value: "secret-address@mail.example" }],
        TemporaryPassword: "Secret-Horse-1",
        MessageAction: "SUPPRESS",
      }),
    );
    const sub = made.User?.Attributes?.find(({ Name }) => Name === "sub")?.Value ?? assert.fail();
    const { id, at, requestId, userAgent, ...event } = only(
      await eventsOf(server, { poolId: UserPoolId, operation: "AdminCreateUser" }),
    );
    assert.deepEqual(event, {
      poolId: UserPoolId,
      actor: "arn:aws:iam::000000000000:root",
      address: "127.0.0.1",
      operation: "AdminCreateUser",
      target: sub,
      result: "ok",
      details: {
        members: ["Username", "UserAttributes", "TemporaryPassword", "MessageAction"],
        attributes: ["email"],
      },
    });
    assert.match(userAgent ?? "", /^aws-sdk-js\/3/);
    assert.equal(requestId, made.$metadata.requestId);
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.ok(at >= before && at <= server.clock.now);

    await server.client.send(new CreateGroupCommand({ UserPoolId, GroupName: "staff" }));
    await server.client.send(
      new AdminAddUserToGroupCommand({ UserPoolId, GroupName: "staff", Username: "audited" }),
    );
    await server.client.send(new UpdateUserPoolCommand({ UserPoolId, MfaConfiguration: "OFF" }));
    await server.client.send(new AdminGetUserCommand({ UserPoolId, Username: "audited" }));
    await server.client.send(new DescribeUserPoolCommand({ UserPoolId }));
    await server.client.send(new AdminDeleteUserCommand({ UserPoolId, Username: "audited" }));
    const target = (operation: string) => async () =>
      only(await eventsOf(server, { poolId: UserPoolId, operation }));
    assert.equal((await target("CreateGroup")()).target, "staff");
    const added = await target("AdminAddUserToGroup")();
    assert.equal(added.target, sub);
    assert.equal(added.details?.["group"], "staff");
    assert.deepEqual((await target("UpdateUserPool")()).details, { members: ["MfaConfiguration"] });
    assert.equal((await target("AdminGetUser")()).target, sub);
    assert.equal((await target("DescribeUserPool")()).target, undefined);
    assert.equal((await target("CreateUserPoolClient")()).target, ClientId);
    assert.equal((await target("CreateUserPool")()).poolId, UserPoolId);
    assert.deepEqual(told(await eventsOf(server, { target: sub })), [
      "AdminCreateUser ok",
      "AdminAddUserToGroup ok",
      "AdminGetUser ok",
      "AdminDeleteUser ok",
    ]);
    await server.client.send(new DeleteUserPoolCommand({ UserPoolId }));
    const kept = told(await eventsOf(server, { poolId: UserPoolId }));
    assert.equal(kept.at(0), "CreateUserPool ok");
    assert.equal(kept.at(-1), "DeleteUserPool ok");
  });

  test("tells of refused calls too, but of nobody who is a stranger", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const key = await createAccessKey(
      server.app,
      "reader",
      '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cognito-idp:AdminGetUser","Resource":"*"}]}',
    );
    const reader = newSdk(server.endpoint, { credentials: key });
    await assert.rejects(
      reader.send(new AdminDeleteUserCommand({ UserPoolId, Username: "whoever" })),
      refused("AccessDeniedException"),
    );
    await assert.rejects(
      reader.send(new AdminGetUserCommand({ UserPoolId, Username: "whoever" })),
      refused("UserNotFoundException"),
    );
    reader.destroy();
    const stranger = newSdk(server.endpoint, { credentials: { ...key, secretAccessKey: "wrong" } });
    await assert.rejects(
      stranger.send(new AdminDeleteUserCommand({ UserPoolId, Username: "whoever" })),
      refused("InvalidSignatureException"),
    );
    stranger.destroy();
    const events = await eventsOf(server, { actor: "arn:aws:iam::000000000000:user/reader" });
    assert.deepEqual(told(events), [
      "AdminDeleteUser AccessDeniedException",
      "AdminGetUser UserNotFoundException",
    ]);
    assert.deepEqual(told(await eventsOf(server, { poolId: UserPoolId, result: "error" })), told(events));
    assert.ok(events.every(({ poolId, target }) => poolId === UserPoolId && target === undefined));
  });

  test("tells of sign-ins through administrators only when they succeed", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(
      server,
      {},
      {
        ExplicitAuthFlows: ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
      },
    );
    await makeUser(server, UserPoolId, "person");
    const attempt = (PASSWORD: string) =>
      server.client.send(
        new AdminInitiateAuthCommand({
          UserPoolId,
          ClientId,
          AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
          AuthParameters: { USERNAME: "person", PASSWORD },
        }),
      );
    await assert.rejects(attempt("wrong"), refused("NotAuthorizedException"));
    await attempt(password);
    const events = await eventsOf(server, { poolId: UserPoolId, operation: "AdminInitiateAuth" });
    assert.deepEqual(told(events), ["AdminInitiateAuth ok"]);
  });

  test("tells what users do to their own credentials, and when their tokens are revoked", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(
      server,
      { UsernameAttributes: ["email"], AutoVerifiedAttributes: ["email"] },
      {
        RefreshTokenRotation: { Feature: "ENABLED", RetryGracePeriodSeconds: 0 },
        ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"],
      },
    );
    const name = newAddress();
    const send = server.client.send.bind(server.client);
    const signedUp = await send(
      new SignUpCommand({
        ClientId,
        Username: name,
        Password: password,
        UserAttributes: [{ Name: "email", Value: name }],
      }),
    );
    const sub = signedUp.UserSub ?? assert.fail();
    const wrong = { ClientId, Username: name, ConfirmationCode: "000000" };
    await assert.rejects(send(new ConfirmSignUpCommand(wrong)));
    await send(new ConfirmSignUpCommand({ ...wrong, ConfirmationCode: await server.code(name) }));
    const first = await signIn(server, ClientId, name);
    await assert.rejects(signIn(server, ClientId, name, "wrong"));
    const change = { AccessToken: first.AccessToken, ProposedPassword: newPassword };
    await assert.rejects(send(new ChangePasswordCommand({ ...change, PreviousPassword: "wrong" })));
    await send(new ChangePasswordCommand({ ...change, PreviousPassword: password }));
    await send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken: first.RefreshToken }));
    // The same again: somebody has stolen one of the two.
    for (let replay = 0; replay < 2; replay++)
      await assert.rejects(
        send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken: first.RefreshToken })),
      );
    const second = await signIn(server, ClientId, name, newPassword);
    for (let again = 0; again < 2; again++)
      await send(new RevokeTokenCommand({ ClientId, Token: second.RefreshToken }));
    await send(new ForgotPasswordCommand({ ClientId, Username: name }));
    await send(
      new ConfirmForgotPasswordCommand({
        ClientId,
        Username: name,
        ConfirmationCode: await server.code(name),
        Password: password,
      }),
    );
    const third = await signIn(server, ClientId, name);
    await send(new GlobalSignOutCommand({ AccessToken: third.AccessToken }));
    const fourth = await signIn(server, ClientId, name);
    await send(new DeleteUserCommand({ AccessToken: fourth.AccessToken }));
    const events = await eventsOf(server, { target: sub });
    assert.deepEqual(told(events), [
      "ConfirmSignUp ok",
      "ChangePassword ok",
      "RevokeToken RefreshTokenReuseException",
      "RevokeToken ok",
      "ConfirmForgotPassword ok",
      "GlobalSignOut ok",
      "DeleteUser ok",
    ]);
    assert.deepEqual(
      events.map(({ actor }) => actor),
      events.map(({ result }) => (result === "ok" ? sub : "system")),
    );
    assert.ok(events.every(({ poolId, address }) => poolId === UserPoolId && address === "127.0.0.1"));
  });

  test("tells of new passwords that a challenge asked for, and of verified addresses", async () => {
    const server = await open();
    const { UserPoolId, ClientId } = await makePool(server, { AutoVerifiedAttributes: ["email"] });
    const made = await server.client.send(
      new AdminCreateUserCommand({
        UserPoolId,
        Username: "invited",
        TemporaryPassword: password,
        MessageAction: "SUPPRESS",
      }),
    );
    const sub = made.User?.Attributes?.find(({ Name }) => Name === "sub")?.Value ?? assert.fail();
    const challenge = await server.client.send(
      new InitiateAuthCommand({
        ClientId,
        AuthFlow: "USER_PASSWORD_AUTH",
        AuthParameters: { USERNAME: "invited", PASSWORD: password },
      }),
    );
    const done = await server.client.send(
      new RespondToAuthChallengeCommand({
        ClientId,
        ChallengeName: "NEW_PASSWORD_REQUIRED",
        Session: challenge.Session,
        ChallengeResponses: { USERNAME: "invited", NEW_PASSWORD: newPassword },
      }),
    );
    const address = newAddress();
    await server.client.send(
      new AdminUpdateUserAttributesCommand({
        UserPoolId,
        Username: "invited",
        UserAttributes: [{ Name: "email", Value: address }],
      }),
    );
    await server.client.send(
      new VerifyUserAttributeCommand({
        AccessToken: done.AuthenticationResult?.AccessToken,
        AttributeName: "email",
        Code: await server.code(address),
      }),
    );
    const events = await eventsOf(server, { target: sub });
    assert.deepEqual(told(events), [
      "AdminCreateUser ok",
      "RespondToAuthChallenge ok",
      "AdminUpdateUserAttributes ok",
      "VerifyUserAttribute ok",
    ]);
    assert.deepEqual(events[1]?.details, { challenge: "NEW_PASSWORD_REQUIRED" });
    assert.deepEqual(events[3]?.details, { attributes: ["email"] });
  });

  test("holds no value of an attribute, no password, code, token or name", async () => {
    const server = await open();
    const all = JSON.stringify(await eventsOf(server, {}));
    assert.ok(all.length > 1000);
    for (const secret of [
      password,
      newPassword,
      "Secret-Horse-1",
      "secret-address",
      "mail.example",
      "invited",
      "whoever",
      "eyJ",
    ]) {
      assert.ok(!all.includes(secret), secret);
    }
  });

  test("a change whose event cannot be written is neither made nor acknowledged", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    await makeUser(server, UserPoolId, "unchanged");
    const { kysely } = server.app.db;
    await kysely.schema.alterTable("audit_events").renameTo("audit_events_away").execute();
    try {
      await assert.rejects(
        server.client.send(
          new AdminCreateUserCommand({ UserPoolId, Username: "unrecorded", MessageAction: "SUPPRESS" }),
        ),
        refused("InternalErrorException"),
      );
      // One statement, no transaction: made, but not acknowledged.
      await assert.rejects(
        server.client.send(new CreateGroupCommand({ UserPoolId, GroupName: "unrecorded" })),
        refused("InternalErrorException"),
      );
      // A read goes on, and its event waits.
      await server.client.send(new AdminGetUserCommand({ UserPoolId, Username: "unchanged" }));
    } finally {
      await kysely.schema.alterTable("audit_events_away").renameTo("audit_events").execute();
    }
    await assert.rejects(
      server.client.send(new AdminGetUserCommand({ UserPoolId, Username: "unrecorded" })),
      refused("UserNotFoundException"),
    );
    const read = await eventsOf(server, { poolId: UserPoolId, operation: "AdminGetUser" });
    assert.deepEqual(told(read), ["AdminGetUser ok", "AdminGetUser UserNotFoundException"]);
  });

  test("what a caller says of itself is kept short and cannot command a terminal", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const client = newSdk(server.endpoint, {
      credentials: server.client.config.credentials,
      customUserAgent: `${"x".repeat(400)}`,
      maxAttempts: 1,
    });
    client.middlewareStack.add(
      (next) => async (args) => {
        const request = args.request as { headers: Record<string, string> };
        request.headers["user-agent"] = `evil\u009b31m${"x".repeat(400)}`;
        return next(args);
      },
      { step: "finalizeRequest", priority: "low" },
    );
    await client.send(new DescribeUserPoolCommand({ UserPoolId }));
    client.destroy();
    const { userAgent } = only(await eventsOf(server, { poolId: UserPoolId, operation: "DescribeUserPool" }));
    assert.equal(userAgent, `evil?31m${"x".repeat(248)}`);
  });
});

forEachServer(
  "the audit log without reads",
  (open) => {
    test("tells of changes, and of what was denied", async () => {
      const server = await open();
      const { UserPoolId } = await makePool(server);
      await server.client.send(new DescribeUserPoolCommand({ UserPoolId }));
      await assert.rejects(server.client.send(new AdminGetUserCommand({ UserPoolId, Username: "nobody" })));
      assert.deepEqual(told(await eventsOf(server, { poolId: UserPoolId })), [
        "CreateUserPool ok",
        "CreateUserPoolClient ok",
      ]);
    });
  },
  { POOLHOUSE_AUDIT_READS: "false" },
);

test("every operation of administrators is a read, a sign-in or a change", () => {
  const iam = Object.entries(userPoolOperations).filter(([, facts]) => facts.authorization === "iam");
  const changes = iam.map(([name]) => name).filter((name) => kindOf(name) === "change");
  const unlike = changes.filter(
    (name) =>
      !/^(?:Admin)?(?:Add|Confirm|Create|Delete|Disable|Enable|Forget|Link|Remove|Reset|Revoke|Set|Start|Stop|Tag|Untag|Update|UserGlobalSignOut)/.test(
        name,
      ),
  );
  assert.deepEqual(unlike, []);
  assert.ok(changes.length > 60);
});

test("no statement of the program changes or removes an event but the sweep's", () => {
  const root = join(import.meta.dirname, "..", "..", "src");
  const statements = globSync("**/*.ts", { cwd: root }).flatMap((file) => {
    const source = readFileSync(join(root, file), "utf8");
    const kysely = source.match(/\b(?:updateTable|deleteFrom|mergeInto)\(\s*"audit_events"/g) ?? [];
    const raw = source.match(
      /\b(?:update|delete from|truncate(?: table)?|drop table|alter table|replace into)\s+audit_events\b/gi,
    );
    return [...kysely, ...(raw ?? [])].map((found) => `${file}: ${found}`);
  });
  assert.deepEqual(statements, [
    'store/audit.ts: deleteFrom("audit_events"',
    // Gives it another key.
    "store/migrations/0015-pool-keys.ts: update audit_events",
    "store/migrations/0015-pool-keys.ts: alter table audit_events",
  ]);
  const callers = globSync("**/*.ts", { cwd: root }).filter((file) =>
    readFileSync(join(root, file), "utf8").includes("sweepAuditEvents"),
  );
  assert.deepEqual(callers.sort(), ["store/audit.ts", "store/sweep.ts"]);
});
