/**
 * Gives memory back when a server has nothing to do. V8 collects garbage only while something allocates: what a start or
 * a flood left behind, and a young generation that grew to its full size, would stay as they are for as long as the server is
 * idle.
 */
import { http } from "../lib/node-http.ts";

/** What is asked of the process, and done to it. */
export interface Memory {
  /** CPU time of all threads so far. Milliseconds. */
  readonly cpuMs: () => number;
  /** Resident memory. Bytes. */
  readonly resident: () => number;
  /** Collects all garbage, also in the young generation, and the code of functions that were not called for long. */
  readonly collect: () => void;
}

/** How often the process is looked at. Milliseconds. */
const lookMs = 10_000;
/** The share of a processor's time up to which a server counts as idle. */
const idleShare = 0.02;
/** A collection is worth its pause if the process takes so much more than the last one left. Bytes. */
const worth = 8 * 2 ** 20;
/** Or if it has done so much since: what was in use during the last one may not be any more. Milliseconds. */
const workMs = 2_000;

/**
 * A look, to be had every ten seconds. Collects if the process did next to nothing since the last one, and there is something
 * to expect of it: the requests of a server that is not idle never wait for it.
 */
export function createIdleLook({ cpuMs, resident, collect }: Memory): () => void {
  let seenMs = cpuMs();
  let collectedMs = seenMs;
  let left = 0;
  return () => {
    const now = cpuMs();
    const isIdle = now - seenMs < lookMs * idleShare;
    seenMs = now;
    if (!isIdle || (resident() - left < worth && now - collectedMs < workMs)) return;
    collect();
    left = resident();
    // The collection is not to count as work.
    seenMs = cpuMs();
    collectedMs = seenMs;
  };
}

/** How many parsers of requests wait for new connections. Each takes 10 KB, and Node would keep 1,000. */
const idleParsers = 100;

/**
 * Watches this process. Without the launcher's flags (lib/node-flags.ts) Node has no function to collect, and garbage stays
 * where it is.
 */
export function watchIdleMemory(): void {
  http.setMaxIdleHTTPParsers(idleParsers);
  const { gc } = globalThis;
  if (gc === undefined) return;
  const look = createIdleLook({
    cpuMs: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    resident: () => process.memoryUsage.rss(),
    collect: () => void gc({ execution: "sync", type: "major", flavor: "last-resort" }),
  });
  setInterval(look, lookMs).unref();
}
