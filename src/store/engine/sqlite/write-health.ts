/**
 * Whether the embedded database could write when it last had to. A write that the file system refuses (no room, a
 * quota) has changed nothing: SQLite takes it back, reads go on, and the next one may succeed. That differs from a sync
 * that failed, after which the file is not to be trusted (wal-sync.ts).
 */
import type { StoreLog } from "../log.ts";
import { sqliteCode } from "./file.ts";

/** SQLITE_FULL; SQLITE_IOERR_WRITE, which a quota or a limit of the file's size becomes; SQLITE_IOERR_SHMSIZE. */
const refusals = new Set([13, 778, 4874]);

export class WriteHealth {
  readonly #log: StoreLog;
  #failing = false;

  constructor(log: StoreLog) {
    this.#log = log;
  }

  /** The last write was refused: /readyz says so until one succeeds. */
  get failing(): boolean {
    return this.#failing;
  }

  /** Of any error of the database; said once until a write succeeds. */
  noteError(error: unknown): void {
    const code = sqliteCode(error);
    if (this.#failing || code === undefined || !refusals.has(code)) return;
    this.#failing = true;
    this.#log.error(
      { errcode: code },
      "The disk has no room, or takes no writes: the database cannot write until it does. Reads go on.",
    );
  }

  /** After each commit that wrote. */
  noteCommit(): void {
    if (!this.#failing) return;
    this.#failing = false;
    this.#log.warn({}, "The database can write again.");
  }
}
