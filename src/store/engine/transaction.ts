/** Transactions of a database of either kind, and what a statement did. */
import type { Kysely, Transaction } from "kysely";
import type { DatabaseCounts } from "./counts.ts";
import { Attempts } from "./retry.ts";
import { runInScope } from "./transaction-guard.ts";

/**
 * Runs a callback in a transaction, and again when the database could not order it with others' or its connection broke
 * before the commit (`inTransaction` of db.ts, below Db, for what runs before there is one). Isolation is `read committed` wherever the database has
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
