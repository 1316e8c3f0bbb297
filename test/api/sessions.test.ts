/** Sessions of tokens: tracked where the pool says so, listed, revoked, and evicted when they are too many. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminDeleteUserCommand,
  AdminInitiateAuthCommand,
  AdminRevokeUserSessionCommand,
  AdminUserGlobalSignOutCommand,
  DeleteUserPoolClientCommand,
  GetTokensFromRefreshTokenCommand,
  GlobalSignOutCommand,
  ListUserSessionsCommand,
  RevokeTokenCommand,
  RevokeUserSessionCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { listAuditEvents } from "../../src/store/audit.ts";
import { sweep } from "../../src/store/sweep.ts";
import { makeClient, makePool, makeUser, password, refused, signIn } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { call } from "../kit/support.ts";
import { disabled, gone, revoked, setUpSessions, track, untrack } from "./tracking.ts";

const newest = { limit: 50, order: "newest first" } as const;
const hour = 3_600_000;
const firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:126.0) Gecko/20100101 Firefox/126.0";

forEachServer(
  "sessions",
  (open) => {
    test("a sign-in is a session: what it tells, to its owner and to administrators", async () => {
      const server = await open();
      server.clock.freeze();
      const { ClientId, list, own } = await setUpSessions(server);
      const began = server.clock.now;
      const AuthParameters = { USERNAME: "ann", PASSWORD: password };
      const headers = { "x-forwarded-for": "198.51.100.7", "user-agent": firefox };
      const body = { ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters };
      const raw = await call(server.endpoint, "InitiateAuth", body, headers);
      const tokens = raw.body["AuthenticationResult"] as { RefreshToken: string };
      server.clock.advance(60_000);
      const { AccessToken } = await signIn(server, ClientId, "ann");
      const [mine, other, ...rest] = await own(AccessToken);
      assert.deepEqual(rest, []);
      assert.match(mine?.SessionId ?? "", /^tkn[0-9a-z]{25}$/);
      assert.match(mine?.DeviceType ?? "", /^aws-sdk-js 3 \/ Linux/);
      assert.deepEqual([mine?.IsCurrentSession, mine?.LastIPAddress], [true, "127.0.0.1"]);
      assert.deepEqual(other, {
        SessionId: other?.SessionId,
        SessionType: "TOKEN",
        ClientId,
        CreateDate: new Date(began),
        LastActiveDate: new Date(began),
        DeviceType: "Firefox 126 / Windows 10",
        LastIPAddress: "198.51.100.7",
        LastLocation: { Country: "unknown" },
        IsCurrentSession: false,
      });
      // A refresh is the session's latest activity, wherever it comes from.
      server.clock.advance(60_000);
      const again = { ClientId, RefreshToken: tokens.RefreshToken };
      await call(server.endpoint, "GetTokensFromRefreshToken", again, {
        "x-forwarded-for": "2001:db8::5",
        "user-agent": "Notes/3.1 (Android 14)",
      });
      const told = (await list()).find(({ SessionId }) => SessionId === other?.SessionId);
      assert.deepEqual(
        [told?.LastActiveDate, told?.CreateDate, told?.LastIPAddress, told?.DeviceType],
        [new Date(began + 120_000), new Date(began), "2001:db8:0:0:0:0:0:5", "Notes 3 / Android 14"],
      );
      assert.ok((await list()).every(({ IsCurrentSession }) => IsCurrentSession === false));
    });

    test("a back end's sign-in tells the address it was given, and none of its own", async () => {
      const server = await open();
      const { UserPoolId, ClientId, client, list } = await setUpSessions(server, 20, {
        ExplicitAuthFlows: ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
      });
      const flow = { UserPoolId, ClientId, AuthFlow: "ADMIN_USER_PASSWORD_AUTH" as const };
      const AuthParameters = { USERNAME: "ann", PASSWORD: password };
      const about = { ServerName: "s", ServerPath: "/", HttpHeaders: [] };
      const ContextData = { ...about, IpAddress: "203.0.113.9" };
      await client.send(new AdminInitiateAuthCommand({ ...flow, AuthParameters, ContextData }));
      await client.send(new AdminInitiateAuthCommand({ ...flow, AuthParameters }));
      const addresses = (await list()).map(({ LastIPAddress }) => LastIPAddress);
      assert.deepEqual(new Set(addresses), new Set(["203.0.113.9", undefined]));
    });

    test("a revoked session is over: its tokens, its refresh token, its place in the list", async () => {
      const server = await open();
      const { ClientId, client, named, list, currentId, use } = await setUpSessions(server);
      const one = await signIn(server, ClientId, "ann");
      const two = await signIn(server, ClientId, "ann");
      const three = await signIn(server, ClientId, "ann");
      const [first, second] = [await currentId(one.AccessToken), await currentId(two.AccessToken)];
      const revoke = (SessionId: string, { AccessToken } = three) =>
        client.send(new RevokeUserSessionCommand({ AccessToken, SessionId }));
      await revoke(first);
      await assert.rejects(use(one.AccessToken), revoked);
      const refresh = new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken: one.RefreshToken });
      await assert.rejects(
        client.send(refresh),
        refused("NotAuthorizedException", "Refresh Token has been revoked"),
      );
      await assert.rejects(revoke(first), gone);
      await use(two.AccessToken);
      await client.send(new AdminRevokeUserSessionCommand({ ...named, SessionId: second }));
      await assert.rejects(use(two.AccessToken), revoked);
      await assert.rejects(revoke(second, two), revoked);
      const left = await list();
      assert.deepEqual(
        left.map(({ SessionId }) => SessionId),
        [await currentId(three.AccessToken)],
      );
      // Not the one that asks; an administrator may.
      const own = left[0]!.SessionId!;
      await assert.rejects(revoke(own), refused("InvalidParameterException"));
      await use(three.AccessToken);
      await client.send(
        new AdminRevokeUserSessionCommand({ ...named, SessionId: own, RevokeAssociatedSessions: "LINKED" }),
      );
      await assert.rejects(use(three.AccessToken), revoked);
      assert.deepEqual(await list(), []);
    });

    test("nobody revokes another's session, and ids that are none are none", async () => {
      const server = await open();
      const { UserPoolId, ClientId, client, currentId, use } = await setUpSessions(server);
      await makeUser(server, UserPoolId, "bob");
      const ann = await signIn(server, ClientId, "ann");
      const bob = await signIn(server, ClientId, "bob");
      const SessionId = await currentId(bob.AccessToken);
      const { AccessToken } = ann;
      for (const id of [SessionId, "", "tkn", `sso${SessionId.slice(3)}`, "%", "x".repeat(1000)]) {
        await assert.rejects(client.send(new RevokeUserSessionCommand({ AccessToken, SessionId: id })), gone);
        const named = { UserPoolId, Username: "ann", SessionId: id };
        await assert.rejects(client.send(new AdminRevokeUserSessionCommand(named)), gone);
      }
      await use(bob.AccessToken);
      const other = await setUpSessions(server);
      const elsewhere = { ...other.named, SessionId };
      await assert.rejects(client.send(new AdminRevokeUserSessionCommand(elsewhere)), gone);
      const paged = new ListUserSessionsCommand({ AccessToken, NextToken: "next" });
      await assert.rejects(client.send(paged), refused("InvalidParameterException"));
    });

    test("of parallel revocations one succeeds", async () => {
      const server = await open();
      const { ClientId, client, named, list } = await setUpSessions(server);
      for (let round = 0; round < 3; round++) {
        await signIn(server, ClientId, "ann");
        const SessionId = (await list())[0]!.SessionId!;
        const outcomes = await Promise.allSettled(
          [1, 2, 3, 4].map(() => client.send(new AdminRevokeUserSessionCommand({ ...named, SessionId }))),
        );
        assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
      }
    });

    test("over MaxPerUser the least recently used session ends, across clients", async () => {
      const server = await open();
      server.clock.freeze();
      const { UserPoolId, ClientId, client, list, use } = await setUpSessions(server, 3);
      const second = await makeClient(server, UserPoolId);
      const at: { AccessToken: string; RefreshToken: string }[] = [];
      for (const id of [ClientId, second.ClientId, ClientId]) {
        at.push(await signIn(server, id, "ann"));
        server.clock.advance(1000);
      }
      // The first was refreshed since, so the second is the one that was not used for the longest time.
      const { RefreshToken } = at[0]!;
      await client.send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken }));
      server.clock.advance(1000);
      const fourth = await signIn(server, ClientId, "ann");
      await assert.rejects(use(at[1]!.AccessToken), revoked);
      for (const { AccessToken } of [at[0]!, at[2]!, fourth]) await use(AccessToken);
      assert.equal((await list()).length, 3);
      // A lower limit holds from the next sign-in on.
      await track(server, UserPoolId, 1);
      assert.equal((await list()).length, 3);
      server.clock.advance(1000);
      const last = await signIn(server, ClientId, "ann");
      for (const { AccessToken } of [at[0]!, at[2]!, fourth]) await assert.rejects(use(AccessToken), revoked);
      await use(last.AccessToken);
      assert.equal((await list()).length, 1);
      const { userId } = (await rowsOf(server, UserPoolId))[0]!;
      const events = await listAuditEvents(server.app.db, { target: userId }, newest);
      assert.deepEqual(
        events
          .filter(({ operation }) => operation === "RevokeToken")
          .map(({ actor, details }) => [actor, details]),
        [
          ["system", { reason: "TokenSession.MaxPerUser", sessions: 3 }],
          ["system", { reason: "TokenSession.MaxPerUser", sessions: 1 }],
        ],
      );
    });

    test("sign-ins at the same moment are not too many either", async () => {
      const server = await open();
      const { ClientId, list, use } = await setUpSessions(server, 2);
      const all = await Promise.all([1, 2, 3, 4, 5, 6].map(() => signIn(server, ClientId, "ann")));
      assert.equal((await list()).length, 2);
      const good = await Promise.allSettled(all.map(({ AccessToken }) => use(AccessToken)));
      assert.equal(good.filter(({ status }) => status === "fulfilled").length, 2);
    });

    test("what is over otherwise is not listed and not counted", async () => {
      const server = await open();
      server.clock.freeze();
      const { UserPoolId, ClientId, client, list, named, use } = await setUpSessions(server, 2, {
        RefreshTokenValidity: 2,
        TokenValidityUnits: { RefreshToken: "hours" },
      });
      const kept = await signIn(server, ClientId, "ann");
      for (let round = 0; round < 3; round++) {
        server.clock.advance(1000);
        const { RefreshToken: Token } = await signIn(server, ClientId, "ann");
        await client.send(new RevokeTokenCommand({ ClientId, Token }));
        assert.equal((await list()).length, 1);
      }
      await use(kept.AccessToken);
      await client.send(new AdminUserGlobalSignOutCommand(named));
      assert.deepEqual(await list(), []);
      await signIn(server, ClientId, "ann");
      server.clock.advance(2 * hour + 1);
      assert.deepEqual(await list(), []);
      await sweep(server.app.db, server.clock.now);
      assert.deepEqual(await rowsOf(server, UserPoolId), []);
    });

    test("sessions of before tracking are not listed and go on; those of before it was off are there again", async () => {
      const server = await open();
      const { UserPoolId, ClientId } = await makePool(server);
      await makeUser(server, UserPoolId, "ann");
      const before = await signIn(server, ClientId, "ann");
      await track(server, UserPoolId);
      const sessions = async () => {
        const { AccessToken } = before;
        return (await server.client.send(new ListUserSessionsCommand({ AccessToken }))).Sessions ?? [];
      };
      assert.deepEqual(await sessions(), []);
      await signIn(server, ClientId, "ann");
      const [one] = await sessions();
      assert.equal(one?.IsCurrentSession, false);
      await untrack(server, UserPoolId);
      await assert.rejects(sessions(), disabled);
      await signIn(server, ClientId, "ann");
      await track(server, UserPoolId);
      assert.deepEqual(
        (await sessions()).map(({ SessionId }) => SessionId),
        [one?.SessionId],
      );
    });

    test("they go with their client and their user", async () => {
      const server = await open();
      const { UserPoolId, ClientId, client, named } = await setUpSessions(server);
      const other = await makeClient(server, UserPoolId);
      await signIn(server, ClientId, "ann");
      await signIn(server, other.ClientId, "ann");
      await client.send(new DeleteUserPoolClientCommand({ UserPoolId, ClientId: other.ClientId }));
      assert.deepEqual(
        (await rowsOf(server, UserPoolId)).map(({ clientId }) => clientId),
        [ClientId],
      );
      await client.send(new AdminDeleteUserCommand(named));
      assert.deepEqual(await rowsOf(server, UserPoolId), []);
    });

    test("who revoked which session is recorded", async () => {
      const server = await open();
      const { UserPoolId, ClientId, client, named, list, currentId } = await setUpSessions(server);
      const one = await signIn(server, ClientId, "ann");
      const two = await signIn(server, ClientId, "ann");
      const SessionId = await currentId(one.AccessToken);
      const RevokeAssociatedSessions = "LINKED";
      const { AccessToken } = two;
      await client.send(new RevokeUserSessionCommand({ AccessToken, SessionId, RevokeAssociatedSessions }));
      server.clock.advance(1000);
      const last = { ...named, SessionId: await currentId(AccessToken) };
      await client.send(new AdminRevokeUserSessionCommand(last));
      assert.deepEqual(await list(), []);
      const events = await listAuditEvents(server.app.db, { poolId: UserPoolId }, newest);
      const told = events.filter(({ operation }) => /RevokeUserSession$/.test(operation));
      assert.deepEqual(
        told.map(({ operation, details }) => [operation, details]),
        [
          ["AdminRevokeUserSession", { members: ["Username", "SessionId"], session: last.SessionId }],
          ["RevokeUserSession", { session: SessionId, associated: "LINKED" }],
        ],
      );
      assert.equal(told[1]!.actor, told[1]!.target);
      assert.match(told[0]!.actor, /^arn:/);
      assert.equal(told[0]!.target, told[1]!.target);
    });

    test("GlobalSignOut ends every session of tokens", async () => {
      const server = await open();
      const { ClientId, client, list, use } = await setUpSessions(server);
      const one = await signIn(server, ClientId, "ann");
      const two = await signIn(server, ClientId, "ann");
      await client.send(new GlobalSignOutCommand({ AccessToken: one.AccessToken }));
      await assert.rejects(use(two.AccessToken), revoked);
      assert.deepEqual(await list(), []);
    });
  },
  { POOLHOUSE_TRUSTED_PROXIES: "127.0.0.1/32" },
);

async function rowsOf({ app }: TestServer, poolId: string): Promise<{ userId: string; clientId: string }[]> {
  const rows = await app.db.kysely
    .selectFrom("token_sessions")
    .select(["user_id", "client_id"])
    .where("pool_id", "=", poolId)
    .execute();
  return rows.map((row) => ({ userId: row.user_id, clientId: row.client_id }));
}
