/**
 * `npm run bench -- workers`: what two workers do, against one process, by turns on one PostgreSQL database.
 *
 * The load generator and PostgreSQL run on the same machine, so that operations per second of wall time say how the processors
 * were shared. What the server could reach with processors of its own follows from CPU time: all workers' per operation, which
 * must not grow, and the busiest worker's, which shows whether the work is divided evenly.
 */
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { newDatabase } from "./lib/database.ts";
import { type Measured, measure, type Operation } from "./lib/load.ts";
import { readStat } from "./lib/process-stat.ts";
import { type BenchServer, startPoolhouse } from "./lib/server.ts";
import { openStage, type Stage } from "./lib/stage.ts";
import { table } from "./lib/table.ts";
import { scenarios } from "./scenarios.ts";

export const name = "workers";

/** One that signs, and one that does not. */
const operations = ["refresh", "get-user"];
const rounds = 3;
const users = 1_000;

/** CPU time of one process of a server so far. Milliseconds. */
interface Reading {
  readonly pid: number;
  /** All of its threads. */
  readonly all: number;
  /** The thread that answers requests. */
  readonly thread: number;
}

/** What a round has measured; CPU in milliseconds per operation. */
interface Round {
  readonly perSecond: number;
  /** All processes. */
  readonly total: number;
  /** The first process of several, which hands connections on. */
  readonly primary: number;
  readonly busiest: number;
  readonly busiestThread: number;
}

export async function run({ seconds }: { readonly seconds: number }): Promise<void> {
  const database = await newDatabase("postgres");
  const stage = await openStage(database.url, users, {});
  await stage.server.close();
  const found = new Map<string, Round[]>();
  const before = loadavg()[0]!;
  for (let round = 0; round < rounds; round += 1) {
    for (const workers of [1, 2]) {
      const server = await startPoolhouse(database.url, { POOLHOUSE_WORKERS: String(workers) });
      for (const operation of operations) {
        const key = `${operation} ${workers}`;
        const measured = await measureRound({ ...stage, server }, operation, workers, seconds);
        found.set(key, [...(found.get(key) ?? []), measured]);
      }
      await server.close();
    }
  }
  await database.remove();
  console.log(
    `\npostgres, ${rounds} rounds by turns, load ${before.toFixed(1)} to ${loadavg()[0]!.toFixed(1)}\n`,
  );
  const rows = operations.flatMap((operation) => rowsOf(operation, found));
  console.log(table(head, rows));
}

async function measureRound(
  stage: Stage,
  operation: string,
  workers: number,
  seconds: number,
): Promise<Round> {
  const scenario = scenarios.find((one) => one.name === operation)!;
  const prepared = await scenario.prepare(stage);
  const readings: Reading[][] = [];
  const server: BenchServer = {
    ...stage.server,
    // `measure` asks at the beginning and at the end.
    usage: async () => {
      readings.push(processesOf(stage.server.pid, workers));
      return { cpuMs: readings.at(-1)!.reduce((sum, { all }) => sum + all, 0), rss: 0 };
    },
  };
  const warmUp = { operations: 1_000, seconds: 5 };
  const measured: Measured = await measure(server, patient(prepared), { connections: 16, seconds, warmUp });
  const [first, last] = [readings.at(0)!, readings.at(-1)!];
  const spent = last.map((one, index) => ({
    all: (one.all - first[index]!.all) / measured.operations,
    thread: (one.thread - first[index]!.thread) / measured.operations,
  }));
  const answering = workers === 1 ? spent : spent.slice(1);
  return {
    perSecond: measured.perSecond,
    total: measured.cpu,
    primary: workers === 1 ? 0 : spent[0]!.all,
    busiest: Math.max(...answering.map(({ all }) => all)),
    busiestThread: Math.max(...answering.map(({ thread }) => thread)),
  };
}

/** A server that the machine keeps from running refuses some calls unread: they are made again. */
function patient(operation: Operation): Operation {
  return async (connection, turn) => {
    for (;;) {
      try {
        return await operation(connection, turn);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.includes("Rate exceeded")) throw error;
      }
    }
  };
}

/** The processes of a server, the one that was started first. */
function processesOf(pid: number, workers: number): Reading[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
  const pids = workers === 1 ? [pid] : [pid, ...children.map(Number)];
  return pids.map((one) => ({
    pid: one,
    all: readStat(`/proc/${one}`).cpuMs,
    thread: readStat(`/proc/${one}/task/${one}`).cpuMs,
  }));
}

const head = [
  "operation",
  "workers",
  "a second",
  "CPU ms",
  "first process's",
  "busiest worker's",
  "its thread's",
  "capacity",
  "capacity, thread",
];

function rowsOf(operation: string, found: ReadonlyMap<string, Round[]>): string[][] {
  const [one, two] = [1, 2].map((workers) => medianOf(found.get(`${operation} ${workers}`)!));
  const cells = (workers: number, of: Round) => [
    operation,
    String(workers),
    of.perSecond.toFixed(0),
    of.total.toFixed(3),
    of.primary.toFixed(3),
    of.busiest.toFixed(3),
    of.busiestThread.toFixed(3),
    // Operations per second of the busiest process's, or thread's, CPU time, against those of one process.
    `${(one!.busiest / of.busiest).toFixed(2)} ×`,
    `${(one!.busiestThread / of.busiestThread).toFixed(2)} ×`,
  ];
  return [cells(1, one!), cells(2, two!)];
}

function medianOf(of: readonly Round[]): Round {
  const median = (read: (one: Round) => number) =>
    of.map(read).sort((a, b) => a - b)[Math.floor(of.length / 2)]!;
  return {
    perSecond: median((one) => one.perSecond),
    total: median((one) => one.total),
    primary: median((one) => one.primary),
    busiest: median((one) => one.busiest),
    busiestThread: median((one) => one.busiestThread),
  };
}
