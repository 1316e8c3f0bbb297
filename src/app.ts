/**
 * The two values everything passes along. Types only.
 *
 * `App` lives as long as the server, `Ctx` as long as one request (or one turn of a worker). A function takes `ctx`
 * first when it does I/O; below that, functions take values.
 */
import type { Logger } from "pino";
import type { Config } from "./config/config.ts";
import type { Mailbox } from "./integrations/mailbox.ts";
import type { Db } from "./store/db.ts";

export interface App {
  readonly config: Config;
  readonly db: Db;
  readonly log: Logger;
  /** Epoch milliseconds. Tests set it. */
  readonly clock: () => number;
  readonly random: (bytes: number) => Uint8Array;
  readonly passwordHasher: PasswordHasher;
  /** SRP exchanges wait for their turn as hashes do, so that starting many sign-ins stops nobody else's. */
  readonly exchangeTurn: <T>(turn: Turn, job: () => Promise<T>) => Promise<T>;
  readonly mailbox: Mailbox;
  readonly caches: Caches;
}

export interface Ctx {
  readonly app: App;
  readonly config: Config;
  readonly db: Db;
  readonly log: Logger;
  readonly random: (bytes: number) => Uint8Array;
  /** Epoch milliseconds, taken once a request. */
  readonly now: number;
  readonly requestId: string;
  /** The client's address as the configured proxies tell it. */
  readonly address: string;
  /**
   * The network of the user that limits count: an IPv4 address or the first 64 bits of an IPv6 one. Undefined where a
   * back end signs users in without saying where they are.
   */
  readonly network: string | undefined;
  readonly userAgent: string | undefined;
}

/** argon2id behind a bounded, fair queue (domain/credentials/hash-queue.ts). */
export interface PasswordHasher {
  /** PHC string. Throws TooManyRequestsException when the queue is full. */
  hash(password: string, turn: Turn): Promise<string>;
  /** Whether the password is that of the PHC string. Throws TooManyRequestsException when the queue is full. */
  verify(phc: string, password: string, turn: Turn): Promise<boolean>;
  /** A PHC string of the same cost that no password fits: for users who do not exist. */
  readonly nobody: string;
}

/** Who waits: turns are dealt round-robin between pools, and in a pool between addresses. */
export interface Turn {
  readonly pool: string;
  readonly address: string;
}

/** Parsed documents by (id, version) and imported keys by kid. Nothing that can be revoked. */
export interface Caches {
  readonly pools: Map<string, { version: number; value: unknown }>;
  readonly clients: Map<string, { version: number; value: unknown }>;
  readonly signingKeys: Map<string, { until: number; value: unknown }>;
}
