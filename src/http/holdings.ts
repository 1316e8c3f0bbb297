/**
 * THE table of what a single unauthenticated client can hold of this server. Code that enforces a row reads its numbers
 * here; docs/security-model.md shows it; test/front/holdings.test.ts exhausts each row and then connects from a second
 * address, which must be served.
 */
import type { LimitName } from "../config/limits.ts";
import { slotBits } from "../domain/credentials/subjects.ts";

/** How a resource is divided among addresses (IPv6: /64 networks). */
export const sharing = {
  yields: "no fixed share: one address may use all; when all is used, the address that uses most gives way",
  turns: "round-robin between pools, and between the addresses of a pool",
  each: "per connection or request",
  address: "per address",
} as const;

export interface Row {
  /** The resource. */
  readonly what: string;
  /** The numbers that are enforced, or the name of the limit in POOLHOUSE_LIMITS that has them. */
  readonly limit: Readonly<Record<string, number>> | LimitName;
  /** The limit in words; `{name}` is a placeholder for a number. */
  readonly quantity: string;
  readonly shared: keyof typeof sharing;
  /** What happens to a client that exceeds it. */
  readonly beyond: string;
}

const KiB = 1024;
const MiB = 1024 * KiB;

/** How requests are refused before what they ask for is looked at. */
const refusedEarly = "TooManyRequestsException (400 from the API, 429 from pages and OAuth endpoints)";
/** How an operation is refused; a page shows its form again. */
const refused = "TooManyRequestsException (400 from the API; pages say so above their form)";

export const holdings = {
  connections: {
    what: "Connections",
    limit: "connections",
    quantity: "at once",
    shared: "yields",
    beyond: "closed, idle ones first; connections of trusted proxies are not counted",
  },
  files: {
    what: "Files that the process may open",
    limit: { kept: 200, least: 32 },
    quantity: "connections get all but {kept} if that is less than the limit above, but at least {least}",
    shared: "yields",
    beyond: "closed, as above",
  },
  handshakes: {
    what: "TLS handshakes",
    limit: { part: 2 },
    quantity: "1/{part} of the connections at once",
    shared: "yields",
    beyond: "closed",
  },
  handshakeTime: {
    what: "A TLS handshake",
    limit: { seconds: 5 },
    quantity: "{seconds} s",
    shared: "each",
    beyond: "closed",
  },
  headers: {
    what: "Headers of a request",
    limit: { bytes: 16 * KiB },
    quantity: "{bytes}",
    shared: "each",
    beyond: "431, closed",
  },
  headersTime: {
    what: "Time until the headers are complete",
    limit: { seconds: 10 },
    quantity: "{seconds} s",
    shared: "each",
    beyond: "408, closed",
  },
  idleTime: {
    what: "An idle connection between requests",
    limit: { seconds: 65 },
    quantity: "{seconds} s",
    shared: "each",
    beyond: "closed",
  },
  pipeline: {
    what: "Requests in progress on one connection",
    limit: { requests: 10 },
    quantity: "{requests}",
    shared: "each",
    beyond: "not answered; closed after the others",
  },
  bodies: {
    what: "Bytes of request bodies",
    limit: "body-bytes",
    quantity: "at once",
    shared: "yields",
    beyond: `${refusedEarly}, closed`,
  },
  bodyPace: {
    what: "Rate of a body",
    limit: { bytes: 8 * KiB, seconds: 10 },
    quantity: "at least {bytes} in {seconds} s",
    shared: "each",
    beyond: "refused, closed",
  },
  requestTime: {
    what: "A request including its body",
    limit: { seconds: 30 },
    quantity: "{seconds} s",
    shared: "each",
    beyond: "408, closed",
  },
  body: {
    what: "Body of a call that names an existing access key",
    limit: { bytes: 3 * MiB },
    quantity: "{bytes}",
    shared: "each",
    beyond: "refused",
  },
  event: {
    what: "Event for a function (Lambda's Invoke) that names an existing access key",
    limit: { bytes: 6 * MiB },
    quantity: "{bytes}",
    shared: "each",
    beyond: "refused",
  },
  publicBody: {
    what: "Body of any other call of the API",
    limit: { bytes: 128 * KiB },
    quantity: "{bytes}",
    shared: "each",
    beyond: "refused without being read",
  },
  formBody: {
    what: "Form at the pages and OAuth endpoints",
    limit: { bytes: 64 * KiB },
    quantity: "{bytes}",
    shared: "each",
    beyond: "refused without being read",
  },
  providerAnswer: {
    what: "Answer of an identity provider, as a form that a browser posts",
    limit: { bytes: 160 * KiB },
    quantity: "{bytes}",
    shared: "each",
    beyond: "refused without being read",
  },
  answers: {
    what: "Bytes of answers that clients have not read",
    limit: "answer-bytes",
    quantity: "at once",
    shared: "yields",
    beyond: "closed",
  },
  answerTime: {
    what: "An answer of which nothing is read",
    limit: { seconds: 120 },
    quantity: "{seconds} s",
    shared: "each",
    beyond: "closed",
  },
  thread: {
    what: "Requests answered while the thread is more than 50 ms late",
    limit: { window: 100, lateAfter: 50, least: 20, addresses: 1.25 },
    quantity:
      "an even share of each {window} ms among at least {addresses} addresses, and at least {least} requests",
    shared: "address",
    beyond: `${refusedEarly}, and not read from for half a second`,
  },
  waiting: {
    what: "Requests that wait for the thread",
    limit: { requests: 2000, turn: 10 },
    quantity: "{requests} at once; those that fit into {turn} ms do not wait",
    shared: "yields",
    beyond: "429, and not read from for half a second",
  },
  hashes: {
    what: "Waiting password hashes",
    limit: { each: 100 },
    quantity: "{each} per hash computed at once",
    shared: "turns",
    beyond: refused,
  },
  exchanges: {
    what: "Waiting SRP exchanges",
    limit: { each: 200 },
    quantity: "{each} per exchange computed at once",
    shared: "turns",
    beyond: refused,
  },
  users: {
    what: "Rows of users who sign up",
    limit: "sign-ups-per-address",
    quantity: "per hour and pool",
    shared: "address",
    beyond: refused,
  },
  outbox: {
    what: "Rows of messages to send",
    limit: "messages-per-address",
    quantity: "per hour and pool",
    shared: "address",
    beyond: refused,
  },
  attempts: {
    what: "Rows that count guesses at names that nobody has",
    limit: { bits: slotBits },
    quantity: "2^{bits} per pool, shared by all such names",
    shared: "address",
    beyond: "another row is reused; the limits on guesses stay in force",
  },
  signIns: {
    what: "Rows of sign-ins that wait for an answer",
    limit: "waiting-sign-ins-per-address",
    quantity:
      "of each kind at once in a pool; `waiting-sign-ins` of one name; codes by the limits of messages",
    shared: "address",
    beyond: "the address's oldest of that kind is void; a cheaper kind never displaces a costlier one",
  },
  events: {
    what: "Rows of sign-in events about wrong passwords",
    limit: "passwords-per-address",
    quantity: "per hour and pool; `sign-in-events` of one user are recorded one by one",
    shared: "address",
    beyond: `${refused}, and one event per minute and user`,
  },
  logLines: {
    what: "Log lines about requests that are refused or prove nothing",
    limit: { lines: 50, seconds: 10 },
    quantity: "{lines} in {seconds} s",
    shared: "address",
    beyond: "counted, and reported in one line for all addresses",
  },
} as const satisfies Record<string, Row>;

export type HoldingName = keyof typeof holdings;
