/**
 * Checkpoints the write-ahead log on its own thread: a checkpoint writes thousands of pages and syncs two files, and on
 * the connection itself (SQLite's default) it stopped all requests for 15 to 20 ms. The connection still does one when
 * the log reaches `autocheckpointPages`: if this thread fails or cannot keep up, and because only then can a log that
 * is never idle start over.
 */
import { Worker } from "node:worker_threads";
import type { StoreLog } from "../log.ts";

/** For the connection: 40 MB. */
export const autocheckpointPages = 10_000;

/** Commits between two checkpoints. Each usually writes three to six pages of 4 kB, for a few rows. */
const commitsBetween = 1_000;
/**
 * The rows of an ordinary commit; larger ones count as several (a slice of the sweep touches two or three pages per
 * row).
 */
const rowsOfCommit = 3;

/** As text, since a path to a TypeScript file would not survive the build. */
const source = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { DatabaseSync } = require("node:sqlite");
  const database = new DatabaseSync(workerData, { timeout: 1000 });
  database.exec("pragma synchronous = normal");
  const checkpoint = database.prepare("pragma wal_checkpoint(passive)");
  parentPort.on("message", (message) => {
    if (message === "close") {
      database.close();
      parentPort.close();
      return;
    }
    let error;
    try { checkpoint.all(); } catch (thrown) { error = thrown.message; }
    parentPort.postMessage({ error });
  });
`;

export class Checkpointer {
  readonly #path: string;
  readonly #log: StoreLog;
  #worker: Worker | undefined;
  #commits = 0;
  #busy = false;
  #broken = false;

  constructor(path: string, log: StoreLog) {
    this.#path = path;
    this.#log = log;
  }

  /** Called after each commit that wrote, with the number of rows. Starts the thread when there is work for it. */
  noteCommit(rows: number): void {
    this.#commits += Math.max(1, Math.floor(rows / rowsOfCommit));
    if (this.#commits < commitsBetween || this.#busy || this.#broken) return;
    this.#commits = 0;
    this.#busy = true;
    this.#worker ??= this.#start();
    this.#worker.postMessage("checkpoint");
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined || this.#broken) return;
    const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    worker.ref();
    worker.postMessage("close");
    await ended;
  }

  #start(): Worker {
    const worker = new Worker(source, {
      eval: true,
      workerData: this.#path,
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    });
    // A process with nothing else to do may exit: the next start checkpoints the log.
    worker.unref();
    worker.on("message", (answer: { error?: string }) => {
      this.#busy = false;
      if (answer.error !== undefined)
        this.#log.warn({ error: answer.error }, "A checkpoint of the database failed.");
    });
    worker.on("error", (error) => this.#giveUp(error.message));
    worker.on("exit", () => {
      this.#broken = true;
    });
    return worker;
  }

  #giveUp(error: string): void {
    this.#broken = true;
    this.#log.warn(
      { error },
      "The checkpoint thread ended; the server's connection does its work from now on.",
    );
  }
}
