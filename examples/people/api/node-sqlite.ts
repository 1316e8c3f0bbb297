/** Knex with the SQLite that is part of Node: its dialect for better-sqlite3, without that module. */
import { createRequire } from "node:module";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import type { Knex } from "knex";

interface Query {
  readonly sql: string;
  readonly bindings?: unknown[];
  response?: unknown;
  context?: unknown;
}

interface Dialect {
  readonly connectionSettings: { readonly filename: string; readonly patience: number };
  _formatBindings(bindings: unknown[] | undefined): (string | number | null)[];
}

// Knex has no types for its dialects.
const dialect: unknown = createRequire(import.meta.url)("knex/lib/dialects/better-sqlite3");
const BetterSqlite3 = dialect as new (config: Knex.Config) => Dialect;

class WithNode extends BetterSqlite3 {
  _driver() {
    return DatabaseSync;
  }

  async acquireRawConnection() {
    // SQLite itself would wait for a lock with the whole process.
    const connection = new DatabaseSync(this.connectionSettings.filename, { timeout: 0 });
    // Its own knows the letters of ASCII only.
    connection.function("lower", { deterministic: true }, (text) => String(text).toLowerCase());
    return connection;
  }

  /** Tries again as long as another connection has the lock. */
  async _query(connection: DatabaseSync, query: Query) {
    const deadline = Date.now() + this.connectionSettings.patience;
    for (;;) {
      try {
        return this.run(connection, query);
      } catch (error) {
        if (!isLocked(error) || Date.now() >= deadline) throw error;
      }
      await pause(10);
    }
  }

  private run(connection: DatabaseSync, query: Query) {
    // A transaction that begins by reading could not be sure to be allowed to write later; all of ours write.
    const statement = connection.prepare(query.sql === "BEGIN;" ? "BEGIN IMMEDIATE;" : query.sql);
    const bindings = this._formatBindings(query.bindings);
    if (statement.columns().length > 0) query.response = statement.all(...bindings);
    else {
      const { lastInsertRowid: lastID, changes } = statement.run(...bindings);
      query.response = query.context = { lastID, changes };
    }
    return query;
  }
}

/** Whether another connection writes at present (SQLITE_BUSY). */
export const isLocked = (error: unknown) => (error as { errcode?: number }).errcode === 5;

export const NodeSqlite = WithNode as unknown as typeof Knex.Client;
