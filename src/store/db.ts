/** `Db`, the first argument of every store function, and transactions. */

import type { Kysely, Transaction } from "kysely";
import type { DatabaseCounts } from "./engine/counts.ts";
import { Attempts, sqlState } from "./engine/retry.ts";
import type { DatabaseKind } from "./engine/sql.ts";
import { sqliteCode } from "./engine/sqlite/file.ts";
import { runInScope } from "./engine/transaction-guard.ts";
import type { Sealer } from "./keys/sealer.ts";
import type { Schema } from "./schema/schema.ts";

export interface Db {
  /** The root handle, or the transaction inside `inTransaction`. */
  readonly kysely: Kysely<Schema>;
  readonly sealer: Sealer;
  readonly kind: DatabaseKind;
  readonly inTransaction: boolean;
  readonly counts: DatabaseCounts;
  /** Store calls that ride in the transactions of this handle (the audit event of a request). */
  readonly companion?: Companion | undefined;
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
 * The same below Db, for what runs before there is one. Isolation is `read committed` wherever the database has
 * levels: every invariant is a unique index or a conditional update, so nothing relies on more.
 */
export async function runTransaction<S, T>(
  kysely: Kysely<S>,
  callback: (transaction: Transaction<S>) => Promise<T>,
  counts?: Pick<DatabaseCounts, "retries">,
): Promise<T> {
  for (const tried = new Attempts(); ; ) {
    try {
      return await runInScope(() =>
        kysely.transaction().setIsolationLevel("read committed").execute(callback),
      );
    } catch (error) {
      await tried.again(error);
    }
    if (counts) counts.retries += 1;
  }
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

type Counted =
  | { readonly numUpdatedRows: bigint }
  | { readonly numDeletedRows: bigint }
  | { readonly numInsertedOrUpdatedRows: bigint | undefined };

/** How many rows an insert, update or delete without `returning` touched: what single use is decided by. */
export function affected(result: Counted | readonly Counted[] | undefined): number {
  if (result === undefined) return 0;
  if (isList(result)) return result.reduce((sum, one) => sum + affected(one), 0);
  if ("numUpdatedRows" in result) return Number(result.numUpdatedRows);
  if ("numDeletedRows" in result) return Number(result.numDeletedRows);
  return Number(result.numInsertedOrUpdatedRows ?? 0n);
}

function isList(result: Counted | readonly Counted[]): result is readonly Counted[] {
  return Array.isArray(result);
}
