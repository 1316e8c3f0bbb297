/**
 * Limits the log lines that one address can cause by requests that are refused, fail or prove nothing. Further lines
 * are counted, and reported in one line for all addresses; metrics count every call.
 */
import type { App } from "../app.ts";
import { holdings } from "./holdings.ts";
import type { MonotonicClock } from "./monotonic.ts";

type Logger = App["log"];

export interface LineBudget {
  /** Whether a line about a request from this network is written; counts it if not. */
  admits(network: string): boolean;
  /** The log of a request, limited likewise. */
  of(requestId: string, network: string): Logger;
  /** Stops the timers, and logs the remaining counts. */
  close(): void;
}

const { seconds } = holdings.logLines.limit;

/** @param allowed how many lines one address gets */
export function createLineBudget(
  log: Logger,
  { every }: Pick<MonotonicClock, "every">,
  allowed: number,
): LineBudget {
  let written = new Map<string, number>();
  let left = 0;

  const admits = (network: string) => {
    const count = (written.get(network) ?? 0) + 1;
    written.set(network, count);
    if (count > allowed) left += 1;
    return count <= allowed;
  };
  const report = () => {
    if (left > 0) {
      const addresses = [...written.values()].filter((count) => count > allowed).length;
      log.warn(
        { lines: left, addresses, seconds },
        "lines about requests that were refused or prove nothing were left out",
      );
    }
    if (written.size > 0) written = new Map();
    left = 0;
  };
  const stop = every(seconds * 1000, report);

  return {
    admits,
    of(requestId, network) {
      // Created by the first line: contexts are copied along with their logs, and few requests log anything.
      let whole: Logger | undefined;
      const bounded = (level: "error" | "warn" | "info"): Logger["info"] =>
        ((...line: Parameters<Logger["info"]>) => {
          if (!admits(network)) return;
          whole ??= log.child({ requestId });
          whole[level](...line);
        }) as Logger["info"];
      return Object.assign(Object.create(log) as Logger, {
        error: bounded("error"),
        warn: bounded("warn"),
        info: bounded("info"),
      });
    },
    close: () => {
      stop();
      report();
    },
  };
}
