/**
 * Computes SRP's exponentiations on worker threads: OpenSSL does some of them on the calling thread while importing a
 * key, and two milliseconds on the main thread would delay every other request. Threads are started on demand up to a
 * limit, and end when none was needed for a while; work waits in a fair queue.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { SrpExchanger } from "../../app.ts";
import type { exchange, makeVerifier } from "../../lib/srp.ts";
import { SrpError } from "../../lib/srp.ts";
import { createFairQueue, type FairQueueOptions } from "./fair-queue.ts";

export type SrpJob =
  | { readonly exchange: Parameters<typeof exchange>[0] }
  | { readonly verifier: Parameters<typeof makeVerifier>[0] };

export type SrpAnswer = { readonly ok: unknown } | { readonly refused: boolean; readonly message: string };

/** The built program is JavaScript. */
const program = new URL(
  import.meta.url.endsWith(".ts") ? "./srp-worker.ts" : "./srp-worker.js",
  import.meta.url,
);

/** @param options.concurrency the maximum number of threads */
export function createSrpExchanger(options: FairQueueOptions): SrpExchanger {
  const queue = createFairQueue(options);
  const idle: Worker[] = [];
  const rest = restOf(idle);

  const compute = async (job: SrpJob): Promise<unknown> => {
    const worker = idle.pop() ?? startWorker(idle);
    const answered = once(worker, "message");
    worker.ref();
    worker.postMessage(job);
    const [answer] = (await answered) as [SrpAnswer];
    worker.unref();
    idle.push(worker);
    rest.begin();
    if ("ok" in answer) return answer.ok;
    throw answer.refused ? new SrpError(answer.message) : new Error(answer.message);
  };

  return {
    exchange: (values, turn) =>
      queue.run(turn, async () => (await compute({ exchange: values })) as { B: bigint; K: Uint8Array }),
    makeVerifier: (values, turn) =>
      queue.run(turn, async () => (await compute({ verifier: values })) as Uint8Array),
    refusal: queue.refusal,
    assertRoom: queue.assertRoom,
    reserve: queue.reserve,
    stats: queue.stats,
    close: async () => {
      rest.end();
      await Promise.all(idle.splice(0).map((worker) => worker.terminate()));
    },
  };
}

/** How long no thread may be needed until all of them end: each takes some 25 MB. Milliseconds. */
const restMs = 30_000;

/** Ends the idle threads when none was needed for a while. */
function restOf(idle: Worker[]): { begin(): void; end(): void } {
  let timer: NodeJS.Timeout | undefined;
  const over = () => {
    for (const worker of idle.splice(0)) void worker.terminate();
  };
  return {
    begin() {
      // Set anew rather than replaced: this is called for each exchange.
      timer = timer?.refresh() ?? setTimeout(over, restMs).unref();
    },
    end: () => clearTimeout(timer),
  };
}

/**
 * Starts a thread. If it fails, which should never happen, its job fails through the event that `once` waits for, and
 * the thread is not used again.
 */
function startWorker(idle: Worker[]): Worker {
  const worker = new Worker(program, {
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
  });
  worker.unref();
  worker.on("error", () => {
    const at = idle.indexOf(worker);
    if (at >= 0) idle.splice(at, 1);
  });
  return worker;
}
