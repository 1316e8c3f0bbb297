/**
 * The first process of a server with several workers: starts them, starts another for one that ends, and stops them. It
 * answers no request and opens no database; new connections pass through it (node:cluster), each worker in its turn.
 */
import cluster, { type Worker } from "node:cluster";
import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import { FirstSeen } from "../lib/first-seen.ts";
import { familyOf, type Snapshot } from "../lib/metric-sums.ts";
import { createLog } from "./log.ts";
import { closeUntaken } from "./untaken.ts";
import type { FromWorker, Shared, ToWorker } from "./worker-messages.ts";
import { WorkerSnapshots } from "./worker-snapshots.ts";

/** A worker that has answered requests for so long ended for another reason than the one before it. Milliseconds. */
const provenMs = 60_000;
/** The longest pause before another worker is started. Milliseconds. */
const longestPauseMs = 30_000;
/** How many messages of the inbox are remembered: as many as a worker does (http/inbox/arrivals.ts). */
const mostArrivals = 10_000;
/** How often a worker's place may fail to be filled in a row while no other worker answers. */
const mostFailedStarts = 3;

/** How long to wait before another worker takes a place: not after the first failure, then 1 s, 2 s, 4 s … Milliseconds. */
export function restartPauseMs(failures: number): number {
  return failures <= 1 ? 0 : Math.min(longestPauseMs, 1_000 * 2 ** (failures - 2));
}

/** Starts the workers, and resolves when all of them answer requests. */
export async function runPrimary(config: Config): Promise<void> {
  const primary = new Primary(config.workers, createLog(config.logLevel));
  process.on("SIGTERM", () => primary.stop(0));
  process.on("SIGINT", () => primary.stop(0));
  await primary.start();
}

/** A running worker. */
interface Member {
  readonly number: number;
  readonly worker: Worker;
  /** When it began to answer requests, in monotonic milliseconds. */
  readySince: number | undefined;
}

/** How often in a row the worker of a place has failed, and how often before it answered any request. */
interface Failures {
  all: number;
  starts: number;
}

class Primary {
  readonly #count: number;
  readonly #log: Logger;
  readonly #members = new Map<number, Member>();
  readonly #failures = new Map<number, Failures>();
  readonly #snapshots = new WorkerSnapshots();
  /** The order of the inbox's messages, which outlives its workers. */
  readonly #arrivals = new FirstSeen(randomBytes(8).toString("hex"), mostArrivals);
  #shared: Shared | undefined;
  #leader: Member | undefined;
  #isStarted = false;
  #restarts = 0;
  /** Set once the server stops: with what the process ends. */
  #exitCode: number | undefined;

  constructor(count: number, log: Logger) {
    this.#count = count;
    this.#log = log;
    cluster.schedulingPolicy = cluster.SCHED_RR;
  }

  /** The first worker migrates the database, makes the first keys and the demo; the others start when it answers requests. */
  async start(): Promise<void> {
    const { shared, line } = await this.#begin(1);
    this.#shared = shared;
    await Promise.all(Array.from({ length: this.#count - 1 }, (_, index) => this.#begin(index + 2)));
    this.#isStarted = true;
    console.log(`${line} with ${this.#count} workers`);
  }

  /** Has all workers finish their requests and end, and then ends with this code. Calling it again does nothing. */
  stop(exitCode: number): void {
    if (this.#exitCode !== undefined) return;
    this.#exitCode = exitCode;
    for (const member of this.#members.values()) send(member, { kind: "stop" });
    this.#endIfAlone();
  }

  #endIfAlone(): void {
    if (this.#exitCode !== undefined && this.#members.size === 0) process.exit(this.#exitCode);
  }

  /** Starts a worker. Resolves when it answers requests; never, if it ends before that. */
  #begin(number: number): Promise<Extract<FromWorker, { kind: "ready" }>> {
    const member: Member = { number, worker: cluster.fork(), readySince: undefined };
    this.#members.set(number, member);
    closeUntaken(member.worker, () => this.#exitCode !== undefined);
    member.worker.once("exit", (code, signal) => this.#ended(member, code, signal));
    send(member, { kind: "begin", number, shared: this.#shared });
    return new Promise((resolve) => {
      member.worker.on("message", (message: FromWorker) => {
        if (this.#members.get(number) !== member) return;
        if (message.kind === "measured") this.#snapshots.answered(number, message.id, message.snapshot);
        else if (message.kind === "collect") void this.#collect(member, message.id);
        else if (message.kind === "number")
          send(member, { kind: "numbered", id: message.id, numbered: this.#arrivals.number(message.ids) });
        else if (message.kind === "ready") {
          member.readySince = performance.now();
          this.#appoint();
          resolve(message);
        }
      });
    });
  }

  /** Has the first of the workers that answer requests do what one is enough for, if none does. */
  #appoint(): void {
    if (this.#leader !== undefined || this.#exitCode !== undefined) return;
    this.#leader = this.#ready()[0];
    if (this.#leader) send(this.#leader, { kind: "lead" });
  }

  #ready(): Member[] {
    const ready = [...this.#members.values()].filter(({ readySince }) => readySince !== undefined);
    return ready.sort((one, other) => one.number - other.number);
  }

  #ended(member: Member, code: number | null, signal: string | null): void {
    const { number } = member;
    this.#members.delete(number);
    this.#snapshots.ended(number);
    const facts = { worker: number, ...(signal ? { signal } : { code }) };
    if (this.#exitCode !== undefined) {
      if (code !== 0) this.#log.error(facts, "A worker has ended before its requests were finished.");
      if (code !== 0) this.#exitCode ||= 1;
      this.#endIfAlone();
      return;
    }
    if (this.#leader === member) this.#leader = undefined;
    this.#appoint();
    if (!this.#isStarted) {
      // It has said why itself, unless it was killed.
      if (signal) console.error(`poolhouse serve: worker ${number} was ended by ${signal} during the start.`);
      this.stop(code || 1);
    } else this.#replace(member, code, facts);
  }

  #replace({ number, readySince }: Member, code: number | null, facts: object): void {
    const before = this.#failures.get(number) ?? { all: 0, starts: 0 };
    const isProven = readySince !== undefined && performance.now() - readySince >= provenMs;
    const all = code === 0 ? 0 : isProven ? 1 : before.all + 1;
    const starts = readySince === undefined ? before.starts + 1 : 0;
    this.#failures.set(number, { all, starts });
    if (starts >= mostFailedStarts && this.#ready().length === 0) {
      console.error(
        `poolhouse serve: no worker can start: worker ${number} has failed ${starts} times in a row, and no other one ` +
          "answers requests. What each said stands above.",
      );
      this.stop(code || 1);
      return;
    }
    const pauseMs = restartPauseMs(all);
    if (code === 0) this.#log.info(facts, "A worker was stopped: another takes its place.");
    else this.#log.error({ ...facts, pauseMs }, "A worker has ended: another takes its place.");
    this.#restarts += 1;
    setTimeout(() => {
      if (this.#exitCode === undefined) void this.#begin(number);
    }, pauseMs);
  }

  async #collect(member: Member, id: number): Promise<void> {
    const ready = new Map(this.#ready().map((one) => [one.number, one]));
    const snapshots = await this.#snapshots.collect([...ready.keys()], (number, question) =>
      send(ready.get(number)!, { kind: "measure", id: question }),
    );
    send(member, { kind: "collected", id, snapshots: [...snapshots, this.#own()] });
  }

  /** This process's part of the metrics, and what it knows of the workers. */
  #own(): Snapshot {
    const { user, system } = process.cpuUsage();
    const resident = process.memoryUsage.rss();
    const workers = "Workers that answer requests.";
    const restarts = "Workers that were started in place of one that had ended.";
    return [
      familyOf("counter", "process_cpu_seconds_total", "CPU time.", (user + system) / 1e6),
      familyOf("gauge", "process_resident_memory_bytes", "Resident memory.", resident),
      familyOf("gauge", "poolhouse_workers", workers, this.#ready().length),
      familyOf("counter", "poolhouse_worker_restarts_total", restarts, this.#restarts),
    ];
  }
}

/** Sends a message. One that has ended meanwhile gets none: its end is reported by itself. */
function send({ worker }: Member, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, () => {});
}
