/** Puts messages into the outbox, in the transaction of the change that they report. */
import type { Ctx } from "../../app.ts";
import { toHex } from "../../lib/bytes.ts";
import { parseMailAddress } from "../../lib/mail-address.ts";
import type { Db } from "../../store/db.ts";
import { insertMessage, type Message } from "../../store/outbox.ts";
import { customMessageEvent, type MessageOccasion } from "../triggers/custom-message.ts";
import type { TriggerEvent } from "../triggers/fire.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import type { Composed, Filling } from "./compose.ts";
import type { Delivery } from "./delivery.ts";

/** How long a message belongs to whoever queued or claimed it; after that the worker takes it over. Milliseconds. */
export const leaseMs = 60_000;

/**
 * Who delivers: with `now` the request itself right after its commit, so that it can report a failure; with `worker`
 * the worker, so that a request takes no longer for a user who exists; `nobody` marks a message to a user who does not
 * exist, written so that the work is equal, and purged soon after.
 */
export type DeliveredBy = "now" | "worker" | "nobody";

export interface QueuedMessage {
  readonly message: Message;
  readonly by: DeliveredBy;
}

/** What a CustomMessage function is asked, and what its words are filled in with. */
export interface Wording {
  readonly event: TriggerEvent;
  readonly filling: Filling;
}

/** The wording of a message by the pool's CustomMessage function; undefined if it has none. */
export function wordingOf(
  pool: Pool,
  kind: Message["kind"],
  occasion: MessageOccasion,
  filling: Filling,
): Wording | undefined {
  const event = customMessageEvent(pool, kind, occasion);
  return event && { event, filling };
}

/** Makes a message; nothing is stored yet. */
export function newMessage(
  ctx: Ctx,
  pool: Pick<Pool, "id" | "document">,
  content: {
    userId: string | undefined;
    delivery: Pick<Delivery, "medium" | "destination">;
    kind: Message["kind"];
    composed: Composed;
    code: string | undefined;
    lifetimeMs: number;
    by: DeliveredBy;
    /** A function's words in place of these, and what they are filled in with. */
    wording?: Wording | undefined;
  },
): QueuedMessage {
  const { From, ReplyToEmailAddress } = pool.document.EmailConfiguration ?? {};
  const message: Message = {
    poolId: pool.id,
    id: toHex(ctx.random(16)),
    userId: content.userId,
    medium: content.delivery.medium,
    kind: content.kind,
    destination: content.delivery.destination,
    ...content.composed,
    code: content.code,
    from: From === undefined ? undefined : parseMailAddress(From),
    replyTo: ReplyToEmailAddress,
    ...(content.wording !== undefined && { wording: content.wording }),
    createdAt: ctx.now,
    expiresAt: content.by === "nobody" ? ctx.now : ctx.now + content.lifetimeMs,
  };
  return { message, by: content.by };
}

/** Stores a message in the caller's transaction. */
export async function queueMessage(tx: Db, queued: QueuedMessage): Promise<void> {
  const { message, by } = queued;
  await insertMessage(tx, message, {
    status: by === "nobody" ? "failed" : "waiting",
    nextAttemptAt: firstAttemptAt(queued),
  });
}

/** When the worker may take a message: if the request delivers it, not before the request's lease has expired. */
export function firstAttemptAt({ message, by }: QueuedMessage): number {
  return by === "now" ? message.createdAt + leaseMs : message.createdAt;
}
