/** The files of the embedded store: created for the owner alone, and used by one process at a time. */
import { closeSync, existsSync, mkdirSync, openSync, realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { syncFolder } from "./wal-sync.ts";

export const inMemory = ":memory:";

/** Makes a private folder; true when it was not there before. An existing one is left as its owner set it. */
export function makePrivateFolder(folder: string): boolean {
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return false;
  syncFolder(dirname(first));
  return true;
}

/** Makes sure that the file exists and answers its one true path, so that a symbolic link finds the same lock. */
export function prepareFile(path: string): string {
  makePrivateFolder(dirname(resolve(path)));
  createPrivately(path);
  return realpathSync(path);
}

/**
 * Creates a missing file, and only a missing one: to open and close a database by other means than SQLite drops the
 * POSIX locks which this process holds on it.
 */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
    syncFolder(dirname(resolve(path)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

export function fileExists(path: string): boolean {
  return path !== inMemory && existsSync(path);
}

/**
 * Takes the database for this process. The lock is SQLite's own exclusive lock on a second, empty file: the
 * operating system drops it when the process ends in whatever way, so no stale lock has to be judged.
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
    throw new Error(
      `Another process already uses the database ${path}. One server alone can use an SQLite file: ` +
        "stop the other one, or run several servers on PostgreSQL.",
    );
  }
  return { release: () => lock.close() };
}

/** SQLITE_BUSY in any of its forms: another connection holds the lock that is needed. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== undefined && (code & 0xff) === 5;
}

/** SQLite's extended result code. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode : undefined;
}
