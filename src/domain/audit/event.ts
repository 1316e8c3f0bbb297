/**
 * audit: who did what, from where, with what result. This room is below all others, so that each of them can write to
 * the log. docs/decisions/0005-audit.md says what is recorded, and when it is on the disk. This file makes events.
 */
import type { Ctx } from "../../app.ts";
import { sha256 } from "../../lib/bytes.ts";
import { uuid7 } from "../../lib/uuid.ts";
import type { AuditEvent } from "../../store/audit.ts";

type EventDetails = Pick<AuditEvent, "actor" | "operation" | "result"> &
  Partial<Pick<AuditEvent, "poolId" | "target" | "details">>;

/** A new event of this request, with the current time. */
export function newEvent(
  ctx: Pick<Ctx, "now" | "random"> & Partial<Pick<Ctx, "address" | "userAgent" | "requestId">>,
  given: EventDetails,
): AuditEvent {
  return {
    id: uuid7(ctx.now, ctx.random),
    at: ctx.now,
    poolId: given.poolId,
    actor: bounded(given.actor, 256) ?? "",
    address: bounded(ctx.address, 64),
    userAgent: bounded(ctx.userAgent, 256),
    operation: given.operation,
    target: bounded(given.target, 256),
    result: given.result,
    requestId: ctx.requestId,
    details: given.details,
  };
}

/** Shortens text from outside, and removes what a terminal or another program could take for a command. */
export function bounded(text: string | undefined, most: number): string | undefined {
  return text
    ?.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?")
    .slice(0, most)
    .toWellFormed();
}

/** The single id of everything of one kind in a span of time, such as a minute. */
export function idOfSpan(at: number, spanMs: number, kind: readonly unknown[]): string {
  const began = at - (at % spanMs);
  const digest = sha256(JSON.stringify([...kind, spanMs, began]));
  return uuid7(began, (bytes) => digest.subarray(0, bytes));
}
