/** An outbox with its worker, as each server has one, and a sender that the test watches. */
import { randomBytes } from "node:crypto";
import { pino } from "pino";
import type { App, Ctx } from "../../src/app.ts";
import { onlyProcess } from "../../src/config/workers.ts";
import { newMessage, queueMessage } from "../../src/domain/messages/queue.ts";
import { createMetrics } from "../../src/http/metrics.ts";
import type { OutgoingMessage } from "../../src/integrations/senders/sender.ts";
import { type Db, inTransaction } from "../../src/store/db.ts";

const random = (bytes: number) => randomBytes(bytes);

/** What the outbox needs of a server. */
export function postRoom(
  db: Db,
  send: (message: OutgoingMessage) => Promise<void>,
  clock: () => number = Date.now,
): App {
  const log = pino({ level: "silent" });
  const sender = { kind: "smtp", send };
  return {
    db,
    log,
    random,
    clock,
    senders: { of: () => sender, all: new Map() },
    metrics: createMetrics(),
    deliveries: new Set(),
    lanes: new Map(),
    config: { worker: onlyProcess },
  } as unknown as App;
}

/** A message that waits for a worker. */
export async function queue(app: App, destination: string): Promise<void> {
  const { db } = app;
  const ctx = { app, db, random, now: app.clock() } as unknown as Ctx;
  const queued = newMessage(
    ctx,
    { id: "p_1", document: {} },
    {
      userId: "u",
      delivery: { medium: "EMAIL", destination },
      kind: "sign-up",
      composed: { subject: "s", body: "b" },
      code: "123456",
      lifetimeMs: 3_600_000,
      by: "worker",
    },
  );
  await inTransaction(db, (tx) => queueMessage(tx, queued));
}
