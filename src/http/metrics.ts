/**
 * /metrics for Prometheus. Labels come from closed lists only (operations, error codes, sign-in steps): nothing a
 * caller sends becomes one, and no pool, user or address appears.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { App, Metrics, QueueStats } from "../app.ts";
import type { Snapshot } from "../lib/metric-sums.ts";
import { type Cell, Metrics as Registry, type Sample, type Timing } from "../lib/prometheus.ts";
import { countWaiting } from "../store/outbox.ts";
import { answerJson } from "./answer-json.ts";
import type { Bodies } from "./body.ts";
import type { Connections } from "./connections.ts";
import { metricsGuard } from "./metrics-guard.ts";
import { observeProcess, observeWorker } from "./process-metrics.ts";

/**
 * Seconds. GetUser falls into the first bucket, a password hash into the second or third, queued calls into those
 * beyond.
 */
const callBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5];

/** Seconds. */
const syncBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1];

/** The metrics of a server, and their text. */
export interface CountedMetrics extends Metrics {
  readonly registry: Registry;
  /** How many calls have begun. */
  readonly begun: number;
  /** Starts a new window for the use of budgets. */
  resetTextBudgets(): void;
}

/** Creates the counters; `metricsDoor` adds metrics that are read only at a scrape. */
export function createMetrics(): CountedMetrics {
  const registry = new Registry();
  const signIns = registry.counter(
    "poolhouse_sign_ins_total",
    "Steps of sign-ins, by the flow or challenge and by how they ended.",
    "step",
    "outcome",
  );
  const messages = registry.counter(
    "poolhouse_messages_total",
    "Attempts to deliver a message, by medium and outcome.",
    "medium",
    "outcome",
  );
  const calls = callMetrics(registry);
  return {
    registry,
    get begun() {
      return calls.begun;
    },
    callBegins: calls.callBegins,
    callEnds: calls.callEnds,
    ...textMetrics(registry),
    signIn(step, outcome) {
      signIns(step, outcome).inc();
    },
    message(medium, outcome) {
      messages(medium, outcome).inc();
    },
  };
}

function textMetrics(registry: Registry): Pick<CountedMetrics, "text" | "textBudget" | "resetTextBudgets"> {
  const texts = registry.counter(
    "poolhouse_texts_total",
    "Text messages, by calling code and outcome; refused for a limit, or a country that gets none.",
    "calling_code",
    "outcome",
  );
  const shares = new Map<string, number>();
  registry.observed(
    "gauge",
    {
      name: "poolhouse_text_budget_used",
      help: "The largest used share of a pool's or a range's hourly budget of texts since the metrics were last read, by limit.",
      labelNames: ["limit"],
      aggregator: "max",
    },
    () => [...shares].map(([limit, value]) => ({ labels: { limit }, value })),
  );
  return {
    text(callingCode = "none", outcome) {
      texts(callingCode, outcome).inc();
    },
    textBudget(limit, share) {
      shares.set(limit, Math.max(share, shares.get(limit) ?? 0));
    },
    resetTextBudgets() {
      for (const limit of shares.keys()) shares.set(limit, 0);
    },
  };
}

/** The metrics of one operation, looked up once per call. */
interface OperationCells {
  readonly ok: Cell;
  readonly refused: Map<string, Cell>;
  readonly seconds: Timing;
}

function callMetrics(registry: Registry): Pick<CountedMetrics, "callBegins" | "callEnds" | "begun"> {
  const help = "Calls of the AWS API, by operation and by ok or the error's type.";
  const calls = registry.counter("poolhouse_calls_total", help, "operation", "result");
  const seconds = registry.histogram(
    "poolhouse_call_duration_seconds",
    "How long calls took, by operation.",
    callBuckets,
    "operation",
  );
  let begun = 0;
  let inFlight = 0;
  registry.observed(
    "gauge",
    { name: "poolhouse_calls_in_flight", help: "Calls being answered." },
    () => inFlight,
  );
  const operations = new Map<string, OperationCells>();
  const newCells = (operation: string): OperationCells => {
    const made = {
      ok: calls(operation, "ok"),
      refused: new Map<string, Cell>(),
      seconds: seconds(operation),
    };
    operations.set(operation, made);
    return made;
  };
  const newRefused = (cells: OperationCells, operation: string, error: string): Cell => {
    const made = calls(operation, error);
    cells.refused.set(error, made);
    return made;
  };
  return {
    get begun() {
      return begun;
    },
    callBegins() {
      begun += 1;
      inFlight += 1;
    },
    callEnds(operation = "unknown", error, ms) {
      inFlight -= 1;
      const cells = operations.get(operation) ?? newCells(operation);
      const ended =
        error === undefined ? cells.ok : (cells.refused.get(error) ?? newRefused(cells, operation, error));
      ended.inc();
      cells.seconds.observe(ms / 1000);
    },
  };
}

/** The metrics of this process, for /metrics. Reading them in either way starts a new window for what counts since the last. */
export interface Readings {
  /** All metrics of this process as text. */
  render(): Promise<string>;
  /** The metrics of this process, for another one that sums them up. */
  snapshot(): Promise<Snapshot>;
  /** As `render`, from the snapshots of several processes. */
  renderWith(snapshots: readonly Snapshot[]): Promise<string>;
}

/** Adds the metrics that are read only when somebody asks. */
export function createReadings(app: App, metrics: CountedMetrics): Readings {
  const { registry } = metrics;
  observeQueues(registry, app);
  observeMessages(registry, app);
  observeDatabase(registry, app);
  observeEvents(registry, app);
  const loop = observeProcess(registry, app);
  if (app.config.worker.of > 1) observeWorker(registry, app.config.worker, () => metrics.begun);
  const windowed = async <T>(read: Promise<T>) => {
    const found = await read;
    loop.reset();
    metrics.resetTextBudgets();
    return found;
  };
  return {
    render: () => windowed(registry.render()),
    snapshot: () => windowed(registry.snapshot()),
    renderWith: (snapshots) => registry.renderWith(snapshots),
  };
}

/** Answers /metrics. Returns false if the request was for something else. */
type MetricsDoor = (incoming: IncomingMessage, outgoing: ServerResponse) => boolean;

/**
 * GET /metrics. With POOLHOUSE_METRICS_TOKEN set, for anybody who sends it as a bearer token. Without it, only on a
 * server that nothing but this machine can reach: it listens on loopback, its public URL is a loopback URL (so that no
 * proxy on this machine makes it public), and it is asked directly, by one of its own names.
 * @param read the metrics as text
 */
export function metricsDoor(app: App, read: () => Promise<string>): MetricsDoor {
  const mayRead = metricsGuard(app);
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    if (!mayRead(incoming, outgoing)) return;
    const text = await read();
    outgoing.writeHead(200, {
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
      "content-length": Buffer.byteLength(text),
      "cache-control": "no-store",
    });
    outgoing.end(text);
  };
  return (incoming, outgoing) => {
    const { method, url = "" } = incoming;
    if (!/^\/metrics(?:\?|$)/.test(url) || (method !== "GET" && method !== "HEAD")) return false;
    answer(incoming, outgoing).catch((error: unknown) => {
      app.log.error({ err: error }, "internal error");
      answerJson(outgoing, 500, { message: "Internal error." });
    });
    return true;
  };
}

/** Adds the metrics of what clients hold of the server before they are authenticated (holdings.ts). */
export function observeFront(
  { registry }: CountedMetrics,
  { bodies, connections }: { bodies: Bodies; connections: Pick<Connections, "open" | "gaveWay"> },
): void {
  registry.observed(
    "gauge",
    { name: "poolhouse_connections", help: "Connections that are open." },
    () => connections.open,
  );
  registry.observed(
    "gauge",
    { name: "poolhouse_body_bytes", help: "Bytes of bodies being read." },
    () => bodies.held,
  );
  const help =
    "What was taken from one address for another, or refused to it, by what there was too little of.";
  registry.observed("counter", { name: "poolhouse_gave_way_total", help: help, labelNames: ["what"] }, () => [
    { labels: { what: "connections" }, value: connections.gaveWay },
    { labels: { what: "bodies" }, value: bodies.gaveWay },
  ]);
}

function observeQueues(registry: Registry, app: App): void {
  const queues: Readonly<Record<string, { stats(): QueueStats }>> = {
    "password-hash": app.passwordHasher,
    srp: app.srp,
  };
  const each = (read: (stats: QueueStats) => number) => (): Sample[] =>
    Object.entries(queues).map(([queue, { stats }]) => ({ labels: { queue }, value: read(stats()) }));
  registry.observed(
    "gauge",
    { name: "poolhouse_queue_running", help: "Jobs being worked on.", labelNames: ["queue"] },
    each((one) => one.running),
  );
  registry.observed(
    "gauge",
    { name: "poolhouse_queue_waiting", help: "Callers that wait for their turn.", labelNames: ["queue"] },
    each((one) => one.waiting),
  );
  registry.observed(
    "counter",
    {
      name: "poolhouse_queue_refused_total",
      help: "Callers refused because the queue was full.",
      labelNames: ["queue"],
    },
    each((one) => one.refused),
  );
}

/** Beyond this the exact number says nothing more, and counting would take time from requests. */
const mostCounted = 10_000;

function observeMessages(registry: Registry, app: App): void {
  registry.observed(
    "gauge",
    {
      name: "poolhouse_messages_waiting",
      help: `Messages not yet delivered; ${mostCounted} means that many or more.`,
      shared: true,
    },
    async () => countWaiting(app.db, mostCounted).catch(() => undefined),
  );
}

function observeDatabase(registry: Registry, app: App): void {
  const { counts, kind } = app.db;
  registry.observed(
    "counter",
    { name: "poolhouse_database_errors_total", help: "Failed queries, by kind.", labelNames: ["kind"] },
    () => Object.entries(counts.errors).map(([error, value]) => ({ labels: { kind: error }, value })),
  );
  registry.observed(
    "counter",
    {
      name: "poolhouse_database_retries_total",
      help: "Transactions run again because the database could not order them with others'.",
    },
    () => counts.retries,
  );
  registry.observed(
    "gauge",
    {
      name: "poolhouse_database_connections",
      help: "Connections of the pool, by state.",
      labelNames: ["state"],
    },
    () => {
      const found = counts.connections?.();
      return (
        found && [
          { labels: { state: "used" }, value: found.total - found.idle },
          { labels: { state: "idle" }, value: found.idle },
        ]
      );
    },
  );
  registry.observed(
    "gauge",
    {
      name: "poolhouse_database_connections_waiting",
      help: "Queries that wait for a connection of the pool.",
    },
    () => counts.connections?.().waiting,
  );
  if (kind !== "sqlite") return;
  const syncs = registry.histogram(
    "poolhouse_database_sync_duration_seconds",
    "How long syncs of the write-ahead log took; their number is that of syncs.",
    syncBuckets,
  )();
  counts.synced = (seconds) => syncs.observe(seconds);
}

function observeEvents(registry: Registry, { audit, authEvents }: App): void {
  registry.observed(
    "gauge",
    {
      name: "poolhouse_audit_events_waiting",
      help: "Audit events not yet written; grows while the database takes none.",
    },
    () => audit.waiting,
  );
  registry.observed(
    "gauge",
    {
      name: "poolhouse_auth_events_waiting",
      help: "Sign-in events not yet written; grows while the database takes none.",
    },
    () => authEvents.waiting,
  );
}
