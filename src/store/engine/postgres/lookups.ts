/**
 * Lookups: reads of a few rows by their key, outside of transactions. PostgreSQL answers them so fast that lending a
 * connection of the pool, and a system call each way, cost more than they do. They are therefore sent one behind the
 * other over a few connections that all share, those of one turn of the event loop together.
 *
 * Nothing depends on it: a lookup that cannot be sent or fails in any way is left to the pool, which repeats it and
 * reports the error.
 */
import type { Socket } from "node:net";
import type { QueryResult } from "kysely";
import type { Client } from "pg";
import { bindParameter, type NamedQuery } from "../sql.ts";
import { refuseInsideTransaction } from "../transaction-guard.ts";

/** Lookups on their way over one connection, beyond which others are left to the pool. */
const most = 64;

/** How long after a failure no connection is opened. Milliseconds. */
const pauseMs = 1_000;

export interface LookupOptions {
  /** How many connections there are at most. */
  readonly connections: number;
  /** Makes a client that is not connected yet. */
  readonly makeClient: () => Client;
  /** Milliseconds without any answer after which a connection is given up. */
  readonly silenceMs: number;
  /** What transactions on the same database are known by (transaction-guard.ts). */
  readonly driver: object;
}

export class Lookups {
  readonly #options: LookupOptions;
  readonly #lines: Line[] = [];
  readonly #watch: NodeJS.Timeout;
  /** When the next connection may be opened, after one has failed. Milliseconds of `performance.now()`. */
  #notBefore = 0;

  constructor(options: LookupOptions) {
    this.#options = options;
    this.#watch = setInterval(() => this.#giveUpSilent(), options.silenceMs).unref();
  }

  /**
   * Sends a lookup. Undefined if the query is none, or every connection is busy, or not open yet. Rejects if it failed, whatever the reason.
   * Throws inside a transaction of the same database.
   */
  send(query: NamedQuery): Promise<QueryResult<unknown>> | undefined {
    if (!query.isLookup) return undefined;
    refuseInsideTransaction(this.#options.driver);
    const line = this.#pick();
    if (line === undefined || !line.isOpen || line.waiting >= most) return undefined;
    return line.send(query);
  }

  /** The connection with the fewest lookups on their way; opens another when all have some. */
  #pick(): Line | undefined {
    let best: Line | undefined;
    for (const line of this.#lines) if (best === undefined || line.waiting < best.waiting) best = line;
    const isWanted = best === undefined || best.waiting > 0;
    if (isWanted && this.#lines.length < this.#options.connections && performance.now() >= this.#notBefore)
      this.#open();
    return best;
  }

  #open(): void {
    const line = new Line(this.#options.makeClient(), () => {
      const at = this.#lines.indexOf(line);
      if (at >= 0) this.#lines.splice(at, 1);
      this.#notBefore = Math.max(this.#notBefore, performance.now() + pauseMs);
    });
    this.#lines.push(line);
  }

  /** How many connections there are. */
  get connections(): number {
    return this.#lines.length;
  }

  #giveUpSilent(): void {
    for (const line of [...this.#lines]) line.giveUpIfSilent();
  }

  /** Waits for the lookups on their way. */
  async close(): Promise<void> {
    this.#notBefore = Number.POSITIVE_INFINITY;
    clearInterval(this.#watch);
    await Promise.all(this.#lines.splice(0).map((line) => line.end()));
  }
}

/** One connection. After its first failure it is closed, and whatever was on its way goes another way. */
class Line {
  readonly #client: Client;
  readonly #failed: () => void;
  #state: "opening" | "open" | "ended" = "opening";
  #hasFailed = false;
  #isCorked = false;
  /** Lookups without an answer. */
  waiting = 0;
  /** Whether one was answered since the last tick, or none was waiting. */
  #hasAnswered = true;

  constructor(client: Client, failed: () => void) {
    this.#client = client;
    this.#failed = failed;
    // pg rejects what was on its way as well.
    client.on("error", () => this.#fail());
    client.connect().then(
      () => {
        if (this.#state === "opening") this.#state = "open";
      },
      () => this.#fail(),
    );
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  async send({ name, sql: text, parameters }: NamedQuery): Promise<QueryResult<unknown>> {
    const values = parameters.map(bindParameter);
    this.#cork();
    if (this.waiting === 0) this.#hasAnswered = true;
    this.waiting += 1;
    try {
      const { rows } = await this.#client.query<Record<string, unknown>>({ name, text, values });
      // Answers are told apart by their order alone, which nobody should rely on after a failure.
      if (this.#hasFailed) throw new Error("A lookup before this one has failed.");
      return { rows };
    } catch (error) {
      this.#fail();
      throw error;
    } finally {
      this.waiting -= 1;
      this.#hasAnswered = true;
    }
  }

  /** Holds back what is written until this turn of the event loop has read all requests. */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    const socket = this.#socket;
    socket.cork();
    setImmediate(() => {
      this.#isCorked = false;
      socket.uncork();
    });
  }

  /** pg's types leave it out. */
  get #socket(): Socket {
    return (this.#client as Client & { readonly connection: { readonly stream: Socket } }).connection.stream;
  }

  giveUpIfSilent(): void {
    const silent = !this.#hasAnswered && this.waiting > 0;
    this.#hasAnswered = false;
    if (silent) this.#fail();
  }

  /** Closes the connection, so that every lookup on its way fails, too. */
  #fail(): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    if (this.#state !== "ended") this.#failed();
    this.#state = "ended";
    this.#socket.destroy();
  }

  /** Ends once the lookups on their way are answered. */
  async end(): Promise<void> {
    if (this.#state === "ended") return;
    this.#state = "ended";
    await this.#client.end().catch(() => {});
  }
}
