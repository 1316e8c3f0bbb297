/** The database that DATABASE_URL names, and waiting for it. */
import { setTimeout as pause } from "node:timers/promises";
import knex, { type Knex } from "knex";
import { NodeSqlite } from "./node-sqlite.ts";

/** What the operator is told without a stack. */
export class Refusal extends Error {}

/** @param patience seconds to wait, with SQLite, for another process that writes */
export function openDatabase(url: string, patience = 60): Knex {
  // Knex warns of errors that it also throws.
  const log = { warn: () => {} };
  const common = { pool: { min: 0, max: 10 }, acquireConnectionTimeout: 5_000, log };
  if (/^postgres(?:ql)?:/.test(url))
    return knex({ ...common, client: "pg", connection: { connectionString: url, keepAlive: true } });
  if (/^(?:mysql|mariadb):/.test(url))
    return knex({ ...common, client: "mysql2", connection: withCharset(url) });
  // Beside what Knex knows, what node-sqlite.ts takes.
  const file = { filename: url, timeout: patience * 1000 };
  return knex({ client: NodeSqlite, connection: file, useNullAsDefault: true });
}

/** Tables get the connection's character set, not the server's, which may be none for every language. */
function withCharset(url: string): string {
  const address = new URL(url);
  address.searchParams.set("charset", "utf8mb4");
  return address.href;
}

/** Waits until the database answers: a container of it that has just been started takes its time. */
export async function waitFor(database: Knex, seconds: number): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (let said = ""; ; ) {
    try {
      await database.raw("select 1");
      return;
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException;
      const reason = message || String(code);
      if (Date.now() >= deadline)
        throw new Refusal(`The database did not answer within ${seconds} seconds: ${reason}`);
      if (reason !== said) console.log(`Waiting for the database: ${reason}`);
      said = reason;
    }
    await pause(250);
  }
}

/** Whether the database answers at present. */
export const answers = (database: Knex): Promise<boolean> =>
  database.raw("select 1").then(
    () => true,
    () => false,
  );
