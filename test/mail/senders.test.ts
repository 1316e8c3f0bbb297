/** THE contract of senders: what each type does when its service accepts, refuses, throttles, fails, breaks off or hangs. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { after, describe, test } from "node:test";
import { type OutgoingMessage, Throttled, Undeliverable } from "../../src/integrations/senders/sender.ts";
import { describeError } from "../../src/lib/describe-error.ts";
import { until } from "../kit/waiting.ts";
import { hush, kinds, type Mood, senderFor } from "./senders.ts";
import { openSocketSink } from "./sink.ts";

const open: { close(): Promise<unknown> }[] = [];
after(() => Promise.all(open.map((one) => one.close())));
const kept = <One extends { close(): Promise<unknown> }>(one: One): One => {
  open.push(one);
  return one;
};

let count = 0;

/** What went wrong; its text, and that of its causes, has neither address nor code nor credentials. */
async function failureOf(sending: Promise<unknown>): Promise<Error> {
  const error = await sending.then(
    () => assert.fail("it was sent"),
    (reason: unknown) => reason as Error,
  );
  assert.doesNotMatch(JSON.stringify(describeError(error)), new RegExp(`alice|15550100|123456|${hush}|AKID`));
  assert.ok(error instanceof Error && error.message.endsWith("."), String(error));
  return error;
}

for (const type of Object.keys(kinds) as (keyof typeof kinds)[]) {
  const { medium, open: openService, saysHowLong } = kinds[type];
  const message = (): OutgoingMessage => ({
    ...{ id: `message-${++count}`, poolId: "us-east-1_POOL", kind: "sign-up", medium },
    destination: medium === "EMAIL" ? "alice@mail.example" : "+15550100",
    subject: medium === "EMAIL" ? "Your code" : "",
    text: "Your code is 123456",
    html: medium === "EMAIL" ? "<p>Your code is 123456</p>" : undefined,
    ...{ from: undefined, replyTo: undefined, createdAt: Date.UTC(2026, 0, 2, 3, 4, 5) },
  });
  const fresh = async () => {
    const service = kept(await openService());
    return { service, sender: kept(senderFor(type, service.port)) };
  };

  describe(type, () => {
    test("a message arrives, and a repetition has the same id", async () => {
      const { service, sender } = await fresh();
      const one = message();
      await sender.send(one);
      await sender.send(one);
      const [first = assert.fail("nothing arrived"), second] = service.arrived;
      assert.equal(first.to, one.destination);
      assert.match(first.text, /Your[ +%20]+code[ +%20]+is[ +%20]+123456/);
      assert.equal(second?.id, first.id);
      if (first.id !== undefined) assert.ok(first.id.includes(one.id), first.id);
    });

    for (const [mood, final] of [
      ["refuses for good", true],
      ["refuses for now", false],
      ["fails", false],
      ["denies", false],
    ] as const satisfies [Mood, boolean][]) {
      test(`a service that ${mood}: ${final ? "it is given up" : "it is tried again"}`, async () => {
        const { service, sender } = await fresh();
        service.mood = mood;
        const error = await failureOf(sender.send(message()));
        assert.equal(error instanceof Undeliverable, final, error.message);
        assert.ok(!(error instanceof Throttled));
        assert.equal(service.arrived.length, 0);
        service.mood = "accepts";
        await sender.send(message());
        assert.equal(service.arrived.length, 1);
      });
    }

    test("a service that throttles says for how long", async () => {
      const { service, sender } = await fresh();
      service.mood = "throttles";
      const error = await failureOf(sender.send(message()));
      assert.ok(error instanceof Throttled, error.message);
      assert.equal(error.retryAfterMs, saysHowLong ? 7_000 : undefined);
    });

    for (const [what, treat] of [
      ["answers nonsense", (socket: Socket) => socket.end("\0nonsense alice@mail.example 123456\r\n\r\n")],
      ["closes the connection", (socket: Socket) => socket.destroy()],
      [
        "closes the connection when it was asked",
        (socket: Socket) => socket.once("data", () => socket.destroy()),
      ],
    ] as const) {
      // A mail server speaks first.
      if (type === "smtp" && what.endsWith("asked")) continue;
      test(`a service that ${what}`, async () => {
        const sink = kept(await openSocketSink(treat));
        const sender = kept(senderFor(type, sink.port));
        const error = await failureOf(sender.send(message()));
        assert.ok(!(error instanceof Undeliverable), error.message);
      });
    }

    test("a service that hangs is left at the deadline", async () => {
      const sink = kept(await openSocketSink(() => {}));
      const sender = kept(senderFor(type, sink.port, { deadlineMs: 200 }));
      assert.match((await failureOf(sender.send(message()))).message, /did not take the message in time/);
      assert.match((await failureOf(sender.verify())).message, /in time/);
    });

    test("what nobody listens for", async () => {
      const sink = await openSocketSink(() => {});
      await sink.close();
      const sender = kept(senderFor(type, sink.port));
      assert.match((await failureOf(sender.send(message()))).message, /ECONNREFUSED/);
    });

    test("close waits for a message that is being sent, and none is taken after it", async () => {
      const { service, sender } = await fresh();
      const { promise, resolve } = Promise.withResolvers<void>();
      service.until = promise;
      const sending = sender.send(message());
      await until("it has begun", () => service.begun === 1);
      const closing = sender.close();
      resolve();
      await Promise.all([sending, closing]);
      assert.equal(service.arrived.length, 1);
      await failureOf(sender.send(message()));
      assert.equal(service.arrived.length, 1);
    });

    test("close breaks off a message that takes too long", async () => {
      const { promise: connected, resolve } = Promise.withResolvers<Socket>();
      const sink = kept(await openSocketSink(resolve));
      const sender = senderFor(type, sink.port, { patienceMs: 100 });
      const failing = failureOf(sender.send(message()));
      const socket = await connected;
      const gone = once(socket.resume(), "close");
      await sender.close();
      assert.match((await failing).message, /in time/);
      await gone;
    });

    test("verify says whether the service lets this server in", async () => {
      const { service, sender } = await fresh();
      await sender.verify();
      service.mood = "denies";
      // Whatever answers to a receiver's URL is there.
      if (type !== "http") await failureOf(sender.verify());
    });

    test("the other medium is refused, if it has one", async () => {
      const { service, sender } = await fresh();
      const other = medium === "EMAIL" ? "SMS" : "EMAIL";
      if (type === "http") return await sender.send({ ...message(), medium: other });
      assert.ok((await failureOf(sender.send({ ...message(), medium: other }))) instanceof Undeliverable);
      assert.equal(service.begun, 0);
    });
  });
}
