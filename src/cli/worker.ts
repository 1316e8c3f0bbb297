/** One of several workers of a server, which the first process has started (primary.ts). */
import cluster from "node:cluster";
import type { Config } from "../config/config.ts";
import { configOfWorker } from "../config/workers.ts";
import type { Numbered } from "../lib/first-seen.ts";
import type { Snapshot } from "../lib/metric-sums.ts";
import { type RunningServer, startServer } from "../server.ts";
import { watchIdleMemory } from "./idle-memory.ts";
import { createLog } from "./log.ts";
import { readyLine } from "./ready-line.ts";
import { startFirst, stopOnSignals } from "./serve-alone.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

/** When jobs that could not begin are tried again. Milliseconds. */
const againMs = 5_000;

type Begin = Extract<ToWorker, { kind: "begin" }>;

/** Tells the first process something. Does nothing if that has ended. */
function tell(message: FromWorker): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected && process.send) process.send(message, () => resolve());
    else resolve();
  });
}

/** Questions to the first process that it has not answered yet. */
class Questions<T> {
  readonly #open = new Map<number, (answer: T) => void>();
  #last = 0;

  /** @param questionOf the question with this id */
  async ask(questionOf: (id: number) => FromWorker): Promise<T> {
    const id = ++this.#last;
    const { promise, resolve } = Promise.withResolvers<T>();
    this.#open.set(id, resolve);
    await tell(questionOf(id));
    return promise;
  }

  answered(id: number, answer: T): void {
    this.#open.get(id)?.(answer);
    this.#open.delete(id);
  }
}

/** Runs a worker: it begins when it is told which one it is. @param whole the configuration of the server */
export async function runWorker(whole: Config): Promise<void> {
  let server: RunningServer | undefined;
  let leads = false;
  const stop = stopOnSignals(async () => {
    await server?.close();
    if (server) await tell({ kind: "measured", id: undefined, snapshot: await server.readings.snapshot() });
  });
  // Without the first process nobody brings new connections. Node would end the worker at once, in the middle of requests.
  process.prependListener("disconnect", () => {
    if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
    void stop();
  });
  const { promise: begun, resolve: begin } = Promise.withResolvers<Begin>();
  const collecting = new Questions<readonly Snapshot[]>();
  const numbering = new Questions<Numbered>();
  const lead = () => {
    leads = true;
    server?.lead().catch((error: unknown) => {
      server?.app.log.error({ err: error }, "a job could not begin: it is tried again");
      setTimeout(lead, againMs).unref();
    });
  };
  process.on("message", (message: ToWorker) => {
    if (message.kind === "begin") begin(message);
    else if (message.kind === "lead") lead();
    else if (message.kind === "stop") void stop();
    else if (message.kind === "measure") void measure(message.id);
    else if (message.kind === "collected") collecting.answered(message.id, message.snapshots);
    else if (message.kind === "numbered") numbering.answered(message.id, message.numbered);
  });
  const measure = async (id: number) => {
    if (server) await tell({ kind: "measured", id, snapshot: await server.readings.snapshot() });
  };
  const snapshots = () => collecting.ask((id) => ({ kind: "collect", id }));
  const numberArrivals = (ids: readonly string[]) => numbering.ask((id) => ({ kind: "number", id, ids }));
  const { number, shared } = await begun;
  const config = configOfWorker(whole, { number, of: whole.workers });
  const { ports, issued } = shared ?? {};
  const options = {
    log: createLog(config.logLevel).child({ worker: number }),
    worker: { ports, issued, snapshots, numberArrivals },
  };
  server = shared
    ? await startServer(config, { ...options, ownsProcess: true })
    : await startFirst(config, options);
  watchIdleMemory();
  const { port, tls, httpsPort } = server.app.config;
  const bound = { port, httpsPort: tls === undefined ? undefined : httpsPort };
  const found = { ports: bound, issued: server.issued };
  await tell({ kind: "ready", shared: found, line: readyLine(server.app.config) });
  if (leads) lead();
}
