/** What the first process of a server and its workers tell each other. */
import type { Ports } from "../http/listen.ts";
import type { Snapshot } from "../lib/metric-sums.ts";

export type ToWorker =
  /** The first message. `ports` are those that others listen on; undefined for the worker that starts first. */
  | { readonly kind: "begin"; readonly number: number; readonly ports: Ports | undefined }
  /** Begin the jobs of which one worker is enough. */
  | { readonly kind: "lead" }
  /** Finish the requests in progress, and end. */
  | { readonly kind: "stop" }
  /** Say what the metrics are. */
  | { readonly kind: "measure"; readonly id: number }
  /** The metrics of all workers, as asked for by `collect`. */
  | { readonly kind: "collected"; readonly id: number; readonly snapshots: readonly Snapshot[] };

export type FromWorker =
  /** The worker answers requests. @param line the ready line */
  | { readonly kind: "ready"; readonly ports: Ports; readonly line: string }
  /** The metrics of this worker, in answer to `measure`, or for good without an id. */
  | { readonly kind: "measured"; readonly id: number | undefined; readonly snapshot: Snapshot }
  /** Give me the metrics of all workers. */
  | { readonly kind: "collect"; readonly id: number };
