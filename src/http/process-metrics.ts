/** Metrics of the process that a server runs in, and of each of several. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { App } from "../app.ts";
import { programVersion } from "../config/version.ts";
import type { WorkerPlace } from "../config/workers.ts";
import type { Family, Observed, Metrics as Registry } from "../lib/prometheus.ts";
import { PROGRAM_SCHEMA_VERSION } from "../store/migrations/migrate.ts";

const loopResolutionMs = 20;

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** Adds the metrics of the process and the program. `reset` starts a new window for the delay of the event loop. */
export function observeProcess(registry: Registry, app: App): { reset(): void } {
  // Enabled by the first scrape only: its timer wakes an idle process fifty times a second.
  const loop = monitorEventLoopDelay({ resolution: loopResolutionMs });
  const started = Date.now() / 1000 - process.uptime();
  const gauge = (name: string, help: string, read: () => Observed, more: Partial<Family> = {}) =>
    registry.observed("gauge", { name, help, ...more }, read);
  registry.observed(
    "counter",
    { name: "process_cpu_seconds_total", help: "CPU time of the process, all threads." },
    cpuSeconds,
  );
  gauge("process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss());
  gauge("process_start_time_seconds", "When the process began, in epoch seconds.", () => started, {
    aggregator: "min",
  });
  gauge("nodejs_heap_used_bytes", "Used part of the JavaScript heap.", () => process.memoryUsage().heapUsed);
  gauge("nodejs_external_memory_bytes", "Memory of buffers outside the heap.", () => {
    const { external } = process.memoryUsage();
    return external;
  });
  gauge(
    "poolhouse_event_loop_delay_seconds",
    "How late the event loop was since the metrics were last read, by quantile.",
    () =>
      ([0.5, 0.99, 1] as const).map((quantile) => ({
        labels: { quantile: String(quantile) },
        // Its values are the time between two ticks of its timer.
        value: Math.max(0, loop.percentile(quantile * 100) / 1e6 - loopResolutionMs) / 1000,
      })),
    { labelNames: ["quantile"], aggregator: "max" },
  );
  gauge(
    "poolhouse_build_info",
    "Always 1: version, schema, database and Node.js as labels.",
    () => [
      {
        labels: {
          version: programVersion,
          schema: String(PROGRAM_SCHEMA_VERSION),
          database: app.db.kind,
          node: process.versions.node,
        },
        value: 1,
      },
    ],
    { labelNames: ["version", "schema", "database", "node"], aggregator: "first" },
  );
  return {
    reset() {
      loop.enable();
      loop.reset();
    },
  };
}

/** Adds what tells one of several workers from the others. @param begun how many calls have begun */
export function observeWorker(registry: Registry, { number }: WorkerPlace, begun: () => number): void {
  const labels = { worker: String(number) };
  const counter = (name: string, help: string, read: () => number) =>
    registry.observed("counter", { name, help, labelNames: ["worker"] }, () => [{ labels, value: read() }]);
  counter("poolhouse_worker_calls_total", "Calls of the AWS API that have begun, by worker.", begun);
  counter("poolhouse_worker_cpu_seconds_total", "CPU time of all threads, by worker.", cpuSeconds);
}
