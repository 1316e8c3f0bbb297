/** The audit log of administrators' calls: the state of a running call, and the event it leaves. */
import type { AuditedCall, Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import { insertAuditEvents } from "../../store/audit.ts";
import type { Companion } from "../../store/db.ts";
import { newEvent } from "./event.ts";

/** `change` is everything that is neither of the others. */
export type CallKind = "read" | "sign-in" | "change";

/** The kind of an operation that an administrator signs. */
export function kindOf(operation: string): CallKind {
  if (operation === "AdminInitiateAuth" || operation === "AdminRespondToAuthChallenge") return "sign-in";
  // Creates an identity if there is none.
  if (operation === "GetOpenIdTokenForDeveloperIdentity") return "change";
  return /^(?:Admin)?(?:Describe|Get|List|Lookup)/.test(operation) ? "read" : "change";
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
  call.poolId ??= text(input["UserPoolId"]) ?? poolOfArn(text(input["ResourceArn"]));
  call.target ??= targetMembers.map((member) => text(input[member])).find((value) => value !== undefined);
  if (kindOf(call.operation) === "change") call.details = detailsOf(input);
}

const text = (value: unknown) => (typeof value === "string" ? value : undefined);
const poolOfArn = (arn: string | undefined) => /:userpool\/([\w-]+)$/.exec(arn ?? "")?.[1];

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

/**
 * Runs an administrator's call and records it. The event of a change is written in the first transaction that the work
 * commits; if there is none, it is written before the answer is sent, and if that fails the call fails: no change is
 * acknowledged without its event. A change that was committed but is answered with an error (a code that could not be
 * delivered) has two events, the second one with the error.
 */
export async function audited<T>(
  ctx: Ctx,
  who: { actor: string; operation: string },
  work: (ctx: Ctx, call: AuditedCall) => Promise<T>,
): Promise<T> {
  const call: AuditedCall = { ...who, poolId: undefined, target: undefined, details: undefined };
  const kind = kindOf(who.operation);
  const companion = kind === "change" ? newCompanion(ctx, call) : undefined;
  const own: Ctx = { ...ctx, admin: true, audited: call, db: { ...ctx.db, companion } };
  let answer: T;
  try {
    answer = await work(own, call);
  } catch (error) {
    await recordRefusal(ctx, kind, call, error);
    throw error;
  }
  if (companion !== undefined) {
    if (!companion.written) await insertAuditEvents(ctx.app.db, [newEvent(ctx, { ...call, result: "ok" })]);
  } else if (ctx.config.auditReads) {
    await ctx.app.audit.add(newEvent(ctx, { ...call, result: "ok" }));
  }
  return answer;
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
async function recordRefusal(ctx: Ctx, kind: CallKind, call: AuditedCall, error: unknown): Promise<void> {
  const result = error instanceof Refusal ? error.code : "InternalErrorException";
  if (result !== "AccessDeniedException") {
    if (kind === "sign-in" || (kind === "read" && !ctx.config.auditReads)) return;
  }
  await ctx.app.audit.add(newEvent(ctx, { ...call, result }));
}
