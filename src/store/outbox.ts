/**
 * Messages to be delivered. A row is written in the transaction of the change that it reports, so that neither exists
 * without the other. A conditional update of `next_attempt_at`, which doubles as a lease, decides who delivers it.
 * sweep.ts removes expired rows.
 */
import { sql } from "kysely";
import type { MailAddress } from "../lib/mail-address.ts";
import type { Db } from "./db.ts";
import { prepared, preparedWrite, slots } from "./prepared.ts";
import type { OutboxTable } from "./schema/schema.ts";

export interface MessageRef {
  readonly poolId: string;
  readonly id: string;
}

export interface Message extends MessageRef {
  readonly userId: string | undefined;
  readonly medium: OutboxTable["medium"];
  readonly kind: OutboxTable["kind"];
  readonly destination: string;
  readonly subject: string;
  readonly body: string;
  /** The code or temporary password in the message, for the development inbox. */
  readonly code: string | undefined;
  /** Sender and reply-to address, if the pool has its own. */
  readonly from: MailAddress | undefined;
  readonly replyTo: string | undefined;
  /** The configuration set of Amazon SES that the pool names, if it does. */
  readonly configurationSet?: string;
  /** What the message is rendered from (domain/messages/layout.ts); undefined if it is its body, as it is. */
  readonly layout?: unknown;
  /** What a function words the message with (domain/messages/deliver.ts); undefined once it has. */
  readonly wording?: unknown;
  /** What a function that sends the message is told (domain/messages/deliver.ts); undefined if this server sends it. */
  readonly sending?: unknown;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** A message that the caller has leased for delivery. */
export interface ClaimedMessage extends Message {
  readonly attempts: number;
}

const place = (ref: MessageRef) => `outbox:message_sealed:${ref.poolId}/${ref.id}` as const;

const insertQuery = preparedWrite<OutboxTable>((kysely, slot) =>
  kysely
    .insertInto("outbox")
    .values(
      slots(slot, [
        "pool_id",
        "message_id",
        "user_id",
        "medium",
        "by_function",
        "kind",
        "message_sealed",
        "status",
        "attempts",
        "next_attempt_at",
        "created_at",
        "expires_at",
      ]),
    ),
);

export async function insertMessage(
  db: Db,
  message: Message,
  delivery: { status: OutboxTable["status"]; nextAttemptAt: number },
): Promise<void> {
  await insertQuery(db, {
    pool_id: message.poolId,
    message_id: message.id,
    user_id: message.userId ?? null,
    medium: message.medium,
    by_function: message.sending === undefined ? 0 : 1,
    kind: message.kind,
    message_sealed: sealed(db, message),
    status: delivery.status,
    attempts: 0,
    next_attempt_at: delivery.nextAttemptAt,
    created_at: message.createdAt,
    expires_at: message.expiresAt,
  });
}

type SealedContent = Pick<Message, "destination" | "subject" | "body"> &
  Partial<Pick<Message, "code" | "from" | "replyTo" | "configurationSet" | "layout" | "wording" | "sending">>;

function sealed(db: Db, message: Message): Uint8Array {
  const { destination, subject, body, code, from, replyTo, wording, sending } = message;
  const { configurationSet, layout } = message;
  const content: SealedContent = {
    ...{ destination, subject, body, code, from, replyTo, layout, wording, sending },
    ...(configurationSet !== undefined && { configurationSet }),
  };
  return db.sealer.seal(place(message), JSON.stringify(content));
}

const rewordQuery = preparedWrite<
  { poolId: string; id: string } & Pick<OutboxTable, "attempts" | "message_sealed">
>((kysely, slot) =>
  kysely
    .updateTable("outbox")
    .set(slots(slot, ["message_sealed"]))
    .where("pool_id", "=", slot("poolId"))
    .where("message_id", "=", slot("id"))
    .where("attempts", "=", slot("attempts")),
);

/** Stores other words of a message, if it is still at this attempt. */
export async function rewordMessage(db: Db, message: ClaimedMessage): Promise<void> {
  const { poolId, id, attempts } = message;
  await rewordQuery(db, { poolId, id, attempts, message_sealed: sealed(db, message) });
}

function fromRow(db: Db, row: OutboxTable): ClaimedMessage {
  const ref = { poolId: row.pool_id, id: row.message_id };
  const content: SealedContent = JSON.parse(db.sealer.openText(place(ref), row.message_sealed));
  return {
    ...ref,
    userId: row.user_id ?? undefined,
    medium: row.medium,
    kind: row.kind,
    destination: content.destination,
    subject: content.subject,
    body: content.body,
    code: content.code,
    from: content.from,
    replyTo: content.replyTo,
    ...(content.configurationSet !== undefined && { configurationSet: content.configurationSet }),
    ...(content.layout !== undefined && { layout: content.layout }),
    ...(content.wording !== undefined && { wording: content.wording }),
    ...(content.sending !== undefined && { sending: content.sending }),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    attempts: row.attempts,
  };
}

const dueColumns = ["pool_id", "message_id", "medium", "by_function", "next_attempt_at"] as const;
type DueRow = Pick<OutboxTable, (typeof dueColumns)[number]>;

const dueQuery = prepared<{ now: number; limit: number }, DueRow>((kysely, slot) =>
  kysely
    .selectFrom("outbox")
    .select(dueColumns)
    .where("status", "=", sql.lit("waiting"))
    .where("next_attempt_at", "<=", slot("now"))
    .where("expires_at", ">", slot("now"))
    .orderBy("next_attempt_at")
    .limit(slot("limit")),
);

/** The messages of a pool that the same sender or function sends. */
export interface MessageQueue {
  readonly poolId: string;
  readonly medium: OutboxTable["medium"];
  /** Whether a function of the pool sends them. */
  readonly byFunction: boolean;
}

/** A message that waits, with the value of `next_attempt_at` by which it is claimed. */
export interface DueMessage extends MessageRef, MessageQueue {
  readonly nextAttemptAt: number;
}

const dueOf = (row: DueRow): DueMessage => ({
  poolId: row.pool_id,
  id: row.message_id,
  medium: row.medium,
  byFunction: row.by_function === 1,
  nextAttemptAt: row.next_attempt_at,
});

/** Messages that are due, oldest first. */
export async function dueMessages(db: Db, now: number, limit: number): Promise<DueMessage[]> {
  return (await dueQuery(db, { now, limit })).map(dueOf);
}

type QueueSlots = { poolId: string; medium: OutboxTable["medium"]; byFunction: number };

const dueOfQueueQuery = prepared<QueueSlots & { now: number; limit: number }, DueRow>((kysely, slot) =>
  kysely
    .selectFrom("outbox")
    .select(dueColumns)
    .where("pool_id", "=", slot("poolId"))
    .where("status", "=", sql.lit("waiting"))
    .where("medium", "=", slot("medium"))
    .where("by_function", "=", slot("byFunction"))
    .where("next_attempt_at", "<=", slot("now"))
    .where("expires_at", ">", slot("now"))
    .orderBy("next_attempt_at")
    .limit(slot("limit")),
);

/** The messages of one queue that are due, oldest first. */
export async function dueOfQueue(
  db: Db,
  { poolId, medium, byFunction }: MessageQueue,
  now: number,
  limit: number,
): Promise<DueMessage[]> {
  const rows = await dueOfQueueQuery(db, { poolId, medium, byFunction: Number(byFunction), now, limit });
  return rows.map(dueOf);
}

const nextQueueQuery = prepared<QueueSlots, Pick<OutboxTable, "pool_id" | "medium" | "by_function">>(
  (kysely, slot) =>
    kysely
      .selectFrom("outbox")
      .select(["pool_id", "medium", "by_function"])
      .where("status", "=", sql.lit("waiting"))
      .where(({ eb, refTuple, tuple }) =>
        eb(
          refTuple("pool_id", "medium", "by_function"),
          ">",
          tuple(slot("poolId"), slot("medium"), slot("byFunction")),
        ),
      )
      .orderBy("pool_id")
      .orderBy("medium")
      .orderBy("by_function")
      .limit(1),
);

/** The queue after this one in which messages wait, due or not; undefined if there is none. Without one, the first. */
export async function nextQueue(db: Db, after?: MessageQueue): Promise<MessageQueue | undefined> {
  const { poolId = "", medium = "EMAIL", byFunction = false } = after ?? {};
  const [row] = await nextQueueQuery(db, { poolId, medium, byFunction: Number(byFunction) });
  return row && { poolId: row.pool_id, medium: row.medium, byFunction: row.by_function === 1 };
}

interface Claim extends MessageRef {
  readonly nextAttemptAt: number;
  readonly now: number;
  readonly until: number;
}

const claimQuery = prepared<{ readonly [K in keyof Claim]: Claim[K] }, OutboxTable>((kysely, slot) =>
  kysely
    .updateTable("outbox")
    .set((set) => ({ attempts: set("attempts", "+", 1), next_attempt_at: slot("until") }))
    .where("pool_id", "=", slot("poolId"))
    .where("message_id", "=", slot("id"))
    .where("status", "=", sql.lit("waiting"))
    .where("next_attempt_at", "=", slot("nextAttemptAt"))
    .where("expires_at", ">", slot("now"))
    .returningAll(),
);

/**
 * Claims a message for delivery until `leaseUntil`. Undefined if another server has it, or it was delivered or has
 * expired.
 */
export async function claimMessage(
  db: Db,
  due: MessageRef & { nextAttemptAt: number },
  lease: { now: number; until: number },
): Promise<ClaimedMessage | undefined> {
  const [row] = await claimQuery(db, { ...due, ...lease });
  return row && fromRow(db, row);
}

const settleQuery = preparedWrite<
  { poolId: string; id: string } & Pick<OutboxTable, "attempts" | "status" | "next_attempt_at">
>((kysely, slot) =>
  kysely
    .updateTable("outbox")
    .set(slots(slot, ["status", "next_attempt_at"]))
    .where("pool_id", "=", slot("poolId"))
    .where("message_id", "=", slot("id"))
    .where("attempts", "=", slot("attempts")),
);

/** Records the result of an attempt, if the message is still at this attempt. */
export async function settleMessage(
  db: Db,
  message: Pick<ClaimedMessage, "poolId" | "id" | "attempts">,
  outcome: { status: OutboxTable["status"]; nextAttemptAt: number },
): Promise<void> {
  const { poolId, id, attempts } = message;
  const { status, nextAttemptAt: next_attempt_at } = outcome;
  await settleQuery(db, { poolId, id, attempts, status, next_attempt_at });
}

const deleteQuery = preparedWrite<{ poolId: string; id: string }>((kysely, slot) =>
  kysely.deleteFrom("outbox").where("pool_id", "=", slot("poolId")).where("message_id", "=", slot("id")),
);

export async function deleteMessage(db: Db, ref: MessageRef): Promise<void> {
  await deleteQuery(db, { poolId: ref.poolId, id: ref.id });
}

const countQuery = prepared<{ most: number }, { count: number }>((kysely, slot) =>
  kysely
    .selectFrom((from) =>
      from
        .selectFrom("outbox")
        .select("message_id")
        .where("status", "=", sql.lit("waiting"))
        .limit(slot("most"))
        .as("waiting"),
    )
    .select((select) => select.fn.countAll<number>().as("count")),
);

/** How many messages are waiting, counting up to `most`. */
export async function countWaiting(db: Db, most: number): Promise<number> {
  const [row] = await countQuery(db, { most });
  return row?.count ?? 0;
}

const recentQuery = prepared<{ now: number; limit: number }, OutboxTable>((kysely, slot) =>
  kysely
    .selectFrom("outbox")
    .selectAll()
    .where("status", "in", ["waiting", "sent"])
    .where("expires_at", ">", slot("now"))
    .orderBy("created_at", "desc")
    .orderBy("message_id")
    .limit(slot("limit")),
);

/** The messages for the development inbox: newest first, without expired, `failed` and not yet worded ones, and those of a function. */
export async function recentMessages(db: Db, now: number, limit: number): Promise<Message[]> {
  const rows = await recentQuery(db, { now, limit });
  return rows
    .map((row) => fromRow(db, row))
    .filter(({ wording, sending }) => wording === undefined && sending === undefined);
}

type Arriving = Pick<OutboxTable, "message_id" | "status" | "attempts">;

const arrivingQuery = prepared<{ now: number; limit: number }, Arriving>((kysely, slot) =>
  kysely
    .selectFrom("outbox")
    .select(["message_id", "status", "attempts"])
    .where("status", "in", ["waiting", "sent"])
    .where("expires_at", ">", slot("now"))
    .orderBy("created_at", "desc")
    .orderBy("message_id")
    .limit(slot("limit")),
);

/**
 * The ids of what `recentMessages` reads, each with a mark that changes when the message may have become one that it
 * returns: cheap to ask for again and again.
 */
export async function recentMarks(
  db: Db,
  now: number,
  limit: number,
): Promise<readonly { readonly id: string; readonly mark: string }[]> {
  const rows = await arrivingQuery(db, { now, limit });
  return rows.map(({ message_id: id, status, attempts }) => ({ id, mark: `${id} ${status} ${attempts}` }));
}
