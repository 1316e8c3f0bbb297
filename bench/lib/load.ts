/** Closed-loop load: a number of connections, each with one operation in progress, for some time. */
import { type Connection, PatientConnection } from "./connection.ts";
import { type DatabaseCpu, noDatabaseCpu } from "./postgres-cpu.ts";
import type { BenchServer } from "./server.ts";

/** One operation of a scenario with all its requests. `turn` is incremented each time. */
export type Operation = (connection: Connection, turn: number) => Promise<unknown>;

export interface Measured {
  readonly operations: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** CPU of the server in milliseconds per operation. */
  readonly cpu: number;
  /** CPU of the database, likewise; undefined if it is part of the server, or elsewhere. */
  readonly databaseCpu: number | undefined;
  /** Requests that were turned away, and repeated: what that costs the server is part of its CPU. */
  readonly refused: number;
}

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  readonly databaseCpu?: DatabaseCpu;
  /** Measure longer, up to five times as long, until so many are done: those in progress at either end would weigh too much. */
  readonly atLeast?: number;
  /** Before anything is measured, until V8 has compiled the code: so many operations, or so many seconds. */
  readonly warmUp?: { readonly operations: number; readonly seconds: number };
}

const longWarmUp = { operations: 3_000, seconds: 20 };

/** Runs an operation repeatedly, and measures it once it is warm. */
export async function measure(
  server: BenchServer,
  operation: Operation,
  { connections, seconds, databaseCpu = noDatabaseCpu, warmUp = longWarmUp, atLeast = 0 }: LoadOptions,
): Promise<Measured> {
  const latencies: number[] = [];
  let turn = 0;
  let refused = 0;
  let counting = false;
  let running = true;
  const work = async () => {
    const connection = new PatientConnection(server.port);
    while (running) {
      const began = performance.now();
      await operation(connection, turn++);
      if (counting && running) latencies.push(performance.now() - began);
    }
    refused += connection.refusals;
    connection.close();
  };
  const workers = Promise.all(Array.from({ length: connections }, work));
  const failed = workers.then(
    () => {},
    (error: unknown) => {
      running = false;
      throw error;
    },
  );
  for (const until = performance.now() + warmUp.seconds * 1000; performance.now() < until; ) {
    await Promise.race([pause(0.1), failed]);
    if (turn > warmUp.operations) break;
  }
  await databaseCpu.vacuum();
  // Counting begins and ends when the answers arrive, so that what is done until then is lost at both ends alike.
  const [before, databaseBefore] = await Promise.all([server.usage(), databaseCpu.ms()]);
  const began = performance.now();
  counting = true;
  await Promise.race([pause(seconds), failed]);
  while (running && latencies.length < atLeast && performance.now() - began < seconds * 5000)
    await Promise.race([pause(0.05), failed]);
  const [after, databaseAfter] = await Promise.all([server.usage(), databaseCpu.ms()]);
  counting = false;
  const elapsed = performance.now() - began;
  running = false;
  await failed;
  latencies.sort((a, b) => a - b);
  return {
    operations: latencies.length,
    perSecond: (latencies.length / elapsed) * 1000,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    cpu: (after.cpuMs - before.cpuMs) / latencies.length,
    databaseCpu:
      databaseBefore === undefined || databaseAfter === undefined
        ? undefined
        : (databaseAfter - databaseBefore) / latencies.length,
    refused,
  };
}

/** A quantile of sorted numbers. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

/** The middle of some numbers; of an even number of them the upper one. */
export const median = (numbers: readonly number[]): number =>
  quantile(
    numbers.toSorted((a, b) => a - b),
    0.5,
  );

const pause = (seconds: number) => new Promise<void>((resolve) => setTimeout(resolve, seconds * 1000));
