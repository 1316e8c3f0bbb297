/** `Db`, the first argument of every store function, and transactions. */

import type { Kysely } from "kysely";
import type { DatabaseCounts } from "./engine/counts.ts";
import type { DirectRead } from "./engine/direct-read.ts";
import { sqlState } from "./engine/retry.ts";
import type { DatabaseKind } from "./engine/sql.ts";
import { sqliteCode } from "./engine/sqlite/file.ts";
import { runTransaction } from "./engine/transaction.ts";
import type { Sealer } from "./keys/sealer.ts";
import type { Schema } from "./schema/schema.ts";

export interface Db {
  /** The root handle, or inside `inTransaction` the transaction. */
  readonly kysely: Kysely<Schema>;
  readonly sealer: Sealer;
  readonly kind: DatabaseKind;
  /** Whether the tables are spread over the machines of a Citus cluster (migrations/distribute.ts). */
  readonly distributed: boolean;
  readonly inTransaction: boolean;
  readonly counts: DatabaseCounts;
  readonly decoys: Decoys;
  /** A shorter way for reads of this very handle (engine/direct-read.ts). */
  readonly direct?: { readonly kysely: Kysely<Schema>; readonly read: DirectRead } | undefined;
  /** Store calls that join each transaction of this handle (the audit event of a request). */
  readonly companion?: Companion | undefined;
}

/** What is read and unsealed in place of a user who does not exist, so that looking either up costs the same. */
interface Decoys {
  /** The user found last, by pool (users.ts). */
  readonly users: Map<string, string>;
  /** A dummy hash and verifier, sealed under one of the data keys (credentials.ts). */
  credential: { readonly keyId: string; readonly phc: Uint8Array; readonly srp: Uint8Array } | undefined;
}

export interface Companion {
  /** Called at the end of each transaction. */
  write(tx: Db): Promise<void>;
  /** Called after the commit. */
  committed(): void;
}

/**
 * Runs store calls in one transaction, and again if the database could not serialize it with others (serialization
 * failure, deadlock) or its connection broke before the commit. Throws ConnectionLost if it broke during the commit, as
 * the outcome is then unknown. The callback may therefore run several times: it consists of store calls and values,
 * awaits nothing else, and uses the Db it is given. If it returns false, it has changed nothing, and the companion is
 * not called.
 */
export async function inTransaction<T>(db: Db, callback: (tx: Db) => Promise<T>): Promise<T> {
  if (db.inTransaction) throw new Error("inTransaction was called inside a transaction: pass tx on instead.");
  const { companion } = db;
  let companionWrote = false;
  const result = await runTransaction(
    db.kysely,
    async (kysely) => {
      const tx: Db = { ...db, kysely, inTransaction: true };
      const returned = await callback(tx);
      companionWrote = returned !== false && companion !== undefined;
      if (companionWrote) await companion?.write(tx);
      return returned;
    },
    db.counts,
  );
  if (companionWrote) companion?.committed();
  return result;
}

/**
 * Runs store calls that need not be one transaction, with one commit where that is cheaper: SQLite would commit, and
 * wait for the disk, after each. On PostgreSQL a transaction would add two messages. The callback is as that of
 * `inTransaction`.
 */
export function committedTogether<T>(db: Db, callback: (db: Db) => Promise<T>): Promise<T> {
  return db.kind === "sqlite" && !db.inTransaction ? inTransaction(db, callback) : callback(db);
}

/**
 * Whether a unique index or primary key rejected a row. Inside a transaction the error must be rethrown; where a
 * duplicate is an ordinary case, use `on conflict do nothing` and check the row count.
 */
export function isUniqueViolation(error: unknown): boolean {
  const code = sqliteCode(error);
  // SQLITE_CONSTRAINT_UNIQUE, _PRIMARYKEY, _ROWID
  if (code !== undefined) return code === 2067 || code === 1555 || code === 2579;
  return sqlState(error) === "23505";
}
