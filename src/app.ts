/**
 * The two values that are passed everywhere: `App` lives as long as the server, `Ctx` as long as one request (or one
 * run of a worker). A function that does I/O takes `ctx` first; below that, functions take values. Types only.
 */
import type { webcrypto } from "node:crypto";
import type { Logger } from "pino";
import type { Config } from "./config/config.ts";
import type { Functions } from "./integrations/functions/functions.ts";
import type { Outbound } from "./integrations/outbound.ts";
import type { Sender } from "./integrations/senders/sender.ts";
import type { Senders } from "./integrations/senders/senders.ts";
import type { UpstreamSts } from "./integrations/upstream-sts.ts";
import type { Caches } from "./lib/caches.ts";
import type { LatestIds } from "./lib/latest-ids.ts";
import type { Refusal } from "./lib/refusal.ts";
import type { AuditEvent } from "./store/audit.ts";
import type { AuthEventOfUser } from "./store/auth-events.ts";
import type { Db } from "./store/db.ts";

export interface App {
  readonly config: Config;
  readonly db: Db;
  readonly log: Logger;
  /** Epoch milliseconds; tests set it. */
  readonly clock: () => number;
  readonly random: (bytes: number) => Uint8Array;
  readonly passwordHasher: PasswordHasher;
  readonly srp: SrpExchanger;
  /** Generates a key pair for a pool's tokens (domain/tokens/signing-keys.ts). */
  readonly newSigningPair: () => Promise<SigningPair>;
  readonly senders: Senders;
  /** The functions that triggers name. */
  readonly functions: Functions;
  /** Requests to servers that administrators name, such as identity providers. */
  readonly outbound: Outbound;
  /** The STS for roles that are not defined here; undefined if none is configured. */
  readonly upstreamSts: UpstreamSts | undefined;
  /** Parsed documents, imported keys and the like; nothing that can be revoked without a new version. */
  readonly caches: Caches;
  /** Running attempts to deliver messages (domain/messages/deliver.ts). */
  readonly deliveries: Set<Promise<unknown>>;
  /** What each sender, or each function that sends messages, has to do at the moment (domain/messages/lanes.ts). */
  readonly lanes: Map<Sender | string, Lane>;
  /** Sign-ins that this server has begun and that wait for an answer (domain/signin/offer.ts). */
  readonly waitingSignIns: LatestIds;
  readonly metrics: Metrics;
  readonly audit: Trail<AuditEvent>;
  readonly authEvents: Trail<AuthEventOfUser>;
}

/** The messages that a sender, or a pool's function that sends messages, has at once, and those that wait for it. */
export interface Lane {
  /** How many messages it has at once; Infinity if it takes no time. */
  readonly width: number;
  /** The messages that it has, each by what tells its request that the sender hangs. */
  readonly running: Set<() => void>;
  /** What begins each message that waits, by pool; the first pool has the next turn. */
  readonly waiting: Map<string, (() => void)[]>;
  /** The messages that the worker has put here: those that wait, and those being sent. */
  readonly ids: Set<string>;
  /** Epoch milliseconds before which the sender wants to be left alone. */
  closedUntil: number;
  /** How often it wanted to be left alone since it last took a message. */
  pauses: number;
  /** Whether a message took too long, and the sender has taken none since, nor refused one in time. */
  hangs: boolean;
}

/** What loads settings and branding: the database, and what was already loaded from it. */
export interface Reader {
  readonly app: Pick<App, "caches">;
  readonly db: Db;
}

export interface Ctx {
  readonly app: App;
  readonly config: Config;
  readonly db: Db;
  readonly log: Logger;
  readonly random: (bytes: number) => Uint8Array;
  /** Epoch milliseconds, read once per request. */
  readonly now: number;
  readonly requestId: string;
  /** The client's address, as reported by trusted proxies if there are any. */
  readonly address: string;
  /**
   * The user's network, which rate limits count: an IPv4 address or the first 64 bits of an IPv6 one. Undefined if a
   * back end signs users in without saying where they are.
   */
  readonly network: string | undefined;
  /** The user's full address: the client's, or the one a back end reports. Undefined if the back end reports none. */
  readonly userAddress: string | undefined;
  readonly userAgent: string | undefined;
  /** The language of the hosted page that is answered, a BCP 47 tag; undefined elsewhere. */
  readonly language?: string;
  /** The host name of the hosted page that is answered, if it is served over TLS; undefined elsewhere. */
  readonly pageHost?: string;
  /** Whether the request came over TLS; undefined if that is unknown. */
  readonly isSecure: () => boolean | undefined;
  /** Whether the call was signed with an access key that may make it. */
  readonly admin: boolean;
  /**
   * Throws AccessDeniedException unless the caller's policy grants a permission besides the operation's own. Only calls
   * of administrators have a policy.
   * @param facts condition keys, in lower case, whose values replace the request's
   */
  readonly authorize: (
    permission: Permission,
    resource: string,
    facts?: Readonly<Record<string, readonly string[]>>,
  ) => Promise<void>;
  /** Set while an administrator's call is served. */
  readonly audited?: AuditedCall;
}

/** Permissions with the service prefix `poolhouse`; domain/iam/actions.ts says what each of them allows. */
export type Permission =
  | "SetSpecialTags"
  | "PinClientId"
  | "ReuseUserPoolId"
  | "ReuseName"
  | "SetEmailSender";

/** An administrator's call, for the audit log (domain/audit). */
export interface AuditedCall {
  /** The ARN of the principal. */
  readonly actor: string;
  /** The ARN of its role, if it has temporary credentials of one. */
  readonly role: string | undefined;
  readonly operation: string;
  poolId: string | undefined;
  target: string | undefined;
  details: Readonly<Record<string, unknown>> | undefined;
}

/** A queue of events that are written without any answer waiting for them (domain/audit/trail.ts). */
export interface Trail<Event> {
  /** How many events are not yet written. */
  readonly waiting: number;
  /** Adds an event. Resolves at once unless too many are waiting. */
  add(event: Event): Promise<void>;
  /** Resolves when the events added so far are written, or the database accepts none. */
  flush(): Promise<void>;
}

/** A bounded, fair queue for expensive work (domain/credentials/fair-queue.ts). */
interface Waiting {
  /** The refusal (TooManyRequestsException) of another job, which counts as one; undefined if there is room. */
  refusal(turn: Turn): Refusal | undefined;
  /** Throws what `refusal` returns; called before a request has cost anything. */
  assertRoom(turn: Turn): void;
  /** Counts a request as on its way to the queue; the refusal (TooManyRequestsException) if it would find it full. */
  reserve(turn: Required<Turn>): Refusal | Place;
  stats(): QueueStats;
}

/** A place in a queue that newcomers find taken before its request gets there. */
export interface Place {
  /** Gives it up, if the request has not got there. */
  leave(): void;
}

export interface FairQueue extends Waiting {
  /** Runs a job in its turn. Throws TooManyRequestsException if the queue is full. */
  run<T>(turn: Turn, job: () => Promise<T>): Promise<T>;
}

/** SRP's arithmetic on its own threads (domain/credentials/srp-exchanger.ts). */
export interface SrpExchanger extends Waiting {
  /** As `exchange` of lib/srp.ts. Throws SrpError, or TooManyRequestsException if the queue is full. */
  exchange(
    values: { A: bigint; verifier: Uint8Array; b: Uint8Array },
    turn: Turn,
  ): Promise<{ B: bigint; K: Uint8Array }>;
  /** As `makeVerifier` of lib/srp.ts. */
  makeVerifier(
    values: { group: string; identity: string; password: string; salt: Uint8Array },
    turn: Turn,
  ): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** An RSA key pair whose halves can be exported. */
export interface SigningPair {
  readonly publicKey: webcrypto.CryptoKey;
  readonly privateKey: webcrypto.CryptoKey;
}

/** argon2id behind a bounded, fair queue (domain/credentials/hash-queue.ts). */
export interface PasswordHasher extends Waiting {
  /** The argon2id hash as a PHC string. Throws TooManyRequestsException if the queue is full. */
  hash(password: string, turn: Turn): Promise<string>;
  /** Whether the password matches the PHC string. Throws TooManyRequestsException if the queue is full. */
  verify(phc: string, password: string, turn: Turn): Promise<boolean>;
  /** A PHC string of the same cost that no password matches, for users who do not exist. */
  readonly dummyHash: string;
}

export interface QueueStats {
  readonly running: number;
  readonly waiting: number;
  /** Number of refusals since the start. */
  readonly refused: number;
}

/**
 * Metrics that are counted as things happen (http/metrics.ts implements and exposes them). Every label comes from a
 * closed list.
 */
export interface Metrics {
  callBegins(): void;
  /**
   * A call was answered; exactly once for each `callBegins`.
   * @param operation undefined if there is no operation of that name
   * @param error the type of the error in the answer, if any
   */
  callEnds(operation: string | undefined, error: string | undefined, ms: number): void;
  signIn(step: string, outcome: string): void;
  message(medium: "EMAIL" | "SMS", outcome: "sent" | "retried" | "failed"): void;
  /** @param callingCode one that exists; undefined if the number begins with none */
  text(callingCode: string | undefined, outcome: "sent" | "retried" | "failed" | "refused"): void;
  /** @param share how much of a budget of texts is used, from 0 to 1 */
  textBudget(limit: "texts-per-pool" | "texts-per-prefix", share: number): void;
}

/** The pool and the address that a job is for: jobs take turns between pools, and within a pool between addresses. */
export interface Turn {
  readonly pool: string;
  readonly address: string;
  /** The request's id, by which its place is known. */
  readonly request?: string;
}
