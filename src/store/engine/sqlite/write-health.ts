/**
 * Tracks whether the embedded database could write the last time. A write that the file system refuses (no space, a
 * quota) has changed nothing: SQLite undoes it, reads continue, and the next write may succeed. After a failed sync, on
 * the other hand, the file cannot be trusted (wal-sync.ts).
 */
import type { StoreLog } from "../log.ts";
import { sqliteCode } from "./file.ts";

/** SQLITE_FULL; SQLITE_IOERR_WRITE, the effect of a quota or a file size limit; SQLITE_IOERR_SHMSIZE. */
const refusals = new Set([13, 778, 4874]);

export class WriteHealth {
  readonly #log: StoreLog;
  #failing = false;

  constructor(log: StoreLog) {
    this.#log = log;
  }

  /** Whether the last write was refused; /readyz reports it until one succeeds. */
  get failing(): boolean {
    return this.#failing;
  }

  /** Called with any error of the database; logs a refused write once until a write succeeds. */
  noteError(error: unknown): void {
    const code = sqliteCode(error);
    if (this.#failing || code === undefined || !refusals.has(code)) return;
    this.#failing = true;
    this.#log.error(
      { errcode: code },
      "The disk has no room, or takes no writes: the database cannot write until it does. Reads go on.",
    );
  }

  /** Called after each commit that wrote. */
  noteCommit(): void {
    if (!this.#failing) return;
    this.#failing = false;
    this.#log.warn({}, "The database can write again.");
  }
}
