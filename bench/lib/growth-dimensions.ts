/** What can grow in a server, each with a small and a large case, and the operations that might notice. */
import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import type { Db } from "../../src/store/db.ts";
import { insertDevice } from "../../src/store/devices.ts";
import { fillPools, ofEveryPool } from "./growth-pools.ts";
import {
  ask,
  call,
  type GrowthStage,
  type Operations,
  type Place,
  pageAt,
  passkeySignIn,
  refresh,
  signed,
  signIn,
} from "./growth-stage.ts";
import type { Operation } from "./load.ts";
import { bytes, insertEvents, insertFamilies, insertRows, insertUsers, numbered } from "./rows.ts";
import { userName } from "./users.ts";

export interface Dimension {
  readonly name: string;
  readonly title: string;
  readonly small: number;
  readonly large: number;
  fill(db: Db, place: Place): Promise<void>;
  operations(stage: GrowthStage): Promise<Operations>;
}

/** Who has little of everything, who has much of it, and who has as much but is signed out. */
const [nobody, who, signedOut] = [userName(1), userName(0), userName(2)];
const unique = () => randomBytes(6).toString("hex");
const now = Date.now();

const deviceKey = (index: number) => `us-east-1_11111111-1111-4111-8111-${String(index).padStart(12, "0")}`;

/** The id and the number of a user. */
async function userOf(db: Db, poolId: string, username: string): Promise<{ userId: string; number: number }> {
  const { rows } = await sql<{ user_id: string; number: number }>`select user_id, number from users
    where pool_id = ${poolId} and username = ${username}`.execute(db.kysely);
  return { userId: rows[0]!.user_id, number: Number(rows[0]!.number) };
}

const insertGroups = (db: Db, poolId: string, count: number) =>
  insertRows(db, "groups", count, {
    ...{ pool_id: poolId, group_name: numbered("group-"), description: "one of many" },
    ...{ role_arn: null, precedence: null, created_at: now, updated_at: now },
  });

const join = (db: Db, poolId: string, userId: string, count: number) =>
  insertRows(db, "group_members", count, {
    ...{ pool_id: poolId, user_id: userId, group_name: numbered("group-"), created_at: now },
  });

export const dimensions: readonly Dimension[] = [
  {
    ...{ name: "pools", title: "user pools, each in turn", small: 10, large: 2_000 },
    fill: fillPools,
    operations: ofEveryPool,
  },
  {
    ...{ name: "groups", title: "groups in a pool", small: 10, large: 10_000 },
    fill: async (db, { poolId, size }) => {
      await insertGroups(db, poolId, size);
      await join(db, poolId, (await userOf(db, poolId, who)).userId, 2);
    },
    operations: async (stage) => {
      const middle = await pageAt(stage, "ListGroups", { limit: { Limit: 5 }, count: stage.size / 2 });
      const GroupName = "group-00000001";
      return [
        ["ListGroups, first page", signed(stage, "ListGroups", () => ({ Limit: 5 }))],
        ["ListGroups, in the middle", signed(stage, "ListGroups", () => ({ Limit: 5, ...middle }))],
        ["GetGroup", signed(stage, "GetGroup", () => ({ GroupName }))],
        ["CreateGroup", signed(stage, "CreateGroup", () => ({ GroupName: `new-${unique()}` }))],
        ["AdminAddUserToGroup", signed(stage, "AdminAddUserToGroup", () => ({ GroupName, Username: who }))],
        ["Refresh, user in 2 groups", refresh(stage, [await signIn(stage, who)])],
      ];
    },
  },
  {
    ...{ name: "memberships", title: "groups of a user", small: 2, large: 500 },
    fill: async (db, { poolId, size }) => {
      await insertGroups(db, poolId, 500);
      await join(db, poolId, (await userOf(db, poolId, who)).userId, size);
    },
    operations: async (stage) => {
      const page = () => ({ Username: who, Limit: 2 });
      const tokens = await signIn(stage, who);
      return [
        [`Refresh (an access token of ${stage.size === 2 ? "2" : "500"} groups)`, refresh(stage, [tokens])],
        ["Refresh of another user", refresh(stage, [await signIn(stage, nobody)])],
        ["GetUser", call("GetUser", () => ({ AccessToken: tokens.AccessToken }))],
        ["AdminListGroupsForUser, page of 2", signed(stage, "AdminListGroupsForUser", page)],
      ];
    },
  },
  {
    ...{ name: "members", title: "users in a group", small: 100, large: 100_000 },
    fill: async (db, { poolId, size }) => {
      await insertUsers(db, poolId, size);
      await insertGroups(db, poolId, 1);
      await insertRows(db, "group_members", size, {
        ...{ pool_id: poolId, user_id: numbered("copy-"), group_name: "group-00000000", created_at: now },
      });
    },
    operations: async (stage) => {
      const input = { GroupName: "group-00000000" };
      const next = await pageAt(stage, "ListUsersInGroup", { limit: { Limit: 10 }, count: 50, input });
      return [
        ["ListUsersInGroup, first page", signed(stage, "ListUsersInGroup", () => ({ ...input, Limit: 10 }))],
        [
          "ListUsersInGroup, another page",
          signed(stage, "ListUsersInGroup", () => ({ ...input, Limit: 10, ...next })),
        ],
        ["DescribeUserPool", signed(stage, "DescribeUserPool")],
        ["AdminCreateUser, AdminDeleteUser", createAndDelete(stage), "costly"],
      ];
    },
  },
  {
    ...{ name: "families", title: "refresh families of a user", small: 10, large: 10_000 },
    fill: async (db, { poolId, clientId, size }) => {
      for (const name of [who, signedOut]) {
        const { userId } = await userOf(db, poolId, name);
        await insertFamilies(db, size, { poolId, clientId, userId });
      }
    },
    operations: async (stage) => {
      const tokens = await signIn(stage, who);
      return [
        ["Refresh", refresh(stage, [tokens])],
        ["GetUser", call("GetUser", () => ({ AccessToken: tokens.AccessToken }))],
        ["Passkey sign-in, RevokeToken", await signInAndRevoke(stage)],
        [
          "AdminUserGlobalSignOut of another user",
          signed(stage, "AdminUserGlobalSignOut", () => ({ Username: nobody })),
        ],
        ["AdminUserGlobalSignOut again", await signOutAgain(stage)],
      ];
    },
  },
  {
    ...{
      name: "events",
      title: "sign-in events of a pool; of a user a tenth of them",
      small: 100,
      large: 1_000_000,
    },
    fill: async (db, { poolId, size }) => {
      const { number } = await userOf(db, poolId, who);
      await insertUsers(db, poolId, Math.max(1, size / 100));
      await insertEvents(db, size * 0.1, { poolId, number: sql.lit(number) });
      await insertEvents(db, size * 0.9, {
        poolId,
        number: sql`1000000 + n % ${sql.lit(Math.max(1, size / 100))}`,
      });
    },
    operations: async (stage) => {
      const list = (Username: string, page: object = {}) =>
        signed(stage, "AdminListUserAuthEvents", () => ({ Username, MaxResults: 5, ...page }));
      const next = await pageAt(stage, "AdminListUserAuthEvents", {
        limit: { MaxResults: 5 },
        count: 5,
        input: { Username: who },
      });
      return [
        ["Passkey sign-in of a user with few", await passkeySignIn(stage, nobody)],
        ["Passkey sign-in", await passkeySignIn(stage, who)],
        ["AdminListUserAuthEvents", list(who)],
        ["AdminListUserAuthEvents, next page", list(who, next)],
      ];
    },
  },
  {
    ...{ name: "devices", title: "devices of a user", small: 10, large: 1_000 },
    fill: async (db, { poolId, size }) => {
      const { userId } = await userOf(db, poolId, who);
      const device = {
        ...{ poolId, userId, groupKey: "-group", name: "a device", remembered: true, twoFactors: false },
        srp: { salt: randomBytes(16), verifier: randomBytes(384) },
        ...{ lastAddress: "127.0.0.1", createdAt: now, updatedAt: now, authenticatedAt: now },
      };
      for (let index = 0; index < size; index++) await insertDevice(db, { ...device, key: deviceKey(index) });
    },
    operations: async (stage) => {
      const tokens = await signIn(stage, who);
      const key = deviceKey(1);
      return [
        [
          "ListDevices, first page",
          call("ListDevices", () => ({ AccessToken: tokens.AccessToken, Limit: 5 })),
        ],
        ["AdminGetDevice", signed(stage, "AdminGetDevice", () => ({ Username: who, DeviceKey: key }))],
        ["GetUser", call("GetUser", () => ({ AccessToken: tokens.AccessToken }))],
        ["Passkey sign-in", await passkeySignIn(stage, who)],
      ];
    },
  },
  {
    ...{ name: "clients", title: "app clients of a pool", small: 10, large: 10_000 },
    fill: fillClients,
    operations: async (stage) => {
      const middle = await pageAt(stage, "ListUserPoolClients", { limit: { MaxResults: 5 }, count: 50 });
      return [
        ["ListUserPoolClients, first page", signed(stage, "ListUserPoolClients", () => ({ MaxResults: 5 }))],
        [
          "ListUserPoolClients, another page",
          signed(stage, "ListUserPoolClients", () => ({ MaxResults: 5, ...middle })),
        ],
        [
          "DescribeUserPoolClient",
          signed(stage, "DescribeUserPoolClient", (turn) => ({ ClientId: filler(turn % stage.size) })),
        ],
        ["CreateUserPoolClient", signed(stage, "CreateUserPoolClient", () => ({ ClientName: "new" }))],
        ["Refresh", refresh(stage, [await signIn(stage, who)])],
      ];
    },
  },
  {
    ...{ name: "scopes", title: "resource servers of a pool, with 100 scopes each", small: 5, large: 1_000 },
    fill: (db, { poolId, size }) =>
      insertRows(db, "resource_servers", size, {
        ...{ pool_id: poolId, identifier: numbered("https://api.example.com/"), name: "one of many" },
        scopes: JSON.stringify(
          Array.from({ length: 100 }, (_, at) => ({ ScopeName: `scope${at}`, ScopeDescription: "a scope" })),
        ),
        ...{ created_at: now, updated_at: now },
      }),
    operations: async (stage) => {
      const Identifier = "https://api.example.com/00000001";
      return [
        ["DescribeResourceServer", signed(stage, "DescribeResourceServer", () => ({ Identifier }))],
        ["ListResourceServers, page of 5", signed(stage, "ListResourceServers", () => ({ MaxResults: 5 }))],
        ["Refresh", refresh(stage, [await signIn(stage, who)])],
      ];
    },
  },
  {
    ...{
      name: "sessions",
      title: "browser sessions of a pool, a hundredth of them of a user",
      small: 100,
      large: 100_000,
    },
    fill: async (db, { poolId, size }) => {
      const { userId } = await userOf(db, poolId, who);
      const some = size / 100;
      await insertUsers(db, poolId, some);
      await insertRows(db, "browser_sessions", size, {
        ...{
          pool_id: poolId,
          session_hash: numbered("s-"),
          browser_hash: numbered("b-"),
          methods: '["password"]',
        },
        user_id: sql`case when n % 100 = 0 then ${sql.lit(userId)} else 'copy-' || substr(cast(100000000 + n % ${sql.lit(some)} as text), 2) end`,
        ...{ sign_outs: 0, credential_version: 1, auth_time: now, signed_in_at: now, created_at: now },
        ...{ expires_at: now + 3600_000 * 24, session_id: numbered("sso-") },
      });
    },
    operations: async (stage) => {
      const tokens = await signIn(stage, who);
      return [
        [
          "AdminUserGlobalSignOut of a user with none",
          signed(stage, "AdminUserGlobalSignOut", () => ({ Username: nobody })),
        ],
        ["GetUser", call("GetUser", () => ({ AccessToken: tokens.AccessToken }))],
        ["AdminCreateUser, AdminDeleteUser", createAndDelete(stage), "costly"],
      ];
    },
  },
  {
    ...{ name: "audit", title: "audit events, sign-ins and messages of a pool", small: 100, large: 200_000 },
    fill: async (db, { poolId, size }) => {
      await insertRows(db, "audit_events", size, {
        ...{
          pool_id: poolId,
          event_id: numbered("01900000-0000-7000-8000-"),
          at: now,
          actor: "bench",
          operation: "AdminGetUser",
        },
        ...{ target: "somebody", result: "ok" },
      });
      await insertRows(db, "sign_ins", size / 4, {
        ...{
          pool_id: poolId,
          sign_in_id: numbered("filler-"),
          client_id: "bench",
          user_id: numbered("copy-"),
          version: 1,
        },
        ...{ state_sealed: bytes(db, 700), created_at: now, expires_at: now + 3600_000 },
      });
    },
    operations: async (stage) => [
      ["AdminCreateUser, AdminDeleteUser", createAndDelete(stage), "costly"],
      ["AdminUpdateUserAttributes", changeName(stage)],
      ["Passkey sign-in", await passkeySignIn(stage, who)],
    ],
  },
];

const filler = (index: number) => `filler${String(100_000_000 + index).slice(1)}`;

async function fillClients(db: Db, { poolId, clientId, size }: Place): Promise<void> {
  const document = sql`(select document from clients where pool_id = ${sql.lit(poolId)} and client_id = ${sql.lit(clientId)})`;
  await insertRows(db, "clients", size, {
    ...{ pool_id: poolId, client_id: numbered("filler"), version: 1, name: "one of many", document },
    ...{ created_at: now, updated_at: now },
  });
  await insertRows(db, "client_pools", size, { client_id: numbered("filler"), pool_id: poolId });
}

const changeName = (stage: GrowthStage) =>
  signed(stage, "AdminUpdateUserAttributes", (turn) => ({
    Username: who,
    UserAttributes: [{ Name: "email", Value: `new-${turn}@example.com` }],
  }));

function createAndDelete(stage: GrowthStage): Operation {
  return async (connection, turn) => {
    const Username = `new-${unique()}`;
    const created = {
      Username,
      MessageAction: "SUPPRESS",
      UserAttributes: [{ Name: "email", Value: `${Username}@example.com` }],
    };
    await signed(stage, "AdminCreateUser", () => created)(connection, turn);
    await signed(stage, "AdminDeleteUser", () => ({ Username }))(connection, turn);
  };
}

async function signInAndRevoke(stage: GrowthStage): Promise<Operation> {
  const signInOnce = await passkeySignIn(stage, who);
  return async (connection, turn) => {
    const answer = (await signInOnce(connection, turn)) as { readonly RefreshToken: string };
    await call("RevokeToken", () => ({ ClientId: stage.clientId, Token: answer.RefreshToken }))(
      connection,
      turn,
    );
  };
}

/** After a first time, when all of the user's families are revoked. */
async function signOutAgain(stage: GrowthStage): Promise<Operation> {
  await ask(stage, "AdminUserGlobalSignOut", { Username: signedOut });
  return signed(stage, "AdminUserGlobalSignOut", () => ({ Username: signedOut }));
}
