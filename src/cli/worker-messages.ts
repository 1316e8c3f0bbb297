/** What the first process of a server and its workers tell each other. */
import type { Ports } from "../http/listen.ts";
import type { Issued } from "../integrations/tls.ts";
import type { Numbered } from "../lib/first-seen.ts";
import type { Snapshot } from "../lib/metric-sums.ts";

/** What all workers have of the one that started first. */
export interface Shared {
  /** The ports that they listen on. */
  readonly ports: Ports;
  /** The certificate by `--tls dev`. */
  readonly issued: Issued | undefined;
}

export type ToWorker =
  /** The first message. `shared` is what others have already; undefined for the worker that starts first. */
  | { readonly kind: "begin"; readonly number: number; readonly shared: Shared | undefined }
  /** Begin the jobs of which one worker is enough. */
  | { readonly kind: "lead" }
  /** Finish the requests in progress, and end. */
  | { readonly kind: "stop" }
  /** Say what the metrics are. */
  | { readonly kind: "measure"; readonly id: number }
  /** The metrics of all workers, as asked for by `collect`. */
  | { readonly kind: "collected"; readonly id: number; readonly snapshots: readonly Snapshot[] }
  /** The numbers of messages, as asked for by `number`. */
  | { readonly kind: "numbered"; readonly id: number; readonly numbered: Numbered };

export type FromWorker =
  /** The worker answers requests. @param line the ready line */
  | { readonly kind: "ready"; readonly shared: Shared; readonly line: string }
  /** The metrics of this worker, in answer to `measure`, or for good without an id. */
  | { readonly kind: "measured"; readonly id: number | undefined; readonly snapshot: Snapshot }
  /** Give me the metrics of all workers. */
  | { readonly kind: "collect"; readonly id: number }
  /** Number these messages of the inbox. */
  | { readonly kind: "number"; readonly id: number; readonly ids: readonly string[] };
