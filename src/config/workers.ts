/**
 * The setting `workers`: how many processes serve together, and which part of the server's limits each of them has. Limits
 * that are counted in the database hold for all of them anyway; those that a process counts in its memory are divided.
 */
import { availableParallelism } from "node:os";
import { parseDatabase } from "../lib/database-url.ts";
import type { LimitName, Limits } from "./limits.ts";
import { ConfigError } from "./section.ts";

/** As many as the setting allows. */
const mostWorkers = 64;

/** Which of a server's workers a process is. */
export interface WorkerPlace {
  /** From 1. Whoever takes the place of a worker that has ended has its number. */
  readonly number: number;
  /** How many there are. */
  readonly of: number;
}

const MiB = 2 ** 20;

/** The limits that a process counts in its memory, and the least that a worker needs of each to serve anybody. */
const divided: Readonly<Partial<Record<LimitName, number>>> = {
  connections: 32,
  // The largest body that anybody may send (`event` in http/holdings.ts).
  "body-bytes": 6 * MiB,
  "answer-bytes": MiB,
  "waiting-sign-ins": 1,
  "waiting-sign-ins-per-address": 1,
  "sign-in-events": 1,
};

/**
 * The number of workers that the setting's value stands for. Throws ConfigError if the database is an SQLite file, which one
 * process at a time can use. @param database the setting of that name
 */
export function workersOf(text: string, database: string): number {
  const target = parseDatabase(database);
  if (text === "auto") return target.kind === "sqlite" ? 1 : Math.min(availableParallelism(), mostWorkers);
  const workers = Number(text);
  if (workers === 1 || target.kind === "postgres") return workers;
  throw new ConfigError(
    `The setting workers=${workers} needs PostgreSQL, since only one process at a time can use an SQLite file ` +
      `(${target.path}). Set database (--database, POOLHOUSE_DATABASE) to a postgres:// URL, or workers to 1.`,
  );
}

/**
 * A worker's part of a number that all workers have together: the parts add up to it, unless that would be less than each
 * needs. @param least what a worker needs; the whole, if that is less
 */
export function partOf(whole: number, { number, of }: WorkerPlace, least = 1): number {
  const part = Math.floor(whole / of) + (number <= whole % of ? 1 : 0);
  return Math.max(part, Math.min(whole, least));
}

/** The place of a server's only process. */
export const onlyProcess: WorkerPlace = { number: 1, of: 1 };

/** What of a configuration differs between workers. */
interface OfWorker {
  readonly worker: WorkerPlace;
  readonly limits: Limits;
  readonly hashConcurrency: number;
}

/** The configuration of one of several workers: it has its part of what a process counts in its memory. */
export function configOfWorker<Config extends OfWorker>(config: Config, worker: WorkerPlace): Config {
  const parts = Object.entries(divided).map(([name, least]) => [
    name,
    partOf(config.limits[name as LimitName], worker, least),
  ]);
  const limits: Limits = Object.freeze({ ...config.limits, ...Object.fromEntries(parts) });
  return Object.freeze({
    ...config,
    worker,
    limits,
    hashConcurrency: partOf(config.hashConcurrency, worker),
  });
}
