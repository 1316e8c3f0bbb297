/**
 * Detects, through the asynchronous context, code that asks for a connection while it runs inside a transaction of the
 * same database. It would wait for a connection that its own transaction holds: on the one SQLite connection forever,
 * on a PostgreSQL pool as soon as the pool is busy. Both drivers therefore refuse.
 */
import { AsyncLocalStorage } from "node:async_hooks";

interface Scope {
  readonly outer: Scope | undefined;
  /** The driver whose transaction is open, from `begin` to the release of its connection. */
  driver: object | undefined;
}

const scopes = new AsyncLocalStorage<Scope>();

/** Runs one attempt at a transaction; everything it calls is recognized as being inside. */
export async function runInScope<T>(attempt: () => Promise<T>): Promise<T> {
  const scope: Scope = { outer: scopes.getStore(), driver: undefined };
  try {
    return await scopes.run(scope, attempt);
  } finally {
    // Work started inside that outlives the transaction may use the root handle again.
    scope.driver = undefined;
  }
}

/** Called by a driver at `begin`. */
export function enterTransaction(driver: object): void {
  const scope = scopes.getStore();
  if (scope === undefined || scope.driver !== undefined) {
    throw new Error(
      "A transaction was begun with Kysely directly: use inTransaction(db, callback) of store/db.ts.",
    );
  }
  scope.driver = driver;
}

/** Called by a driver before it hands out a connection. */
export function refuseInsideTransaction(driver: object): void {
  for (let scope = scopes.getStore(); scope !== undefined; scope = scope.outer) {
    if (scope.driver === driver) {
      throw new Error(
        "The root database handle was used inside a transaction, where it would wait for the transaction itself: " +
          "inside inTransaction(db, async (tx) => …) use tx, and await nothing but store calls.",
      );
    }
  }
}

/** Both drivers refuse an AbortSignal: with one, Kysely answers before the release, and thus before the disk. */
export function refuseSignal(options: { readonly signal?: unknown } | undefined): void {
  if (options?.signal !== undefined) {
    throw new Error(
      "Queries with an AbortSignal are not supported: their answer would not wait for the disk.",
    );
  }
}
