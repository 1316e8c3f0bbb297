/** Rows in bulk, by one statement each: what fills a table, and what nobody signs in with. */
import { randomBytes } from "node:crypto";
import { type RawBuilder, sql } from "kysely";
import { pino } from "pino";
import type { Db } from "../../src/store/db.ts";
import { openDatabase } from "../../src/store/open.ts";
import { masterKey } from "./server.ts";

/** Opens a database of the bench for as long as `work` takes. SQLite's may be open in a server. */
export async function withDatabase<T>(url: string, work: (db: Db) => Promise<T>): Promise<T> {
  const opened = await openDatabase({ url, masterKey, log: pino({ level: "error" }) });
  try {
    return await work(opened.db);
  } finally {
    await opened.close();
  }
}

type Values = Readonly<Record<string, string | number | null | RawBuilder<unknown>>>;

/** The number of a row, from 0, for values that differ. */
export const n = sql`n`;

/** A text that differs from row to row. */
export const numbered = (prefix: string): RawBuilder<unknown> =>
  sql`${sql.lit(prefix)} || substr(cast(100000000 + n as text), 2)`;

/** Inserts `count` rows, a few thousand per statement. */
export async function insertRows(db: Db, table: string, count: number, values: Values): Promise<void> {
  const columns = sql.join(Object.keys(values).map((column) => sql.ref(column)));
  const size = 20_000;
  for (let first = 0; first < count; first += size) {
    const last = Math.min(first + size, count) - 1;
    const numbers =
      db.kind === "postgres"
        ? sql`select n from generate_series(cast(${sql.lit(first)} as bigint), ${sql.lit(last)}) as n`
        : sql`with recursive s(n) as (select ${sql.lit(first)} union all select n + 1 from s where n < ${sql.lit(last)}) select n from s`;
    await sql`insert into ${sql.table(table)} (${columns})
      select ${sql.join(Object.values(values).map((value) => asSql(value)))} from (${numbers}) as numbers`.execute(
      db.kysely,
    );
  }
}

const asSql = (value: Values[string]): RawBuilder<unknown> =>
  value === null ? sql`null` : typeof value === "object" ? sql`${value}` : sql.lit(value);

/** Bytes as a literal of this kind of database. */
export const bytes = (db: Db, length: number): RawBuilder<unknown> => {
  const hex = randomBytes(length).toString("hex");
  return db.kind === "postgres" ? sql.raw(`'\\x${hex}'::bytea`) : sql.raw(`x'${hex}'`);
};

/** Token families that nobody has tokens of. */
export const insertFamilies = (
  db: Db,
  count: number,
  given: {
    readonly poolId: string;
    readonly userId: string;
    readonly clientId: string;
    readonly expiresAt?: number;
  },
): Promise<void> =>
  insertRows(db, "token_families", count, {
    pool_id: given.poolId,
    family_id: numbered(`filler-${given.userId}-`),
    user_id: given.userId,
    client_id: given.clientId,
    origin_jti: "filler",
    key_sealed: bytes(db, 60),
    generation: 0,
    auth_time: Date.now(),
    scope: "aws.cognito.signin.user.admin",
    created_at: Date.now(),
    expires_at: given.expiresAt ?? Date.now() + 30 * 24 * 3600_000,
  });

/** Sign-in events of a user, the latest of them `ageMs` ago. */
export const insertEvents = (
  db: Db,
  count: number,
  given: {
    readonly poolId: string;
    readonly number: RawBuilder<unknown>;
    readonly ageMs?: number;
    readonly series?: string;
  },
): Promise<void> => {
  const newest = Date.now() - (given.ageMs ?? 0);
  // Ids of version 7 begin with the time; here one millisecond apart.
  const time = (
    db.kind === "postgres"
      ? sql`lpad(to_hex(cast(${sql.lit(newest - count)} as bigint) + n), 12, '0')`
      : sql`printf('%012x', ${sql.lit(newest - count)} + n)`
  ) as RawBuilder<unknown>;
  const series = given.series ?? randomBytes(6).toString("hex");
  return insertRows(db, "auth_events", count, {
    pool_id: given.poolId,
    user_number: given.number,
    event_id: sql`substr(${time}, 1, 8) || '-' || substr(${time}, 9, 4) || '-7000-8000-' || ${sql.lit(series)}`,
    at: sql`cast(${sql.lit(newest - count)} as bigint) + n`,
    type: "SignIn",
    response: "Pass",
    steps: 1,
    challenges: JSON.stringify([{ name: "Password", passed: true }]),
    address: "127.0.0.1",
    device_name: "Chrome 120, Windows 10",
  });
};

/** Users without a name or a password, copies of an existing one. */
export async function insertUsers(db: Db, poolId: string, count: number): Promise<void> {
  const same = ["version", "status", "enabled", "sign_outs", "attributes", "created_at", "updated_at"];
  await insertRows(db, "users", count, {
    pool_id: poolId,
    number: sql`1000000 + n`,
    user_id: numbered("copy-"),
    username: numbered("copy-"),
    email_key: numbered("copy@example.com-"),
    ...Object.fromEntries(
      same.map((column) => [
        column,
        sql`(select ${sql.ref(column)} from users where pool_id = ${sql.lit(poolId)} order by number limit 1)`,
      ]),
    ),
  });
}
