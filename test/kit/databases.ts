/**
 * Throw-away databases: one suite of tests runs against SQLite and PostgreSQL. Without a PostgreSQL to be reached the
 * second half is skipped, and says so; where CI is set it fails.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import pg from "pg";
import type { StoreLog } from "../../src/store/engine/log.ts";
import { type OpenedDatabase, type OpenOptions, openDatabase } from "../../src/store/open.ts";

export const testPostgresUrl =
  process.env["POOLHOUSE_TEST_POSTGRES"] ?? "postgres://postgres@127.0.0.1:5432/postgres";

export const silent: StoreLog = { info: () => {}, warn: () => {}, error: () => {} };

/** Options of a database that is new and still empty; openDatabase may be called with them several times. */
export type Fresh = () => Promise<OpenOptions>;

/** A new database, migrated; closed and removed after the suite. */
export type Open = (overrides?: Partial<OpenOptions>) => Promise<OpenedDatabase>;

export type DatabaseName = "sqlite" | "postgres";

/** Runs the suite for each database, inside a `describe` of its name. */
export function forEachDatabase(suite: (name: DatabaseName, open: Open, fresh: Fresh) => void): void {
  describe("sqlite", () => run("sqlite", suite, freshSqlite()));
  describe("postgres", () => {
    if (unreachable === undefined) {
      const { fresh, remove } = freshPostgres();
      run("postgres", suite, fresh);
      // After the suite's own `after`: a server whose database is gone would go on looking for it.
      after(remove);
    } else if (process.env["CI"]) test("PostgreSQL can be reached", () => Promise.reject(unreachable));
    else test("all tests", { skip: `PostgreSQL cannot be reached: ${unreachable.message}` }, () => {});
  });
}

function run(name: DatabaseName, suite: Parameters<typeof forEachDatabase>[0], fresh: Fresh): void {
  const opened: OpenedDatabase[] = [];
  const open: Open = async (overrides = {}) => {
    const database = await openDatabase({ ...(await fresh()), ...overrides });
    opened.push(database);
    return database;
  };
  suite(name, open, fresh);
  after(async () => {
    await Promise.all(opened.map((database) => database.close()));
  });
}

/** A folder that is removed when the tests of the file have ended. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "poolhouse-test-"));
  removeAtEnd.push(folder);
  return folder;
}

/** The data folder of a server on this database: an embedded one lies in its own. */
export const dataFolderOf = (url: string) =>
  /^postgres(?:ql)?:/.test(url) ? temporaryFolder() : dirname(dirname(url));

const removeAtEnd: string[] = [];
process.once("exit", () => {
  for (const folder of removeAtEnd) rmSync(folder, { recursive: true, force: true });
});

function freshSqlite(): Fresh {
  return async () => {
    const folder = temporaryFolder();
    return {
      url: join(folder, "db", "poolhouse.sqlite"),
      secretsFolder: join(folder, "secrets"),
      log: silent,
    };
  };
}

function freshPostgres(): { readonly fresh: Fresh; remove(): Promise<void> } {
  const names: string[] = [];
  // By force: what a test left open must not keep the database.
  const remove = async () => {
    for (const name of names) await administer(`drop database if exists ${name} with (force)`);
  };
  const fresh = async () => {
    const name = `poolhouse_test_${randomBytes(8).toString("hex")}`;
    await administer(`create database ${name} template template0`);
    names.push(name);
    const url = new URL(testPostgresUrl);
    url.pathname = `/${name}`;
    return { url: url.href, masterKey: randomBytes(32).toString("base64"), log: silent, poolSize: 5 };
  };
  return { fresh, remove };
}

/** Runs one statement on the server's own database. */
export async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: testPostgresUrl, connectionTimeoutMillis: 3_000 });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Why PostgreSQL cannot be reached, if so. */
export const unreachable: Error | undefined = await administer("select 1").then(
  () => undefined,
  (error: Error) => new Error(error instanceof AggregateError ? String(error.errors) : error.message),
);

/** Options of a test of PostgreSQL alone: skipped, with the reason, where there is none; where CI is set it fails. */
export function skipWithoutPostgres(): { skip: string | false } {
  if (unreachable === undefined) return { skip: false };
  if (process.env["CI"]) throw unreachable;
  return { skip: `PostgreSQL cannot be reached: ${unreachable.message}` };
}
