/**
 * Reads outside of transactions, those of one turn of the event loop together: the requests that have arrived by then are
 * all read, then all looked up, then all answered. A processor that does one thing several times, with its code and data
 * still in its caches, takes half of what it takes to do everything for one request after the other.
 */
import type { CompiledQuery, QueryResult } from "kysely";

type Result = QueryResult<unknown>;

/**
 * As many as this do not wait for the end of the turn. What they lead to counts into its time then, which is limited
 * (src/http/turns.ts), and more at once would gain no more.
 */
const most = 16;

interface Waiting {
  readonly query: CompiledQuery;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

export class TurnReads {
  readonly #read: (query: CompiledQuery) => Result;
  #waiting: Waiting[] = [];

  constructor(read: (query: CompiledQuery) => Result) {
    this.#read = read;
  }

  /** Runs a read at the end of this turn at the latest. Rejects if it fails. */
  add(query: CompiledQuery): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.run());
      if (this.#waiting.push({ query, resolve, reject }) === most) process.nextTick(() => this.run());
    });
  }

  /** Runs those that wait; to be called by whoever takes the connection, since they were asked for before. */
  run(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const { query, resolve, reject } of waiting) {
      try {
        resolve(this.#read(query));
      } catch (error) {
        reject(error);
      }
    }
  }
}
