/**
 * What one client can hold of this server, before anybody knows who it is: THE table of it. Whoever enforces a row reads
 * its numbers here; docs/security-model.md has it; test/front/holdings.test.ts takes as much of each as there is and then
 * comes from a second address, which must be served.
 */
import type { LimitName } from "../config/limits.ts";
import { slotBits } from "../domain/credentials/subjects.ts";

/** How what there is of something is dealt out among addresses (IPv6: networks of 64 bits). */
export const dealings = {
  yields: "no fixed share: one address may use all; when it is full, the largest holder yields",
  turns: "turns go round between pools, and between addresses in a pool",
  each: "the same for each connection or request",
  address: "so much an address",
} as const;

export interface Row {
  /** What it is. */
  readonly what: string;
  /** The numbers by which it is enforced, or the limit of POOLHOUSE_LIMITS that has them. */
  readonly limit: Readonly<Record<string, number>> | LimitName;
  /** The limit as it is told, `{name}` standing for a number. */
  readonly told: string;
  readonly dealt: keyof typeof dealings;
  /** What happens to whoever wants more, or takes longer. */
  readonly beyond: string;
}

const KiB = 1024;
const MiB = 1024 * KiB;

/** How requests are refused before what they want is looked at. */
const refusedEarly = "TooManyRequestsException (400 from the API, 429 from pages and OAuth endpoints)";
/** How what was asked for is refused: a page shows its form again. */
const refused = "TooManyRequestsException (400 from the API; pages say so above their form)";

export const holdings = {
  connections: {
    what: "Connections",
    limit: "connections",
    told: "at once",
    dealt: "yields",
    beyond:
      "closed, those first that wait for a next request; connections of trusted proxies are not counted",
  },
  files: {
    what: "Files that the system lets the process open",
    limit: { kept: 200, least: 32 },
    told: "all but {kept} for connections, where those are fewer; never fewer than {least}",
    dealt: "yields",
    beyond: "closed, as above",
  },
  handshakes: {
    what: "TLS handshakes",
    limit: { part: 2 },
    told: "1/{part} of the connections at once",
    dealt: "yields",
    beyond: "closed",
  },
  handshakeTime: {
    what: "A TLS handshake",
    limit: { seconds: 5 },
    told: "{seconds} s",
    dealt: "each",
    beyond: "closed",
  },
  headers: {
    what: "Headers of a request",
    limit: { bytes: 16 * KiB },
    told: "{bytes}",
    dealt: "each",
    beyond: "431, closed",
  },
  headersTime: {
    what: "Headers until they are complete",
    limit: { seconds: 10 },
    told: "{seconds} s",
    dealt: "each",
    beyond: "408, closed",
  },
  idleTime: {
    what: "A connection between requests",
    limit: { seconds: 65 },
    told: "{seconds} s",
    dealt: "each",
    beyond: "closed",
  },
  pipeline: {
    what: "Requests under way on one connection",
    limit: { requests: 10 },
    told: "{requests}",
    dealt: "each",
    beyond: "not answered; closed after those",
  },
  bodies: {
    what: "Bytes of bodies",
    limit: "body-bytes",
    told: "at once",
    dealt: "yields",
    beyond: `${refusedEarly}, closed`,
  },
  bodyPace: {
    what: "Pace of a body",
    limit: { bytes: 8 * KiB, seconds: 10 },
    told: "{bytes} in {seconds} s at least",
    dealt: "each",
    beyond: "refused, closed",
  },
  requestTime: {
    what: "A request with its body",
    limit: { seconds: 30 },
    told: "{seconds} s",
    dealt: "each",
    beyond: "408, closed",
  },
  body: {
    what: "Body of a call that names an access key that there is",
    limit: { bytes: 3 * MiB },
    told: "{bytes}",
    dealt: "each",
    beyond: "refused",
  },
  publicBody: {
    what: "Body of any other call of the API",
    limit: { bytes: 128 * KiB },
    told: "{bytes}",
    dealt: "each",
    beyond: "refused unread",
  },
  formBody: {
    what: "Form at the pages and the OAuth endpoints",
    limit: { bytes: 64 * KiB },
    told: "{bytes}",
    dealt: "each",
    beyond: "refused unread",
  },
  answers: {
    what: "Bytes of answers that clients have not taken",
    limit: "answer-bytes",
    told: "at once",
    dealt: "yields",
    beyond: "closed",
  },
  answerTime: {
    what: "An answer of which nothing is taken",
    limit: { seconds: 120 },
    told: "{seconds} s",
    dealt: "each",
    beyond: "closed",
  },
  thread: {
    what: "What the thread that answers gets done while it is more than 50 ms late",
    limit: { window: 100, lateAfter: 50, least: 20, addresses: 1.25 },
    told: "an even share of each {window} ms among {addresses} addresses or more, {least} requests at least",
    dealt: "address",
    beyond: `${refusedEarly}, and not read for half a second`,
  },
  waiting: {
    what: "Requests that wait for the thread that answers",
    limit: { requests: 2000, turn: 10 },
    told: "{requests} at once; what {turn} ms are enough for does not wait",
    dealt: "yields",
    beyond: "429, and not read for half a second",
  },
  hashes: {
    what: "Password hashes that wait",
    limit: { each: 100 },
    told: "{each} for each that is computed",
    dealt: "turns",
    beyond: refused,
  },
  exchanges: {
    what: "SRP exchanges that wait",
    limit: { each: 200 },
    told: "{each} for each that is computed",
    dealt: "turns",
    beyond: refused,
  },
  users: {
    what: "Rows of users who sign themselves up",
    limit: "sign-ups-per-address",
    told: "an hour and pool",
    dealt: "address",
    beyond: refused,
  },
  outbox: {
    what: "Rows of messages to be sent",
    limit: "messages-per-address",
    told: "an hour and pool",
    dealt: "address",
    beyond: refused,
  },
  attempts: {
    what: "Rows that count guesses at names nobody has",
    limit: { bits: slotBits },
    told: "2^{bits} a pool, shared by all such names",
    dealt: "address",
    beyond: "another row is used again; the limits on guesses go on",
  },
  signIns: {
    what: "Rows of sign-ins that wait for an answer",
    limit: "waiting-sign-ins-per-address",
    told: "of each kind at once, in a pool; `waiting-sign-ins` of one name; codes by the limits of messages",
    dealt: "address",
    beyond: "the address's oldest of the kind is void: none for what was cheaper to begin",
  },
  events: {
    what: "Rows of sign-in events about wrong passwords",
    limit: "passwords-per-address",
    told: "an hour and pool; `sign-in-events` of one user are told one by one",
    dealt: "address",
    beyond: `${refused}, and one event a minute and user`,
  },
  logLines: {
    what: "Lines in the log about requests that are refused or prove nothing",
    limit: { lines: 50, seconds: 10 },
    told: "{lines} in {seconds} s",
    dealt: "address",
    beyond: "counted, and told in one line for all addresses",
  },
} as const satisfies Record<string, Row>;

export type HoldingName = keyof typeof holdings;
