/** Senders that hang or throttle: whose messages wait for them, and whose do not. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { pino } from "pino";
import type { App, Ctx } from "../../src/app.ts";
import { onlyProcess } from "../../src/config/workers.ts";
import { deliverQueued } from "../../src/domain/messages/deliver.ts";
import { type Handling, newMessage, queueMessage } from "../../src/domain/messages/queue.ts";
import { deliverDue, startOutboxWorker } from "../../src/domain/messages/worker.ts";
import type { Sending } from "../../src/domain/triggers/custom-sender.ts";
import { createMetrics } from "../../src/http/metrics.ts";
import { type OutgoingMessage, type Sender, Throttled } from "../../src/integrations/senders/sender.ts";
import { Caches } from "../../src/lib/caches.ts";
import { type Db, inTransaction } from "../../src/store/db.ts";
import { dueMessages } from "../../src/store/outbox.ts";
import { insertPool } from "../../src/store/user-pools.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { until } from "../kit/waiting.ts";
import { poolOf } from "../store/people-of-pools.ts";

const random = (bytes: number) => randomBytes(bytes);
const minute = 60_000;

/** A server with a sender for pools whose ids begin with `p_slow`, which does as it is told, and another for all others. */
function house(db: Db, slowly: (message: OutgoingMessage) => Promise<void>) {
  let now = 1_000_000;
  const sent: string[] = [];
  const sender = (send: Sender["send"]): Sender => ({
    ...{ kind: "http", send, verify: async () => {}, close: async () => {} },
  });
  const slow = sender(slowly);
  const quick = sender(async ({ destination }) => {
    sent.push(destination);
  });
  const app = {
    ...{ db, random, log: pino({ level: "silent" }), clock: () => now, metrics: createMetrics() },
    ...{ deliveries: new Set(), lanes: new Map(), config: { worker: onlyProcess } },
    senders: {
      of: (poolId: string) => (poolId.startsWith("p_slow") ? slow : quick),
      all: new Map([
        ["slow", slow],
        ["quick", quick],
      ]),
    },
  } as unknown as App;
  const ctx = () => ({ app, db, random, now }) as unknown as Ctx;
  const queue = async (
    poolId: string,
    by: "now" | "worker",
    destinations: readonly string[],
    handling?: Handling,
  ) => {
    const queued = destinations.map((destination) =>
      newMessage(
        ctx(),
        { id: poolId, document: {} },
        {
          ...{ userId: "u", kind: "sign-up", composed: { subject: "s", body: "b" }, code: "123456" },
          ...{ delivery: { medium: "EMAIL", destination }, lifetimeMs: 24 * 60 * minute, by, handling },
        },
      ),
    );
    await inTransaction(db, async (tx) => {
      for (const one of queued) await queueMessage(tx, one);
    });
    return queued;
  };
  return { app, sent, ctx, queue, advance: (ms: number) => (now += ms) };
}

const names = (count: number, of = "a") =>
  Array.from({ length: count }, (_, at) => `${of}${at}@mail.example`);

// What waits for a sender waits with timers that keep no process alive; an open port does.
const { port1: alive } = new MessageChannel();
alive.on("message", () => {});
after(() => alive.close());

forEachDatabase((_name, open) => {
  test("a sender that hangs has ten messages at once, and holds up no other's", async () => {
    const { db } = await open();
    const { promise: released, resolve } = Promise.withResolvers<void>();
    const begun: string[] = [];
    const { app, sent, queue, advance } = house(db, async ({ destination }) => {
      begun.push(destination);
      await released;
    });
    // More than a page of the outbox, all due at the same moment, before what the other sender has to do.
    await queue("p_slow", "worker", names(1_100));
    advance(1);
    await queue("p_quick", "worker", names(50, "b"));
    const worker = startOutboxWorker(app);
    await until("the other's are sent", () => sent.length === 50);
    assert.equal(begun.length, 10);
    const stopping = worker.stop();
    resolve();
    await stopping;
    // The ten end; what waited in the lane is left to the next worker.
    assert.equal(begun.length, 10);
    assert.equal((await dueMessages(db, app.clock(), 2_000)).length, 1_090);
  });

  test("pools that share a sender take turns, however much one of them has queued", async () => {
    const { db } = await open();
    const begun: string[] = [];
    const gates: (() => void)[] = [];
    const { app, queue, advance } = house(db, async ({ poolId }) => {
      begun.push(poolId);
      await new Promise<void>((resolve) => gates.push(resolve));
    });
    const waits = (poolId: string) => [...app.lanes.values()].some(({ waiting }) => waiting.has(poolId));
    // More than a page, all due before the messages of the others.
    await queue("p_slow_flood", "worker", names(700));
    advance(1);
    await queue("p_slow_a", "worker", names(2, "a"));
    await queue("p_slow_z", "worker", names(2, "z"));
    const worker = startOutboxWorker(app);
    await until("the sender has ten, and all others wait", () => begun.length === 10 && waits("p_slow_z"));
    assert.deepEqual([...new Set(begun)], ["p_slow_flood"]);
    for (let sent = 1; sent <= 7; sent += 1) {
      gates.shift()?.();
      await until("the next begins", () => begun.length === 10 + sent);
    }
    const turns = ["p_slow_flood", "p_slow_a", "p_slow_z"];
    assert.deepEqual(begun.slice(10), [...turns, ...turns, "p_slow_flood"]);
    const stopping = worker.stop();
    for (const open of gates) open();
    await stopping;
  });

  test("what a pool's function sends does not wait for the sender of its other messages", async () => {
    const { db } = await open();
    const { promise: released, resolve } = Promise.withResolvers<void>();
    const begun: string[] = [];
    const { app, queue, advance } = house(db, async ({ destination }) => {
      begun.push(destination);
      await released;
    });
    const arn = "arn:aws:lambda:us-east-1:000000000000:function:send";
    const CustomEmailSender = { LambdaVersion: "V1_0", LambdaArn: arn } as const;
    await insertPool(db, { ...poolOf("p_slow"), document: { LambdaConfig: { CustomEmailSender } } });
    const invoked: unknown[] = [];
    const functions = {
      find: () => ({ name: "send", ownKeyId: undefined, plainTextCodes: true }),
      invoke: async (_arn: string, event: unknown) => invoked.push(event),
    };
    Object.assign(app, { functions, caches: new Caches() });
    // More than a page: notices, which no function sends.
    await queue("p_slow", "worker", names(600));
    advance(1);
    const event = { request: {} };
    await queue("p_slow", "worker", names(150, "f"), {
      sending: { trigger: "CustomEmailSender", arn, event } satisfies Sending,
    });
    const worker = startOutboxWorker(app);
    await until("the function has got its messages", () => invoked.length === 150);
    assert.equal(begun.length, 10);
    assert.ok(begun.every((one) => one.startsWith("a")));
    const stopping = worker.stop();
    resolve();
    await stopping;
  });

  test("no request waits for a sender that is known to hang, until it takes a message again", async () => {
    const { db } = await open();
    const { promise: released, resolve } = Promise.withResolvers<void>();
    const { promise: broken, reject } = Promise.withResolvers<void>();
    const begun: string[] = [];
    const { app, ctx, queue } = house(db, async ({ destination }) => {
      begun.push(destination);
      if (destination.startsWith("first")) await broken;
      if (destination.startsWith("fifth")) await released;
    });
    const request = async (name: string) =>
      deliverQueued(ctx(), await queue("p_slow", "now", [`${name}@mail.example`]));
    const isKnown = () => [...app.lanes.values()].some(({ hangs }) => hangs);
    // Nobody knows yet: this one waits, and is answered when the sender turns out to hang.
    await request("first");
    await until("it is known", isKnown);
    await request("second");
    assert.deepEqual(begun, ["first@mail.example"], "the worker's, without an attempt");
    reject(new Error("too late"));
    await Promise.all(app.deliveries);
    await request("third");
    assert.equal(begun.length, 1, "what failed late proves nothing");
    await deliverDue(app, app.clock());
    assert.equal(begun.length, 3);
    await request("fourth");
    assert.deepEqual(begun.slice(3), ["fourth@mail.example"]);
    // What it takes late, it has taken.
    await request("fifth");
    await until("it is known", isKnown);
    resolve();
    await Promise.all(app.deliveries);
    await request("sixth");
    assert.deepEqual(begun.slice(4), ["fifth@mail.example", "sixth@mail.example"]);
  });

  test("a sender that throttles is left alone for as long as it says, and gives up nothing", async () => {
    const { db } = await open();
    let isOpen = false;
    const asked: string[] = [];
    const got: string[] = [];
    const { app, queue, advance } = house(db, async ({ destination }) => {
      asked.push(destination);
      if (!isOpen) throw new Throttled("Too many.", 10 * minute);
      got.push(destination);
    });
    await queue("p_slow", "worker", names(40));
    for (let turn = 1; turn <= 10; turn += 1) {
      await deliverDue(app, app.clock());
      const before = asked.length;
      assert.ok(before >= turn && before <= turn * 10, `${before} in turn ${turn}`);
      advance(10 * minute - 1);
      await deliverDue(app, app.clock());
      assert.equal(asked.length, before, "not before its time");
      advance(1);
    }
    isOpen = true;
    while ((await dueMessages(db, app.clock(), 1)).length > 0) await deliverDue(app, app.clock());
    assert.deepEqual(got.sort(), names(40).sort());
  });

  test("one recipient for whom a service always throttles delays the messages to others by a minute at most", async () => {
    const { db } = await open();
    let refused = 0;
    const got: string[] = [];
    const { app, queue, advance } = house(db, async ({ destination }) => {
      if (destination.startsWith("poison")) {
        refused += 1;
        throw new Throttled("Too many.", undefined);
      }
      got.push(destination);
    });
    await queue("p_slow", "worker", ["poison@mail.example"]);
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      advance(15 * minute);
      await deliverDue(app, app.clock());
      assert.equal(refused, attempt);
    }
    await queue("p_slow", "worker", ["honest@mail.example"]);
    await deliverDue(app, app.clock());
    assert.deepEqual(got, [], "the service is left alone for a moment");
    advance(minute);
    await deliverDue(app, app.clock());
    assert.deepEqual(got, ["honest@mail.example"]);
  });

  test("a function that takes longer than a lease words a message once, and it is sent once", async (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const { db } = await open();
    const { app, sent, ctx, queue, advance } = house(db, async () => {});
    const { promise: released, resolve } = Promise.withResolvers<void>();
    let asked = 0;
    const invoke = async () => {
      asked += 1;
      await released;
      return { response: { emailMessage: "Here: {####}" } };
    };
    Object.assign(app, { functions: { invoke } });
    const event = { trigger: "CustomMessage", arn: "arn", event: {} } as const;
    const queued = await queue("p_quick", "now", ["a@mail.example"], {
      wording: { event, filling: { code: "1" } },
    });
    // What the request did before took most of the first lease.
    const late = ctx();
    advance(minute - 1);
    const delivering = deliverQueued(late, queued);
    await until("the function is asked", () => asked === 1);
    for (let third = 1; third <= 9; third += 1) {
      const due = async () => (await dueMessages(db, app.clock() + 60 * minute, 1))[0]?.nextAttemptAt;
      advance(minute / 3);
      t.mock.timers.tick(minute / 3);
      await until("the lease is renewed", async () => (await due()) === app.clock() + minute);
      // The worker of another server.
      await deliverDue(app, app.clock());
    }
    assert.equal(asked, 1);
    resolve();
    await delivering;
    assert.deepEqual(sent, ["a@mail.example"]);
    assert.deepEqual(await dueMessages(db, app.clock() + 60 * minute, 1), []);
  });

  test("a request that took long has a whole lease for its message", async () => {
    const { db } = await open();
    const { promise: released, resolve } = Promise.withResolvers<void>();
    const begun: string[] = [];
    const { app, ctx, queue, advance } = house(db, async ({ destination }) => {
      begun.push(destination);
      await released;
    });
    const queued = await queue("p_slow", "now", ["a@mail.example"]);
    const late = ctx();
    advance(minute - 1);
    const delivering = deliverQueued(late, queued);
    await until("it is being sent", () => begun.length === 1);
    advance(minute - 1);
    const other = house(db, async () => assert.fail("sent twice")).app;
    await deliverDue({ ...other, clock: app.clock }, app.clock());
    resolve();
    await delivering;
    assert.deepEqual(await dueMessages(db, app.clock() + 60 * minute, 1), []);
  });

  test("a request whose sender has no room does not wait, and the worker sends the message", async () => {
    const { db } = await open();
    const { promise: released, resolve } = Promise.withResolvers<void>();
    const begun: string[] = [];
    const { app, ctx, queue } = house(db, async ({ destination }) => {
      begun.push(destination);
      await released;
    });
    await queue("p_slow", "worker", names(10));
    const working = deliverDue(app, app.clock());
    await until("the lane is full", () => begun.length === 10);
    await deliverQueued(ctx(), await queue("p_slow", "now", ["late@mail.example"]));
    assert.equal(begun.length, 10);
    resolve();
    await working;
    await deliverDue(app, app.clock());
    assert.equal(begun.at(-1), "late@mail.example");
    assert.deepEqual(await dueMessages(db, app.clock() + 60 * minute, 10), []);
  });
});
