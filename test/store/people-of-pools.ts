/** Pools, users and what belongs to them, in the tables of today and of earlier schemas. */
import assert from "node:assert/strict";
import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { sql } from "kysely";
import { uuid7 } from "../../src/lib/uuid.ts";
import { insertCredential, type NewCredential, readCredential } from "../../src/store/credentials.ts";
import { type Db, inTransaction } from "../../src/store/db.ts";
import { type LoginName, readLoginNames } from "../../src/store/login-names.ts";
import { insertPool } from "../../src/store/user-pools.ts";
import { findUserByLoginName, insertUser, readUser, searchKey, type User } from "../../src/store/users.ts";

export const poolIds = ["us-east-1_AAAAAAAAA", "us-east-1_BBBBBBBBB"] as const;

export const poolOf = (poolId: string) => ({
  poolId,
  version: 1,
  name: "pool",
  document: {},
  fakeSecret: new Uint8Array(32),
  createdAt: 1,
  updatedAt: 1,
});

const statuses = ["CONFIRMED", "UNCONFIRMED", "RESET_REQUIRED"] as const;

/** As long as the index of schema 14 took on PostgreSQL, and too random to be compressed. */
const longName = () => String.fromCodePoint(...Array.from({ length: 892 }, () => randomInt(0x4e00, 0x9fff)));

export function userOf(poolId: string, index: number): User {
  return {
    poolId,
    id: randomUUID(),
    username: `User${index}`,
    version: 1,
    status: statuses[index % 3]!,
    enabled: index % 4 !== 0,
    signOuts: index,
    attributes: {
      email: `User${index}@example.com`,
      given_name: index % 2 ? "Ada" : "Ávila",
      name: "Same",
      family_name: "lê",
      ...(index === 5 && { preferred_username: longName() }),
    },
    pendingAttributes: index === 1 ? { email: "new@example.com" } : {},
    mfa: { enabled: [] },
    createdAt: index,
    updatedAt: index,
  };
}

export const namesOf = (user: User): LoginName[] => [
  { key: user.username, kind: "username" },
  { key: searchKey(user.attributes["email"]!), kind: "email" },
];

export const credentialOf = (user: User): NewCredential => ({
  phc: `hash of ${user.poolId} ${user.username}`,
  srp: { salt: randomBytes(16), verifier: Buffer.from(user.username) },
  history: [`former of ${user.username}`],
  temporaryUntil: undefined,
});

/** Both pools with the same seven names in each. */
export async function fill(db: Db): Promise<User[]> {
  for (const poolId of poolIds) await insertPool(db, poolOf(poolId));
  const users = poolIds.flatMap((poolId) => Array.from({ length: 7 }, (_, index) => userOf(poolId, index)));
  for (const user of users) {
    await inTransaction(db, async (tx) => {
      assert.equal(await insertUser(tx, user, namesOf(user)), true);
      await insertCredential(tx, user.poolId, user.id, credentialOf(user), 1);
    });
  }
  return users;
}

/** The same in the tables of schema 4, as a program of then would have written it. */
export async function fillFormer(db: Db): Promise<User[]> {
  const insert = (table: string, row: Record<string, unknown>) =>
    sql`insert into ${sql.table(table)} (${sql.join(Object.keys(row).map((name) => sql.ref(name)))})
      values (${sql.join(Object.values(row))})`.execute(db.kysely);
  for (const pool_id of poolIds) {
    const fake_secret_sealed = db.sealer.seal(`pools:fake_secret_sealed:${pool_id}`, new Uint8Array(32));
    const times = { created_at: 1, updated_at: 1 };
    await insert("pools", {
      pool_id,
      version: 1,
      name: "pool",
      document: "{}",
      fake_secret_sealed,
      ...times,
    });
  }
  const users = poolIds.flatMap((poolId) => Array.from({ length: 7 }, (_, index) => userOf(poolId, index)));
  for (const user of users) {
    const ids = { pool_id: user.poolId, user_id: user.id };
    await insert("users", {
      ...ids,
      username: user.username,
      version: 1,
      status: user.status,
      enabled: user.enabled ? 1 : 0,
      sign_outs: user.signOuts,
      attributes: JSON.stringify(user.attributes),
      pending_attributes: user.username === "User1" ? JSON.stringify(user.pendingAttributes) : null,
      created_at: user.createdAt,
      updated_at: user.updatedAt,
      email_key: searchKey(user.attributes["email"]!),
      given_name_key: searchKey(user.attributes["given_name"]!),
      name_key: "same",
      family_name_key: "lê",
      // The indexes of this schema take less than that of schema 14.
      preferred_username_key: user.attributes["preferred_username"]?.slice(0, 600) ?? null,
    });
    for (const { key, kind } of namesOf(user))
      await insert("login_names", { pool_id: user.poolId, name_key: key, kind, user_id: user.id });
    const { phc, srp, history } = credentialOf(user);
    const seal = (column: string, value: Uint8Array | string) =>
      db.sealer.seal(`credentials:${column}:${user.poolId}/${user.id}`, value);
    await insert("credentials", {
      ...ids,
      version: 1,
      password_sealed: seal("password_sealed", phc!),
      srp_sealed: seal("srp_sealed", Buffer.concat([srp!.salt, srp!.verifier])),
      history_sealed: seal("history_sealed", JSON.stringify(history)),
      updated_at: 1,
    });
  }
  // What is left of a user who was deleted while the password was set.
  await insert("credentials", { pool_id: poolIds[0], user_id: randomUUID(), version: 1, updated_at: 1 });
  return users;
}

/** Events of these users, and of the audit log, in the tables of schema 14. */
export async function fillFormerEvents({ kysely }: Db, users: readonly User[]): Promise<void> {
  for (const { id, attributes } of users) {
    const text = attributes["preferred_username"];
    if (text !== undefined)
      await sql`update users set preferred_username_key = ${text} where user_id = ${id}`.execute(kysely);
  }
  for (const [index, user] of users.entries()) {
    const provider = index % 2 ? "admin" : null;
    await sql`insert into auth_events (user_number, event_id, at, type, response, steps, challenges, feedback,
        feedback_provider, feedback_at)
      select number, ${uuid7(index, randomBytes)}, cast(${index} as bigint), 'SignIn', 'Pass', cast(${index} as integer),
        '[]', ${provider && "Valid"}, ${provider}, cast(${provider && index} as bigint)
      from users where pool_id = ${user.poolId} and user_id = ${user.id}`.execute(kysely);
  }
  const events = [
    [null, "CreateAccessKey"],
    [poolIds[0], "CreateUserPool"],
    ["us-east-1_Nowhere", "DeleteUserPool"],
  ];
  for (const [index, [pool, operation]] of events.entries())
    await sql`insert into audit_events (event_id, at, pool_id, actor, operation, result)
      values (${uuid7(index, randomBytes)}, ${index}, ${pool}, 'root', ${operation}, 'ok')`.execute(kysely);
}

/** Everybody is found by whatever they are found by, with their own credential. */
export async function assertComplete(db: Db, users: readonly User[]): Promise<void> {
  for (const user of users) {
    assert.deepEqual(await readUser(db, user.poolId, user.id), user);
    for (const { key, kind } of namesOf(user))
      assert.deepEqual(await findUserByLoginName(db, user.poolId, key), { user, kind });
    assert.deepEqual((await readLoginNames(db, user.poolId, user.id)).sort(byKey), namesOf(user).sort(byKey));
    const credential = await readCredential(db, user.poolId, user.id);
    assert.equal(credential?.phc, `hash of ${user.poolId} ${user.username}`);
    assert.equal(Buffer.from(credential?.srp?.verifier ?? []).toString(), user.username);
    assert.deepEqual(credential?.history, [`former of ${user.username}`]);
  }
}

const byKey = (a: LoginName, b: LoginName) => (a.key < b.key ? -1 : 1);

export async function rowsOf(
  db: Db,
  ...tables: ("users" | "login_names" | "credentials")[]
): Promise<number[]> {
  const counts = tables.map(async (table) => {
    const select = db.kysely.selectFrom(table).select(({ fn }) => fn.countAll<number>().as("rows"));
    return Number((await select.executeTakeFirstOrThrow()).rows);
  });
  return Promise.all(counts);
}
