/** `Db`, the first argument of every store function, and transactions. */

import type { Kysely } from "kysely";
import type { DatabaseCounts } from "./engine/counts.ts";
import { sqlState } from "./engine/retry.ts";
import type { DatabaseKind } from "./engine/sql.ts";
import { sqliteCode } from "./engine/sqlite/file.ts";
import { runTransaction } from "./engine/transaction.ts";
import type { Sealer } from "./keys/sealer.ts";
import type { Schema } from "./schema/schema.ts";

export interface Db {
  /** The root handle, or the transaction inside `inTransaction`. */
  readonly kysely: Kysely<Schema>;
  readonly sealer: Sealer;
  readonly kind: DatabaseKind;
  readonly inTransaction: boolean;
  readonly counts: DatabaseCounts;
  readonly decoys: Decoys;
  /** Store calls that ride in the transactions of this handle (the audit event of a request). */
  readonly companion?: Companion | undefined;
}

/** What is read and unsealed in the place of what a user has who does not exist, so that it costs as much. */
interface Decoys {
  /** By pool, the user who was found last (users.ts). */
  readonly users: Map<string, string>;
  /** A hash and a verifier of nobody, sealed under one of the data keys (credentials.ts). */
  credential: { readonly keyId: string; readonly phc: Uint8Array; readonly srp: Uint8Array } | undefined;
}

export interface Companion {
  /** Runs at the end of each transaction. */
  write(tx: Db): Promise<void>;
  /** The transaction is committed. */
  committed(): void;
}

/**
 * Runs store calls in one transaction, and runs them again when the database could not order them with others'
 * (serialization failure, deadlock) or its connection broke before the commit. Throws ConnectionLost when it broke at
 * the commit: then nobody knows. The callback may therefore run several times: it consists of store calls and
 * values, awaits nothing else, and works on the Db it is given. One that returns false has changed nothing, so that
 * there is nothing for a companion to tell.
 */
export async function inTransaction<T>(db: Db, callback: (tx: Db) => Promise<T>): Promise<T> {
  if (db.inTransaction) throw new Error("inTransaction was called inside a transaction: pass tx on instead.");
  const { companion } = db;
  let told = false;
  const result = await runTransaction(
    db.kysely,
    async (kysely) => {
      const tx: Db = { ...db, kysely, inTransaction: true };
      const returned = await callback(tx);
      told = returned !== false && companion !== undefined;
      if (told) await companion?.write(tx);
      return returned;
    },
    db.counts,
  );
  if (told) companion?.committed();
  return result;
}

/**
 * A unique index or primary key refused a row. Inside a transaction the only way on is to let it fail; where a
 * duplicate is an ordinary answer, write `on conflict do nothing` and look at the row count.
 */
export function isUniqueViolation(error: unknown): boolean {
  const code = sqliteCode(error);
  // SQLITE_CONSTRAINT_UNIQUE, _PRIMARYKEY, _ROWID
  if (code !== undefined) return code === 2067 || code === 1555 || code === 2579;
  return sqlState(error) === "23505";
}
