/**
 * Events that no answer waits for: sign-ins, reads, and calls that were refused. They are written a few at a time, so
 * that a read costs no sync of the disk; what is in hand when the process is killed is lost. When the database takes
 * none for so long that too many wait, calls wait with them.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Trail } from "../../app.ts";
import type { StoreLog } from "../../store/engine/log.ts";

/** Milliseconds an event waits for others. */
const gatherMs = 250;
/** Rows of one insert. */
const batch = 64;
/** Beyond it a call waits until there is room. */
const capacity = 4_096;
/** Milliseconds between attempts while the database takes none. */
const retryMs = 1_000;
/** Milliseconds that a reader waits for what is not yet written. */
const flushMs = 2_000;

export interface RunningTrail<Event> extends Trail<Event> {
  /** Writes what waits. Call it when no request is left. */
  stop(): Promise<void>;
}

/**
 * @param what in the plural, for the log
 * @param insert writes some events; may be asked again for events that it has written already
 * @param take what becomes of an event that is added
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
  /** Aborted when somebody wants what waits to be written now. */
  let hurry = new AbortController();

  /** Until nothing waits. */
  const write = async () => {
    await delay(gatherMs, undefined, { signal: hurry.signal, ref: false }).catch(() => {});
    hurry = new AbortController();
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
      // One may have come after the last look.
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
      hurry.abort();
      await Promise.race([writing, delay(flushMs, undefined, { ref: false })]);
    },
    async stop() {
      stopping.abort();
      hurry.abort();
      await writing;
      if (waiting.length > 0) await write();
    },
  };
}
