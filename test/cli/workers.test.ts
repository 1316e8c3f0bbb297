/** How a server's settings are divided among its workers, and what becomes of a worker that fails. */
import assert from "node:assert/strict";
import type { Worker } from "node:cluster";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { restartPauseMs } from "../../src/cli/primary.ts";
import { closeUntaken } from "../../src/cli/untaken.ts";
import { WorkerSnapshots } from "../../src/cli/worker-snapshots.ts";
import { loadConfig } from "../../src/config/config.ts";
import { limitTable } from "../../src/config/limits.ts";
import { configOfWorker, partOf } from "../../src/config/workers.ts";
import { holdings } from "../../src/http/holdings.ts";
import { startPoolhouse } from "../../src/index.ts";
import { addCounts, type Snapshot } from "../../src/lib/metric-sums.ts";

const postgres = ["--database", "postgres://one@127.0.0.1/none"];

test("parts add up to the whole, unless each needs more", () => {
  const parts = (whole: number, of: number, least?: number) =>
    Array.from({ length: of }, (_, index) => partOf(whole, { number: index + 1, of }, least));
  assert.deepEqual(parts(10, 4), [3, 3, 2, 2]);
  assert.deepEqual(parts(1, 1), [1]);
  assert.deepEqual(parts(2, 3), [1, 1, 1]);
  assert.deepEqual(parts(0, 2), [0, 0]);
  assert.deepEqual(parts(100, 8, 32), Array(8).fill(32));
  assert.deepEqual(parts(20, 2, 32), [20, 20]);
});

test("a worker has its part of what is counted in memory, and the whole of what is counted in the database", () => {
  const server = loadConfig([...postgres, "--workers", "3", "--hash-concurrency", "8"], {});
  assert.equal(server.workers, 3);
  assert.deepEqual(server.worker, { number: 1, of: 1 });
  const workers = [1, 2, 3].map((number) => configOfWorker(server, { number, of: server.workers }));
  assert.deepEqual(
    workers.map(({ hashConcurrency }) => hashConcurrency),
    [3, 3, 2],
  );
  const divided = ["connections", "body-bytes", "answer-bytes", "sign-in-events"] as const;
  const waiting = ["waiting-sign-ins", "waiting-sign-ins-per-address"] as const;
  for (const name of [...divided, ...waiting]) {
    const sum = workers.reduce((total, { limits }) => total + limits[name], 0);
    assert.equal(sum, limitTable[name].fallback, name);
  }
  for (const { limits, workers: of } of workers) {
    assert.equal(of, 3);
    assert.equal(limits["passwords-per-address"], limitTable["passwords-per-address"].fallback);
    assert.equal(limits.password, limitTable.password.fallback);
  }
  const many = configOfWorker(server, { number: 64, of: 64 });
  assert.equal(many.limits["body-bytes"], holdings.event.limit.bytes, "the largest body fits");
});

test("auto stands for the processors, and for one with SQLite", () => {
  assert.equal(loadConfig(["--workers", "auto"], {}).workers, 1);
  assert.ok(loadConfig([...postgres, "--workers", "auto"], {}).workers >= 1);
  assert.equal(loadConfig([], { POOLHOUSE_WORKERS: "1" }).workers, 1);
  assert.throws(
    () => loadConfig(["--database", "x.sqlite"], { POOLHOUSE_WORKERS: "2" }),
    /needs PostgreSQL.*x\.sqlite/s,
  );
});

test("another program's server has one process", async () => {
  const given = { workers: 2, database: postgres[1]! } as object;
  await assert.rejects(startPoolhouse(given), { name: "ConfigError", message: /setting workers is for/ });
});

test("a worker that fails again and again is started later each time", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 7, 20].map(restartPauseMs), [0, 0, 1_000, 2_000, 4_000, 30_000, 30_000]);
});

const counted = (name: string, value: number, labels = {}): Snapshot[number] => {
  return { name, help: "", type: "counter", aggregator: "sum", values: [{ value, labels }] };
};

test("what ended workers have counted is kept, and what they held is not", () => {
  const gauge = { ...counted("held", 7), type: "gauge" };
  const first = addCounts([], [counted("calls", 2, { a: "1", b: "2" }), gauge]);
  assert.deepEqual(first, [counted("calls", 2, { a: "1", b: "2" })]);
  const more = [
    counted("calls", 3, { b: "2", a: "1" }),
    counted("calls", 5, { a: "2", b: "2" }),
    counted("new", 1),
  ];
  const both = more.reduce<Snapshot>((sum, one) => addCounts(sum, [one]), first);
  assert.deepEqual(
    both.map(({ name, values }) => [name, values.map(({ value }) => value)]),
    [
      ["calls", [5, 5]],
      ["new", [1]],
    ],
  );
});

test("a worker that ends does not keep the others' metrics waiting", async () => {
  const snapshots = new WorkerSnapshots();
  const asked: number[][] = [];
  const collected = snapshots.collect([1, 2], (number, id) => asked.push([number, id]));
  assert.deepEqual(asked, [
    [1, 1],
    [2, 1],
  ]);
  snapshots.answered(1, 1, [counted("calls", 1)]);
  snapshots.ended(2);
  assert.deepEqual(await collected, [[counted("calls", 1)], []]);
  snapshots.ended(1);
  assert.deepEqual(await snapshots.collect([], () => {}), [[counted("calls", 1)]]);
});

test("a connection that no worker takes is closed, and one that a worker has taken is not", () => {
  const child = Object.assign(new EventEmitter(), { send: (_message: unknown) => true });
  const worker = Object.assign(new EventEmitter(), { process: child });
  let isStopping = false;
  closeUntaken(worker as unknown as Worker, () => isStopping);
  const closed: number[] = [];
  const send = child.send as (message: object, connection?: object) => boolean;
  for (const seq of [1, 2, 3, 4]) send({ act: "newconn", seq }, { close: () => closed.push(seq) });
  send({ kind: "measure", id: 5 });
  child.emit("internalMessage", { ack: 1, accepted: true });
  child.emit("internalMessage", { act: "queryServer", seq: 2 });
  // Another worker gets it, unless all stop.
  child.emit("internalMessage", { ack: 2, accepted: false });
  assert.deepEqual(closed, []);
  isStopping = true;
  child.emit("internalMessage", { ack: 3, accepted: false });
  assert.deepEqual(closed, [3]);
  worker.emit("exit");
  assert.deepEqual(closed, [3, 4]);
});
