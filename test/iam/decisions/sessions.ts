/**
 * Policies of identities, boundaries and sessions together ("Policy evaluation logic", "Session policies", "Permissions
 * boundaries", IAM User Guide): each kind must allow, and a deny of any of them wins.
 */

/** Statements by kind; undefined is no policy of the kind, an empty list is one that allows nothing. */
export interface Sets {
  readonly identity: readonly object[];
  readonly session?: readonly object[];
  readonly boundary?: readonly object[];
}

/** The rule, the policies, and the decision, with the end of IAM's error message; always about `s3:GetObject`. */
export type SessionRow = readonly [why: string, sets: Sets, expected: "allow" | string];

const all = { Effect: "Allow", Action: "*", Resource: "*" };
const reads = { Effect: "Allow", Action: "s3:Get*", Resource: "*" };
const writes = { Effect: "Allow", Action: "s3:Put*", Resource: "*" };
const noReads = { Effect: "Deny", Action: "s3:Get*", Resource: "*" };
const noWrites = { Effect: "Deny", Action: "s3:Put*", Resource: "*" };
const mine = { Effect: "Allow", Action: "*", Resource: "arn:aws:s3:::bucket/mine/*" };
const red = { Effect: "Allow", Action: "*", Resource: "*", Condition: { StringEquals: { team: "red" } } };
const blue = { Effect: "Allow", Action: "*", Resource: "*", Condition: { StringEquals: { team: "blue" } } };

const lacking = (kind: string) => `because no ${kind} allows the s3:GetObject action`;
const denied = (kind: string) => `with an explicit deny in ${kind}`;
const identityLacks = lacking("identity-based policy");
const sessionLacks = lacking("session policy");
const boundaryLacks = lacking("permissions boundary");
const identityDenies = denied("an identity-based policy");
const sessionDenies = denied("a session policy");
const boundaryDenies = denied("a permissions boundary");

export const sessions: readonly SessionRow[] = [
  ["no session policy restricts nothing", { identity: [reads] }, "allow"],
  ["without any policy nothing is allowed", { identity: [] }, identityLacks],
  ["both allow", { identity: [reads], session: [reads] }, "allow"],
  ["both allow, by different statements", { identity: [all], session: [reads] }, "allow"],
  ["a session policy restricts", { identity: [all], session: [writes] }, sessionLacks],
  ["a session policy does not widen", { identity: [writes], session: [all] }, identityLacks],
  ["neither allows: the identity's is told", { identity: [writes], session: [writes] }, identityLacks],
  ["an empty session policy allows nothing", { identity: [all], session: [] }, sessionLacks],
  ["a session without identity's policies has nothing", { identity: [], session: [all] }, identityLacks],
  ["a deny of the session wins", { identity: [all], session: [all, noReads] }, sessionDenies],
  ["a deny of the identity wins", { identity: [all, noReads], session: [all] }, identityDenies],
  [
    "a deny of both: the identity's is told",
    { identity: [all, noReads], session: [noReads] },
    identityDenies,
  ],
  [
    "a deny of the session wins over a lacking allow",
    { identity: [writes], session: [noReads] },
    sessionDenies,
  ],
  ["a session of a deny alone allows nothing", { identity: [all], session: [noWrites] }, sessionLacks],
  ["a deny of something else in the session", { identity: [all], session: [all, noWrites] }, "allow"],
  ["a deny of something else in the identity", { identity: [all, noWrites], session: [reads] }, "allow"],
  ["one of several session policies is enough", { identity: [all], session: [writes, reads] }, "allow"],
  ["one of several identity policies is enough", { identity: [writes, reads], session: [reads] }, "allow"],
  ["resources of both must fit", { identity: [all], session: [mine] }, sessionLacks],
  ["resources of the identity must fit", { identity: [mine], session: [all] }, identityLacks],
  ["conditions of both are of the same request (1)", { identity: [red], session: [red] }, "allow"],
  ["conditions of both are of the same request (2)", { identity: [red], session: [blue] }, sessionLacks],
  ["conditions of both are of the same request (3)", { identity: [blue], session: [red] }, identityLacks],
  [
    "an undecided allow of the session allows nothing",
    { identity: [all], session: [{ ...all, Condition: { Foo: { team: "red" } } }] },
    sessionLacks,
  ],
  [
    "an undecided deny of the session denies",
    { identity: [all], session: [all, { ...noReads, Condition: { Foo: { team: "red" } } }] },
    sessionDenies,
  ],
  ["a boundary alone allows nothing", { identity: [], boundary: [all] }, identityLacks],
  ["a boundary that allows", { identity: [reads], boundary: [all] }, "allow"],
  ["a boundary restricts", { identity: [all], boundary: [writes] }, boundaryLacks],
  ["an empty boundary allows nothing", { identity: [all], boundary: [] }, boundaryLacks],
  ["a deny of the boundary wins", { identity: [all], boundary: [all, noReads] }, boundaryDenies],
  ["all three allow", { identity: [all], boundary: [reads], session: [reads] }, "allow"],
  [
    "the session is the one that lacks",
    { identity: [all], boundary: [reads], session: [writes] },
    sessionLacks,
  ],
  [
    "boundary and session lack: the boundary is told",
    { identity: [all], boundary: [writes], session: [writes] },
    boundaryLacks,
  ],
  [
    "a deny of the session wins over a lacking boundary",
    { identity: [all], boundary: [writes], session: [noReads] },
    sessionDenies,
  ],
];
