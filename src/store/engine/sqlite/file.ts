/** The files of the embedded store: readable by their owner only, and used by one process at a time. */
import { closeSync, existsSync, mkdirSync, openSync, realpathSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { OperatorError } from "../../../lib/operator-error.ts";
import { syncFolder } from "./wal-sync.ts";

export const inMemory = ":memory:";

/**
 * Creates a private folder with those above it; returns whether it did not exist before. An existing one keeps its mode.
 * Throws an OperatorError if it cannot be made.
 */
export function makePrivateFolder(folder: string): boolean {
  const path = resolve(folder);
  if (existsSync(path) && statSync(path).isDirectory()) return false;
  // One at a time: where a file system refuses a name with ENOENT, as /proc does, Node's own recursion never ends.
  if (dirname(path) !== path) makePrivateFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have been faster.
    if (
      (error as NodeJS.ErrnoException).code === "EEXIST" &&
      statSync(path, { throwIfNoEntry: false })?.isDirectory()
    )
      return false;
    throw unwritable("folder", path, error);
  }
  syncFolder(dirname(path));
  return true;
}

/** The error of a place where nothing can be written, with what to do about it. */
export function unwritable(what: "folder" | "file", path: string, error: unknown): OperatorError {
  const problem = error instanceof Error ? error.message : String(error);
  return new OperatorError(
    `The ${what} ${path} cannot be made: ${problem}. Make the place writable for this account, or set data (--data), ` +
      "or database (--database), to another.",
    { cause: error },
  );
}

/** Makes sure that the file exists and returns its real path, so that a symbolic link leads to the same lock. */
export function prepareFile(path: string): string {
  makePrivateFolder(dirname(resolve(path)));
  createPrivately(path);
  return realpathSync(path);
}

/**
 * Creates the file only if it is missing: opening and closing a database by other means than SQLite would drop this
 * process's POSIX locks on it.
 */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
    syncFolder(dirname(resolve(path)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw unwritable("file", path, error);
  }
  if (!statSync(path).isFile())
    throw new OperatorError(`The database ${path} is not a file. Set database (--database) to another path.`);
}

export function fileExists(path: string): boolean {
  return path !== inMemory && existsSync(path) && statSync(path).isFile();
}

/**
 * Locks the database for this process. The lock is SQLite's own exclusive lock on a second, empty file: the operating
 * system releases it however the process ends, so there are no stale locks.
 */
export function lockForThisProcess(path: string): { release(): void } {
  const lockPath = `${path}.lock`;
  createPrivately(lockPath);
  const lock = new DatabaseSync(lockPath, { timeout: 0 });
  try {
    lock.exec("begin exclusive");
  } catch (error) {
    lock.close();
    if (!isBusy(error)) throw error;
    throw new OperatorError(
      `Another process already uses the database ${path}. One server alone can use an SQLite file: ` +
        "stop the other one, or run several servers on PostgreSQL.",
    );
  }
  return { release: () => lock.close() };
}

/** Whether an error is SQLITE_BUSY in any of its forms: another connection holds the lock. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== undefined && (code & 0xff) === 5;
}

/** SQLite's extended result code. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode : undefined;
}
