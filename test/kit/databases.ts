/**
 * Throw-away databases: one suite of tests runs against SQLite and PostgreSQL. Without a PostgreSQL to be reached the
 * second half is skipped, and says so; where CI is set it fails.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import type { StoreLog } from "../../src/store/engine/log.ts";
import { type OpenedDatabase, type OpenOptions, openDatabase } from "../../src/store/open.ts";
import { inMemory } from "./memory.ts";
import { copyPostgres, copySqlite } from "./migrated.ts";
import { createPostgres, dropPostgres, near, unreachable } from "./postgres.ts";
import { byWhole, whole } from "./whole.ts";

export const silent: StoreLog = { info: () => {}, warn: () => {}, error: () => {} };

/** Options of a new database; openDatabase may be called with them several times. */
export type Fresh = () => Promise<OpenOptions>;

/** A new database, migrated; closed and removed after the suite. */
export type Open = (overrides?: Partial<OpenOptions>) => Promise<OpenedDatabase>;

export type DatabaseName = "sqlite" | "postgres";

type Suite = (name: DatabaseName, open: Open, fresh: Fresh, empty: Fresh) => void;

/** Runs the suite for each database, inside a `describe` of its name. `fresh` makes one that is migrated, `empty` does not. */
export function forEachDatabase(suite: Suite): void {
  forDatabases(undefined, suite);
}

/**
 * As `forEachDatabase`, but on one database, unless all is tested (`npm run test:whole`). Where PostgreSQL cannot be reached
 * that is SQLite.
 */
export function forOneDatabase(usual: DatabaseName, suite: Suite): void {
  forDatabases(usual, suite);
}

/** @param usual the only one, but for `npm run test:whole`; undefined for both */
export function forDatabases(usual: DatabaseName | undefined, suite: Suite): void {
  const only = whole ? undefined : usual && (unreachable === undefined ? usual : "sqlite");
  const options = (name: DatabaseName) => (only === undefined || only === name ? {} : { skip: byWhole });
  describe("sqlite", options("sqlite"), () => run("sqlite", suite, newSqlite(copySqlite), newSqlite()));
  describe("postgres", options("postgres"), () => {
    if (unreachable === undefined) {
      const names: string[] = [];
      run("postgres", suite, newPostgres(names, copyPostgres), newPostgres(names, createPostgres));
      // After the suite's own `after`: a server whose database is gone would go on looking for it. Nobody waits for it.
      after(() => {
        for (const name of names) void dropPostgres(name);
      });
    } else if (process.env["CI"]) test("PostgreSQL can be reached", () => Promise.reject(unreachable));
    else test("all tests", { skip: `PostgreSQL cannot be reached: ${unreachable.message}` }, () => {});
  });
}

function run(name: DatabaseName, suite: Suite, fresh: Fresh, empty: Fresh): void {
  const opened: OpenedDatabase[] = [];
  const open: Open = async (overrides = {}) => {
    const make = overrides.migrations === undefined ? fresh : empty;
    const options = overrides.url === undefined ? await make() : undefined;
    const address = options && { url: near(options.url) };
    const database = await openDatabase({ ...options, ...address, log: silent, ...overrides } as OpenOptions);
    opened.push(database);
    return database;
  };
  suite(name, open, fresh, empty);
  after(async () => {
    await Promise.all(opened.map((database) => database.close()));
  });
}

/** A folder that is removed when the tests of the file have ended. */
export function temporaryFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, "poolhouse-test-"));
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

export function newSqlite(fill?: (path: string, secretsFolder: string) => Promise<void>): Fresh {
  return async () => {
    const folder = temporaryFolder(inMemory());
    const url = join(folder, "db", "poolhouse.sqlite");
    const secretsFolder = join(folder, "secrets");
    await fill?.(url, secretsFolder);
    return { url, secretsFolder, log: silent };
  };
}

function newPostgres(names: string[], make: () => Promise<{ name: string; url: string }>): Fresh {
  return async () => {
    const { name, url } = await make();
    names.push(name);
    return { url, masterKey: randomBytes(32).toString("base64"), log: silent, poolSize: 5 };
  };
}
