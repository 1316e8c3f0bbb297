/** The audit log of administrators' calls: the state of a running call, and the event it leaves. */
import type { AuditedCall, Ctx } from "../../app.ts";
import { CacheKind } from "../../lib/caches.ts";
import { Refusal } from "../../lib/refusal.ts";
import { insertAuditEvents } from "../../store/audit.ts";
import type { Companion } from "../../store/db.ts";
import { newEvent } from "./event.ts";

/** The kind of an audited call; `change` is anything that is neither a read nor a sign-in. */
export type CallKind = "read" | "sign-in" | "change";

/** The kind of an operation called with IAM credentials. */
export function kindOf(operation: string): CallKind {
  if (operation === "AdminInitiateAuth" || operation === "AdminRespondToAuthChallenge") return "sign-in";
  // Creates an identity if there is none.
  if (operation === "GetOpenIdTokenForDeveloperIdentity") return "change";
  if (operation === "GetSessionToken") return "change";
  return /^(?:Admin)?(?:Describe|Get|List|Lookup)|^Decrypt$/.test(operation) ? "read" : "change";
}

/** Members that name the target of a call, unless it is a user; the first one given counts. */
const targetMembers = [
  "ClientId",
  "GroupName",
  "ProviderName",
  "Identifier",
  "Domain",
  "JobId",
  "ManagedLoginBrandingId",
  "TermsId",
  "IdentityPoolId",
  "IdentityId",
  "ResourceArn",
];
const attributeMembers = ["UserAttributes", "UserAttributeNames", "CustomAttributes"];

type Input = Readonly<Record<string, unknown>>;

/** Records what the input says about the target; code that finds a user records the user's id. */
export function noteInput(call: AuditedCall, input: Input): void {
  call.poolId ??=
    text(input["UserPoolId"]) ?? text(input["IdentityPoolId"]) ?? poolOfArn(text(input["ResourceArn"]));
  call.target ??= targetMembers.map((member) => text(input[member])).find((value) => value !== undefined);
  if (kindOf(call.operation) === "change") call.details = detailsOf(input);
}

const text = (value: unknown) => (typeof value === "string" ? value : undefined);
const poolOfArn = (arn: string | undefined) =>
  /:(?:userpool|identitypool)\/([\w-]+(?::[0-9a-f-]+)?)$/.exec(arn ?? "")?.[1];

/** The names of the given members and attributes, plus the names of group and client, which are not secret. */
function detailsOf(input: Input): Record<string, unknown> {
  const members = Object.keys(input).filter((name) => name !== "UserPoolId" && input[name] !== undefined);
  const attributes = attributeMembers.flatMap((member) => {
    const list = input[member];
    return Array.isArray(list) ? list.map((one) => (typeof one === "string" ? one : one?.Name)) : [];
  });
  return {
    members,
    ...(attributes.length > 0 && { attributes: attributes.slice(0, 50) }),
    ...(text(input["GroupName"]) !== undefined && { group: input["GroupName"] }),
    ...(text(input["ClientId"]) !== undefined && { client: input["ClientId"] }),
  };
}

/** Records whom or what a call turned out to be about, and further details. */
export function noteTarget(
  ctx: Ctx,
  found: { poolId?: string; target?: string; details?: Readonly<Record<string, unknown>> },
): void {
  if (ctx.audited === undefined) return;
  if (found.details !== undefined) ctx.audited.details = { ...ctx.audited.details, ...found.details };
  if (found.poolId !== undefined) ctx.audited.poolId = found.poolId;
  if (found.target !== undefined) ctx.audited.target = found.target;
}

/** A call with IAM credentials, while it runs. */
export interface RunningCall {
  /** The context in which the work must run. */
  readonly ctx: Ctx;
  readonly call: AuditedCall;
  readonly companion: CallCompanion | undefined;
}

/**
 * Begins a call; `recordedCall` must be called to end it. The event of a change is written by the first transaction
 * that the work commits.
 */
export function beginCall(
  ctx: Ctx,
  { arn, session }: { readonly arn: string; readonly session?: { readonly roleArn: string } | undefined },
  operation: string,
): RunningCall {
  const found = { poolId: undefined, target: undefined, details: undefined };
  const call: AuditedCall = { actor: arn, role: session?.roleArn, operation, ...found };
  const companion = kindOf(operation) === "change" ? newCompanion(ctx, call) : undefined;
  return { ctx: { ...ctx, admin: true, audited: call, db: { ...ctx.db, companion } }, call, companion };
}

/**
 * Awaits the work of a call and records its result. If no transaction wrote the event of a change, it is written before
 * the answer is sent, and a failure to do so fails the call: no change is acknowledged without its event. A change that
 * was committed but answered with an error (such as a code that could not be delivered) has two events, the second with
 * the error.
 * @param work already started
 */
export function recordedCall<T>(ctx: Ctx, running: RunningCall, work: Promise<T>): Promise<T> {
  const { call, companion } = running;
  return work.then(
    async (answer) => {
      if (companion !== undefined) {
        if (!companion.written)
          await insertAuditEvents(ctx.app.db, [newEvent(ctx, { ...call, result: "ok" })]);
      } else if (ctx.config.auditReads) {
        await addInShare(ctx, call, "ok");
      }
      return answer;
    },
    async (error) => {
      await recordRefusal(ctx, call, error);
      throw error;
    },
  );
}

interface CallCompanion extends Companion {
  readonly written: boolean;
}

function newCompanion(ctx: Ctx, call: AuditedCall): CallCompanion {
  let written = false;
  return {
    get written() {
      return written;
    },
    write: async (tx) => {
      if (!written) await insertAuditEvents(tx, [newEvent(ctx, { ...call, result: "ok" })]);
    },
    committed: () => {
      written = true;
    },
  };
}

/**
 * Writes refused calls to the queue that no answer waits for. A failed sign-in is not an event here: users, not
 * administrators, decide how many of those there are.
 */
async function recordRefusal(ctx: Ctx, call: AuditedCall, error: unknown): Promise<void> {
  const kind = kindOf(call.operation);
  const result = error instanceof Refusal ? error.code : "InternalErrorException";
  if (result !== "AccessDeniedException") {
    if (kind === "sign-in" || (kind === "read" && !ctx.config.auditReads)) return;
  }
  await addInShare(ctx, call, result);
}

/**
 * Adds an event, unless its caller has a role and has had their share of events that take no permission: those of refusals, and of
 * GetCallerIdentity. Guests of an identity pool have a role, too, and could fill the table.
 */
async function addInShare(ctx: Ctx, call: AuditedCall, result: string): Promise<void> {
  const event = newEvent(ctx, { ...call, result });
  const { role, operation } = call;
  const isFree = role !== undefined && (result !== "ok" || operation === "GetCallerIdentity");
  const others = isFree ? othersOf(ctx, [role, operation, result]) : undefined;
  if (others === "skipped") return;
  await ctx.app.audit.add(others === undefined ? event : { ...event, details: { ...event.details, others } });
}

const hour = 60 * 60 * 1000;
/** How many such events of an operation are recorded one by one in an hour, of all who have a role. */
const share = 30;
/** By role, operation, result and hour. */
const counted = new CacheKind<number>(10_000);

/**
 * What an event says of those like it that come after it.
 * @returns undefined if nothing; `skipped` if the event is itself one that is not recorded
 */
function othersOf({ app, now }: Ctx, kind: readonly string[]): string | undefined {
  const began = now - (now % hour);
  const counts = app.caches.of(counted);
  const key = JSON.stringify([...kind, began]);
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  if (count <= share) return undefined;
  if (count > share + 1) return "skipped";
  return `not recorded until ${new Date(began + hour).toISOString()}`;
}
