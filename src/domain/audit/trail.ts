/**
 * A queue for events that no answer waits for: sign-ins, reads and refused calls. They are written in batches, so that
 * a read costs no sync of the disk; events still queued are lost if the process is killed. If the database accepts none
 * until too many are queued, calls wait.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Trail } from "../../app.ts";
import type { StoreLog } from "../../store/engine/log.ts";

/** How long an event waits for others, in milliseconds. */
const batchDelayMs = 250;
/** The number of rows per insert. */
const batch = 64;
/** The number of queued events beyond which calls wait. */
const capacity = 4_096;
/** Milliseconds between attempts while the database accepts none. */
const retryMs = 1_000;
/** How long a reader waits for queued events, in milliseconds. */
const flushMs = 2_000;

export interface RunningTrail<Event> extends Trail<Event> {
  /** Writes the queued events. Call it when no request is left. */
  stop(): Promise<void>;
}

/**
 * Starts a queue.
 * @param what a plural noun for the log
 * @param insert writes some events; may be called again with events that it has already written
 * @param take converts an event as it is added
 */
export function startTrail<Event>(
  log: StoreLog,
  what: string,
  insert: (events: readonly Event[]) => Promise<void>,
  take: (event: Event) => Event = (event) => event,
): RunningTrail<Event> {
  const waiting: Event[] = [];
  let writing: Promise<void> | undefined;
  const stopping = new AbortController();
  /** Aborted when queued events should be written at once. */
  let flushNow = new AbortController();

  /** Writes until the queue is empty. */
  const write = async () => {
    await delay(batchDelayMs, undefined, { signal: flushNow.signal, ref: false }).catch(() => {});
    flushNow = new AbortController();
    while (waiting.length > 0) {
      const some = waiting.slice(0, batch);
      try {
        await insert(some);
        waiting.splice(0, some.length);
      } catch (error) {
        log.error({ err: error, waiting: waiting.length }, `${what} could not be written`);
        if (stopping.signal.aborted) return;
        await delay(retryMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
      }
    }
  };
  const begin = () => {
    writing ??= write().finally(() => {
      writing = undefined;
      // An event may have been added after the last check.
      if (waiting.length > 0 && !stopping.signal.aborted) void begin();
    });
    return writing;
  };
  return {
    get waiting() {
      return waiting.length;
    },
    async add(event) {
      waiting.push(take(event));
      const written = begin();
      if (waiting.length > capacity) await written;
    },
    async flush() {
      if (writing === undefined) return;
      flushNow.abort();
      await Promise.race([writing, delay(flushMs, undefined, { ref: false })]);
    },
    async stop() {
      stopping.abort();
      flushNow.abort();
      await writing;
      if (waiting.length > 0) await write();
    },
  };
}
