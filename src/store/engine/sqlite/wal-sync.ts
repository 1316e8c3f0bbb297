/**
 * Makes commits durable without blocking JavaScript: SQLite commits with synchronous=NORMAL, which only writes, and the
 * answers of all waiting commits are sent after one shared fdatasync of the write-ahead log that began after the last
 * of them. (The checkpoint has synced what has moved from the log to the database file.)
 */
import fs from "node:fs";
import { dirname } from "node:path";

export type SyncFile = (descriptor: number, done: (error: Error | null) => void) => void;

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

export class WalSync {
  readonly #path: string;
  readonly #syncFile: SyncFile;
  readonly #onFailure: (error: Error) => void;
  #descriptor: number | undefined;
  #inode: bigint | undefined;
  #waiting: Waiting[] = [];
  #busy = false;
  #failure: Error | undefined;

  /** `syncFile` lets tests count and delay syncs; `onFailure` is called once. */
  constructor(
    walPath: string,
    syncFile: SyncFile = fs.fdatasync,
    onFailure: (error: Error) => void = () => {},
  ) {
    this.#path = walPath;
    this.#syncFile = syncFile;
    this.#onFailure = onFailure;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Throws once a sync has failed: what is on the disk is then unknown until a restart. */
  assertWritable(): void {
    if (this.#failure !== undefined) throw refusal(this.#failure);
  }

  /** Resolves when everything committed before this call is on the disk. */
  durable(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(refusal(this.#failure));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (this.#busy) return;
      this.#busy = true;
      // Deferred, so that all commits of this turn of the event loop share the sync.
      setImmediate(() => this.#round());
    });
  }

  /** Waits for a running sync and closes the file. */
  async close(): Promise<void> {
    if (this.#busy) await this.durable().catch(() => {});
    this.#closeDescriptor();
  }

  #round(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    const finish = (error: Error | null) => {
      if (error !== null) {
        this.#fail(error, batch);
        return;
      }
      for (const one of batch) one.resolve();
      if (this.#waiting.length > 0) setImmediate(() => this.#round());
      else this.#busy = false;
    };
    try {
      this.#syncFile(this.#open(), finish);
    } catch (error) {
      finish(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #fail(error: Error, batch: Waiting[]): void {
    this.#failure = error;
    this.#busy = false;
    this.#onFailure(error);
    const all = [...batch, ...this.#waiting];
    this.#waiting = [];
    for (const one of all) one.reject(refusal(error));
  }

  /** Opens the log. SQLite may have replaced the file, whose name must then be made durable, too. */
  #open(): number {
    const now = fs.statSync(this.#path, { bigint: true });
    if (this.#descriptor !== undefined && this.#inode === now.ino) return this.#descriptor;
    this.#closeDescriptor();
    this.#descriptor = fs.openSync(this.#path, "r+");
    this.#inode = fs.fstatSync(this.#descriptor, { bigint: true }).ino;
    syncFolder(dirname(this.#path));
    return this.#descriptor;
  }

  #closeDescriptor(): void {
    if (this.#descriptor !== undefined) fs.closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

function refusal(cause: Error): Error {
  return new Error(
    `The database refuses to write, because the disk did not confirm an earlier write (${cause.message}). ` +
      "Look at the disk, then start again.",
    { cause },
  );
}

/** Makes the file names in a folder durable. Windows has no such call and needs none. */
export function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const descriptor = fs.openSync(folder, "r");
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}
