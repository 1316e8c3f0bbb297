/**
 * The two values everything passes along. Types only.
 *
 * `App` lives as long as the server, `Ctx` as long as one request (or one turn of a worker). A function takes `ctx`
 * first when it does I/O; below that, functions take values.
 */
import type { Logger } from "pino";
import type { Config } from "./config/config.ts";
import type { Mailbox } from "./integrations/mailbox.ts";
import type { Caches } from "./lib/caches.ts";
import type { LatestIds } from "./lib/latest-ids.ts";
import type { AuditEvent } from "./store/audit.ts";
import type { AuthEventOfUser } from "./store/auth-events.ts";
import type { Db } from "./store/db.ts";

export interface App {
  readonly config: Config;
  readonly db: Db;
  readonly log: Logger;
  /** Epoch milliseconds. Tests set it. */
  readonly clock: () => number;
  readonly random: (bytes: number) => Uint8Array;
  readonly passwordHasher: PasswordHasher;
  readonly srp: SrpExchanger;
  readonly mailbox: Mailbox;
  /** Parsed documents, imported keys and the like. Nothing that can be revoked without a new version. */
  readonly caches: Caches;
  /** Attempts to deliver a message that are under way (domain/messages/deliver.ts). */
  readonly deliveries: Set<Promise<unknown>>;
  /** The sign-ins that this server has begun and that wait for an answer (domain/signin/challenges/offer.ts). */
  readonly waitingSignIns: LatestIds;
  readonly metrics: Metrics;
  readonly audit: Trail<AuditEvent>;
  readonly authEvents: Trail<AuthEventOfUser>;
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
  /** The user's address, whole: the client's, or what a back end says of it. Undefined where it says nothing. */
  readonly userAddress: string | undefined;
  readonly userAgent: string | undefined;
  /** Whether the request came by TLS, as far as that is known. */
  readonly isSecure: () => boolean | undefined;
  /** The call was signed with an access key that may make it. */
  readonly admin: boolean;
  /**
   * Throws AccessDeniedException unless the caller's policy gives a permission besides the operation's own. Only calls
   * of administrators have a policy.
   * @param facts condition keys, lower-case, whose values are these instead of the request's
   */
  readonly authorize: (
    permission: Permission,
    resource: string,
    facts?: Readonly<Record<string, readonly string[]>>,
  ) => Promise<void>;
  /** While an administrator's call is served. */
  readonly audited?: AuditedCall;
}

/** Of the service prefix `poolhouse`: what they permit stands in domain/iam/actions.ts. */
export type Permission =
  | "SetSpecialTags"
  | "PinClientId"
  | "ReuseUserPoolId"
  | "ReuseName"
  | "SetEmailSender";

/** An administrator's call, as far as it is known (domain/audit). */
export interface AuditedCall {
  /** The ARN of the principal. */
  readonly actor: string;
  readonly operation: string;
  poolId: string | undefined;
  target: string | undefined;
  details: Readonly<Record<string, unknown>> | undefined;
}

/** Takes events that no answer waits for (domain/audit/trail.ts). */
export interface Trail<Event> {
  /** How many are not yet written. */
  readonly waiting: number;
  /** Resolves at once, unless too many wait. */
  add(event: Event): Promise<void>;
  /** Resolves when those that were added are written, or the database takes none. */
  flush(): Promise<void>;
}

/** Where costly work waits its turn (domain/credentials/fair-queue.ts). */
interface Waiting {
  /** Throws TooManyRequestsException when a newcomer would be refused: asked before a request has cost anything. */
  assertRoom(turn: Turn): void;
  stats(): QueueStats;
}

export interface FairQueue extends Waiting {
  /** Throws TooManyRequestsException when the queue is full. */
  run<T>(turn: Turn, job: () => Promise<T>): Promise<T>;
}

/** SRP's arithmetic on threads of its own (domain/credentials/srp-exchanger.ts). */
export interface SrpExchanger extends Waiting {
  /** lib/srp.ts: exchange. Throws SrpError, and TooManyRequestsException when the queue is full. */
  exchange(
    values: { A: bigint; verifier: Uint8Array; b: Uint8Array },
    turn: Turn,
  ): Promise<{ B: bigint; K: Uint8Array }>;
  /** lib/srp.ts: makeVerifier. */
  makeVerifier(
    values: { group: string; identity: string; password: string; salt: Uint8Array },
    turn: Turn,
  ): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** argon2id behind a bounded, fair queue (domain/credentials/hash-queue.ts). */
export interface PasswordHasher extends Waiting {
  /** PHC string. Throws TooManyRequestsException when the queue is full. */
  hash(password: string, turn: Turn): Promise<string>;
  /** Whether the password is that of the PHC string. Throws TooManyRequestsException when the queue is full. */
  verify(phc: string, password: string, turn: Turn): Promise<boolean>;
  /** A PHC string of the same cost that no password fits: for users who do not exist. */
  readonly nobody: string;
}

export interface QueueStats {
  readonly running: number;
  readonly waiting: number;
  /** Since the start. */
  readonly refused: number;
}

/** What is counted as it happens (http/metrics.ts makes and prints it). Every label comes from a closed list. */
export interface Metrics {
  callBegins(): void;
  /**
   * The answer of a call is known. Once for each `callBegins`.
   * @param operation undefined: there is none of that name
   * @param error the type of the error it is answered with, if any
   */
  callEnds(operation: string | undefined, error: string | undefined, ms: number): void;
  signIn(step: string, outcome: string): void;
  message(medium: "EMAIL" | "SMS", outcome: "sent" | "retried" | "failed"): void;
}

/** Who waits: turns are dealt round-robin between pools, and in a pool between addresses. */
export interface Turn {
  readonly pool: string;
  readonly address: string;
}
