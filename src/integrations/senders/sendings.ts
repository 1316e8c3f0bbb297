/** What the senders have in common: a deadline for each call, and an end that waits for the calls being made. */
import { setTimeout as delay } from "node:timers/promises";
import type { SenderMeans } from "./sender.ts";

/** Everything together, including the wait for a connection, stays below the lease of an outbox row. Milliseconds. */
const usualDeadlineMs = 30_000;
/** How long messages being sent may take when the server stops. Milliseconds. */
const usualPatienceMs = 5_000;

export interface Sendings {
  /**
   * Runs one call of the service. Throws Late at the deadline and soon after `close`, even if the call does not heed its
   * signal.
   */
  run<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Waits a moment for the calls being made, and then aborts them. */
  close(): Promise<void>;
}

/** A call took until its deadline, or until the server stopped. */
export class Late extends Error {
  override name = "Late";
}

/**
 * @param service what the service is called in errors
 */
export function newSendings(
  service: string,
  {
    deadlineMs = usualDeadlineMs,
    patienceMs = usualPatienceMs,
  }: Pick<SenderMeans, "deadlineMs" | "patienceMs">,
): Sendings {
  const stopping = new AbortController();
  const inHand = new Set<Promise<unknown>>();
  return {
    run: async (call) => {
      const signal = AbortSignal.any([AbortSignal.timeout(deadlineMs), stopping.signal]);
      const sending = orAborted(call, signal);
      inHand.add(sending);
      try {
        return await sending;
      } catch (error) {
        throw isLate(error) ? new Late(`${service} did not take the message in time.`) : error;
      } finally {
        inHand.delete(sending);
      }
    },
    close: async () => {
      const over = new AbortController();
      const late = delay(patienceMs, undefined, { signal: over.signal }).catch(() => {});
      await Promise.race([Promise.allSettled(inHand), late]);
      over.abort();
      stopping.abort();
      await Promise.allSettled(inHand);
    },
  };
}

async function orAborted<T>(call: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([call(signal), aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

const isLate = (error: unknown) =>
  error instanceof Error && (error.name === "TimeoutError" || error.name === "AbortError");

/** The code of an error of the network, or of its cause: `ECONNREFUSED`, `SELF_SIGNED_CERT_IN_CHAIN` … */
function networkCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return networkCode(error.cause) ?? code;
}

/** The error for a call without an answer. @param service what the service is called in errors */
export function networkError(service: string, error: unknown): Error {
  const code = networkCode(error);
  return new Error(`${service} cannot be used: ${code ?? "it gave no answer that could be read"}.`);
}
