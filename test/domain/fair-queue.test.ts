/** The queue that hashes and SRP exchanges wait in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createFairQueue } from "../../src/domain/credentials/fair-queue.ts";

/** A job that ends when it is told to. */
function gate() {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("pools take turns, and addresses take turns in a pool", async () => {
  const queue = createFairQueue({ concurrency: 1, capacity: 100 });
  const order: string[] = [];
  const first = gate();
  const jobs = [queue.run({ pool: "p1", address: "a" }, () => first.opened)];
  const add = (pool: string, address: string, name: string) =>
    jobs.push(
      queue.run({ pool, address }, async () => {
        order.push(name);
      }),
    );
  for (let index = 1; index <= 3; index++) add("p1", "a", `p1a${index}`);
  add("p1", "b", "p1b1");
  add("p2", "a", "p2a1");
  await settle();
  first.open();
  await Promise.all(jobs);
  assert.deepEqual(order, ["p1a1", "p2a1", "p1b1", "p1a2", "p1a3"]);
});

test("never more at once than allowed, and who finds the queue full is told at once", async () => {
  const queue = createFairQueue({ concurrency: 2, capacity: 4 });
  const held = gate();
  let running = 0;
  let most = 0;
  const job = async () => {
    running += 1;
    most = Math.max(most, running);
    await held.opened;
    running -= 1;
  };
  const jobs = ["a", "b", "a", "a", "b", "b"].map((address) => queue.run({ pool: "p", address }, job));
  await settle();
  await assert.rejects(queue.run({ pool: "p", address: "a" }, job), { code: "TooManyRequestsException" });
  held.open();
  await Promise.all(jobs);
  assert.equal(most, 2);
});

/** A queue whose one job runs until told, and whose `capacity` places are taken as said; who was refused, by name. */
async function crowded(capacity: number, taken: readonly (readonly [pool: string, address: string])[]) {
  const queue = createFairQueue({ concurrency: 1, capacity });
  const held = gate();
  const refused: string[] = [];
  const jobs: Promise<unknown>[] = [];
  const add = (pool: string, address: string, name = `${pool}/${address}`) => {
    const job = queue.run({ pool, address }, () => held.opened);
    jobs.push(job.catch(() => refused.push(name)));
  };
  add("first", "first");
  await settle();
  taken.forEach(([pool, address], index) => {
    add(pool, address, `${pool}/${address}#${index + 1}`);
  });
  await settle();
  const end = async () => {
    held.open();
    await Promise.all(jobs);
  };
  return { queue, add, refused, end };
}

test("an address that holds most gives way to one that holds less, and is refused itself", async () => {
  const { queue, add, refused, end } = await crowded(4, [
    ["p", "a"],
    ["p", "a"],
    ["p", "a"],
    ["p", "b"],
  ]);
  assert.throws(() => queue.assertRoom({ pool: "p", address: "a" }), { code: "TooManyRequestsException" });
  queue.assertRoom({ pool: "p", address: "c" });
  add("p", "c");
  await settle();
  assert.deepEqual(refused, ["p/a#3"]);
  // Two, one and one wait: nobody can come and hold less than a whole place fewer than another.
  add("p", "b");
  await settle();
  assert.deepEqual(refused, ["p/a#3", "p/b"]);
  assert.deepEqual(queue.stats(), { running: 1, waiting: 4, refused: 3 });
  await end();
  assert.deepEqual(queue.stats(), { running: 0, waiting: 0, refused: 3 });
});

test("a pool attacked from everywhere leaves room for other pools", async () => {
  const many = Array.from({ length: 8 }, (_, index) => ["attacked", `address${index}`] as const);
  const { add, refused, end } = await crowded(8, many);
  for (let index = 0; index < 4; index++) add("other", "one");
  await settle();
  assert.equal(refused.length, 4);
  assert.ok(refused.every((name) => name.startsWith("attacked/")));
  add("other", "one", "one too many");
  await settle();
  assert.equal(refused.at(-1), "one too many");
  await end();
});

test("who is let in counts as waiting for newcomers, until the job comes or the request ends", async () => {
  const queue = createFairQueue({ concurrency: 1, capacity: 2 });
  const of = (request: string, address = request) => ({ pool: "p", address, request });
  const places = ["1", "2", "3"].map((request) => {
    const place = queue.reserve(of(request));
    assert.ok("leave" in place);
    return place;
  });
  assert.ok(!("leave" in queue.reserve(of("4"))));
  assert.equal(queue.refusal(of("2")), undefined, "its own place");
  assert.throws(() => queue.assertRoom(of("4")), { code: "TooManyRequestsException" });
  const held = gate();
  const jobs = [queue.run(of("1"), () => held.opened), queue.run(of("2"), () => held.opened)];
  await settle();
  places[0]!.leave();
  places[1]!.leave();
  assert.ok(!("leave" in queue.reserve(of("4"))), "one runs, one waits, one is expected");
  places[2]!.leave();
  assert.ok("leave" in queue.reserve(of("4")));
  assert.equal(queue.stats().refused, 3);
  jobs.push(queue.run(of("4"), () => held.opened));
  await settle();
  // Both places are taken by jobs that wait.
  jobs.push(queue.run(of("4"), () => held.opened));
  await assert.rejects(jobs.at(-1)!, { code: "TooManyRequestsException" });
  held.open();
  await Promise.all(jobs.slice(0, 3));
});

test("requests on their way keep nobody out who has fewer", async () => {
  const queue = createFairQueue({ concurrency: 2, capacity: 20 });
  const letIn = (pool: string, address: string, request: string) =>
    "leave" in queue.reserve({ pool, address, request });
  const many = Array.from({ length: 40 }, (_, at) => letIn("p", "a", `a${at}`));
  assert.equal(many.filter(Boolean).length, 22);
  assert.ok(letIn("p", "b", "b"), "another address");
  assert.ok(letIn("p signed", "a", "c"), "a back end's calls");
  assert.ok(letIn("other", "a", "d"), "another pool");
  assert.ok(!letIn("p", "a", "a too"));
  // All arrive, and those who were let in although it was full take the places of the largest holder.
  const held = gate();
  const refused: string[] = [];
  const arrive = (pool: string, address: string, request: string) =>
    queue
      .run({ pool, address, request }, () => held.opened)
      .catch(() => {
        refused.push(request);
      });
  const jobs = Array.from({ length: 22 }, (_, at) => arrive("p", "a", `a${at}`));
  jobs.push(arrive("p", "b", "b"), arrive("p signed", "a", "c"), arrive("other", "a", "d"));
  await settle();
  assert.deepEqual(refused, ["a21", "a20", "a19"]);
  held.open();
  await Promise.all(jobs);
  assert.deepEqual(queue.stats(), { running: 0, waiting: 0, refused: 18 + 1 + 3 });
});

test("a failed job frees its place", async () => {
  const queue = createFairQueue({ concurrency: 1, capacity: 4 });
  const turn = { pool: "p", address: "a" };
  await assert.rejects(
    queue.run(turn, () => Promise.reject(new Error("no"))),
    /no/,
  );
  assert.equal(await queue.run(turn, async () => 7), 7);
});
