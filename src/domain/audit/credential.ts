/** Changes of credentials by their owners. */
import type { Ctx } from "../../app.ts";
import { type AuditEvent, insertAuditEvents } from "../../store/audit.ts";
import type { Db } from "../../store/db.ts";
import { newEvent } from "./event.ts";

export interface CredentialChange {
  readonly operation: string;
  readonly poolId: string;
  readonly userId: string;
  /** `ok` unless told otherwise. */
  readonly result?: string;
  /** The user unless told otherwise. */
  readonly actor?: string;
  readonly details?: NonNullable<AuditEvent["details"]>;
}

/**
 * Records, in the transaction that makes it, what a user changed about their credentials: a password, a confirmation, a
 * verified address, an end of tokens. Where an administrator's call makes the change, that call's own event is enough.
 */
export async function recordCredentialChange(tx: Db, ctx: Ctx, change: CredentialChange): Promise<void> {
  if (tx.companion !== undefined) return;
  const { operation, poolId, userId, result = "ok", actor = userId, details } = change;
  // AdminRespondToAuthChallenge has no event of a change, since most sign-ins change nothing.
  const who = ctx.audited ?? { actor, operation };
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
