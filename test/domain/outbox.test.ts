import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { pino } from "pino";
import type { App, Ctx } from "../../src/app.ts";
import { onlyProcess } from "../../src/config/workers.ts";
import { deliverQueued } from "../../src/domain/messages/deliver.ts";
import { newMessage, queueMessage } from "../../src/domain/messages/queue.ts";
import { deliverDue, startOutboxWorker } from "../../src/domain/messages/worker.ts";
import { createMetrics } from "../../src/http/metrics.ts";
import { noSender, type Sender, Undeliverable } from "../../src/integrations/senders/sender.ts";
import { type Db, inTransaction } from "../../src/store/db.ts";
import { dueMessages, recentMessages } from "../../src/store/outbox.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { until } from "../kit/waiting.ts";

type Sent = Parameters<Sender["send"]>[0];

/** A sender that fails as often as it is told to, and a server around it. */
function office(db: Db, failures: number) {
  const sent: Sent[] = [];
  let left = failures;
  let now = 1_000_000;
  const sender: Sender = {
    kind: "none",
    send: async (message) => {
      if (left-- > 0) throw new Error("the post is closed");
      sent.push(message);
    },
    verify: async () => {},
    close: async () => {},
  };
  const senders = { of: () => sender, all: new Map() };
  const log = pino({ level: "silent" });
  const random = (bytes: number) => randomBytes(bytes);
  const deliveries = new Set();
  const metrics = createMetrics();
  const app = {
    db,
    log,
    random,
    clock: () => now,
    senders,
    metrics,
    deliveries,
    lanes: new Map(),
    config: { worker: onlyProcess },
  } as unknown as App;
  const ctx = () => ({ app, db, log, random, now }) as unknown as Ctx;
  const queue = async (by: "now" | "worker" | "nobody") => {
    const queued = newMessage(
      ctx(),
      { id: "p_1", document: { EmailConfiguration: { From: "Pool <pool@b.example>" } } },
      {
        userId: "u",
        delivery: { medium: "EMAIL", destination: "a@b.example" },
        kind: "sign-up",
        composed: { subject: "s", body: "b 123456" },
        code: "123456",
        lifetimeMs: 3_600_000,
        by,
      },
    );
    await inTransaction(db, (tx) => queueMessage(tx, queued));
    return queued;
  };
  const attempts = () => failures - left;
  return { app, sent, ctx, queue, attempts, advance: (ms: number) => (now += ms) };
}

forEachDatabase((_name, open) => {
  test("a request delivers its message at once, and the worker does not deliver it again", async () => {
    const { db } = await open();
    const { app, sent, ctx, queue, advance } = office(db, 0);
    await deliverQueued(ctx(), [await queue("now")]);
    const [{ id, ...message } = assert.fail("nothing was sent")] = sent;
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.deepEqual(message, {
      poolId: "p_1",
      kind: "sign-up",
      medium: "EMAIL",
      destination: "a@b.example",
      subject: "s",
      text: "b 123456",
      html: "b 123456",
      from: { name: "Pool", address: "pool@b.example" },
      replyTo: undefined,
      createdAt: 1_000_000,
    });
    advance(600_000);
    await deliverDue(app, app.clock());
    assert.equal(sent.length, 1);
  });

  test("a failure is told, and the worker tries again later", async () => {
    const { db } = await open();
    const { app, sent, ctx, queue, advance, attempts } = office(db, 2);
    const queued = await queue("now");
    await assert.rejects(deliverQueued(ctx(), [queued]), { code: "CodeDeliveryFailureException" });
    const turn = () => deliverDue(app, app.clock());
    await turn();
    assert.deepEqual([sent.length, attempts()], [0, 1], "not before its time");
    advance(5_000);
    await turn();
    assert.deepEqual([sent.length, attempts()], [0, 2], "tried, and failed again");
    await turn();
    assert.deepEqual([sent.length, attempts()], [0, 2], "later still");
    advance(20_000);
    await turn();
    assert.deepEqual([sent.length, attempts()], [1, 3]);
  });

  test("two workers deliver what a crash left, once", async () => {
    const { db } = await open();
    const { app, sent, queue, advance } = office(db, 0);
    await queue("now");
    const turns = () => Promise.all([deliverDue(app, app.clock()), deliverDue(app, app.clock())]);
    await turns();
    assert.equal(sent.length, 0);
    advance(60_000);
    await turns();
    await turns();
    assert.equal(sent.length, 1);
  });

  test("messages for the worker go soon, those to nobody never, expired ones no more", async () => {
    const { db } = await open();
    const { app, sent, ctx, queue, advance } = office(db, 0);
    await deliverQueued(ctx(), [await queue("nobody"), await queue("worker")]);
    assert.equal(sent.length, 0);
    assert.equal((await recentMessages(db, ctx().now, 10)).length, 1);
    const worker = startOutboxWorker(app);
    await until("the worker has sent it", () => sent.length === 1);
    await worker.stop();
    await queue("worker");
    advance(3_600_000);
    assert.deepEqual(await dueMessages(db, ctx().now, 10), []);
  });
});

test("without a sender nothing is sent", async () => {
  const message = { id: "1", poolId: "p_1", kind: "sign-in", medium: "SMS", destination: "+1" } as const;
  const content = { subject: "", text: "", html: undefined };
  const rest = { from: undefined, replyTo: undefined, createdAt: 0 };
  await assert.rejects(noSender("SMS").send({ ...message, ...content, ...rest }), Undeliverable);
});
