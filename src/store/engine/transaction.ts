/** Transactions on either kind of database, and row counts of statements. */
import type { Kysely, Transaction } from "kysely";
import type { DatabaseCounts } from "./counts.ts";
import { Attempts } from "./retry.ts";
import { runInScope } from "./transaction-guard.ts";

/**
 * Runs a callback in a transaction, and again if the database could not serialize it with others or its connection
 * broke before the commit (like `inTransaction` of db.ts, for code that runs before there is a Db). Isolation is `read
 * committed` where the database has levels: every invariant is a unique index or a conditional update, so nothing
 * relies on more.
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

type Counted =
  | { readonly numUpdatedRows: bigint }
  | { readonly numDeletedRows: bigint }
  | { readonly numInsertedOrUpdatedRows: bigint | undefined };

/** The number of rows that an insert, update or delete without `returning` affected; it decides single use. */
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
