/** Puts messages into the outbox, in the transaction of the change that they report. */
import type { Ctx } from "../../app.ts";
import { toHex } from "../../lib/bytes.ts";
import { parseMailAddress } from "../../lib/mail-address.ts";
import type { Db } from "../../store/db.ts";
import { insertMessage, type Message } from "../../store/outbox.ts";
import type { CodeKind } from "../../store/schema/schema.ts";
import { customMessageEvent, type MessageOccasion } from "../triggers/custom-message.ts";
import { customSenderEvent, type Sending } from "../triggers/custom-sender.ts";
import type { TriggerEvent } from "../triggers/fire.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import type { Filling } from "./compose.ts";
import type { Delivery } from "./delivery.ts";
import type { Composed } from "./layout.ts";

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

/** What the pool's functions do with a message; neither if it has none for it. */
export type Handling =
  | { readonly wording?: Wording; readonly sending?: never }
  | { readonly wording?: never; readonly sending: Sending };

/** How a message is handled: a function that sends it also words it, so that no other is asked to. */
export function handlingOf(
  pool: Pool,
  kind: CodeKind,
  delivery: Pick<Delivery, "medium" | "destination">,
  occasion: MessageOccasion,
  filling: Filling,
): Handling {
  const sending = customSenderEvent(pool, kind, delivery, occasion);
  if (sending !== undefined) return { sending };
  const event = customMessageEvent(pool, kind, occasion);
  return event === undefined ? {} : { wording: { event, filling } };
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
    handling?: Handling | undefined;
  },
): QueuedMessage {
  const { From, ReplyToEmailAddress, ConfigurationSet } = pool.document.EmailConfiguration ?? {};
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
    ...(ConfigurationSet !== undefined && { configurationSet: ConfigurationSet }),
    ...content.handling,
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
