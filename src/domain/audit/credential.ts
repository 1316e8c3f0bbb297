/** Changes of credentials by their owners. */
import type { Ctx } from "../../app.ts";
import { type AuditEvent, insertAuditEvents } from "../../store/audit.ts";
import type { Db } from "../../store/db.ts";
import { newEvent } from "./event.ts";
import { countRow } from "./rows.ts";

export interface CredentialChange {
  readonly operation: string;
  readonly poolId: string;
  readonly userId: string;
  /** `ok` unless told otherwise. */
  readonly result?: string;
  /** The user unless told otherwise. */
  readonly actor?: string;
  readonly details?: NonNullable<AuditEvent["details"]>;
  /** The user is not whom the administrator's call at hand is about, so that its own event does not tell of it. */
  readonly ofAnother?: boolean;
}

/** They end something, or get an account back; what else limits them is enough. */
const neverRefused: ReadonlySet<string> = new Set([
  "ChangePassword",
  "ConfirmForgotPassword",
  "DeleteUser",
  "GlobalSignOut",
  "RevokeToken",
  "RevokeUserSession",
]);

/**
 * Records, in the transaction that makes it, what a user changed about their credentials: a password, a confirmation, a
 * verified address, a factor, an end of tokens. Where an administrator's call makes the change, that call's own event is
 * enough. Throws TooManyRequestsException to users who go on changing without end: each change is a row.
 */
export async function recordCredentialChange(tx: Db, ctx: Ctx, change: CredentialChange): Promise<void> {
  if (tx.companion !== undefined && change.ofAnother !== true) return;
  const { operation, poolId, userId, result = "ok", actor = userId, details } = change;
  // AdminRespondToAuthChallenge has no event of a change, since most sign-ins change nothing.
  const who = ctx.audited ?? { actor, operation };
  if (who.actor === userId && !neverRefused.has(operation)) {
    await countRow(tx, ctx, { poolId, id: userId }, "credential-changes");
  }
  const told = { actor: who.actor, operation: who.operation, poolId, target: userId, result };
  await insertAuditEvents(tx, [newEvent(ctx, { ...told, ...(details && { details }) })]);
}

/** The request's database, each of whose transactions records the change; for store functions that begin their own. */
export function recording(ctx: Ctx, change: CredentialChange): Db {
  if (ctx.db.companion !== undefined) return ctx.db;
  const companion = {
    write: (tx: Db) => recordCredentialChange({ ...tx, companion: undefined }, ctx, change),
    committed: () => {},
  };
  return { ...ctx.db, companion };
}
