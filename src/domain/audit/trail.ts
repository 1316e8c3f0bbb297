/**
 * A queue for events that no answer waits for: sign-ins, reads and refused calls. They are written in batches, so that
 * a read costs no sync of the disk; events still queued are lost if the process is killed. If the database accepts none of
 * a pool until too many are queued, calls of that pool wait.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Trail } from "../../app.ts";
import type { StoreLog } from "../../store/engine/log.ts";
import { Pools } from "./pools.ts";

/** How long an event waits for others, in milliseconds. */
const batchDelayMs = 250;
/** How long a reader waits for queued events, in milliseconds. */
const flushMs = 2_000;

export interface RunningTrail<Event> extends Trail<Event> {
  /** Writes the queued events. Call it when no request is left. */
  stop(): Promise<void>;
}

/** What a queue holds, and how it is written. */
interface TrailOptions<Event> {
  /** A plural noun for the log. */
  readonly what: string;
  /** The pool that an event is about. Pools that cannot be written do not keep others waiting. */
  poolOf(event: Event): string;
  /** Writes some events of one pool, all or none; may be called again with events that it has already written. */
  insert(events: readonly Event[]): Promise<void>;
  /** Converts an event as it is added. */
  take?(event: Event): Event;
}

/** Starts a queue. */
export function startTrail<Event>(
  log: StoreLog,
  { what, poolOf, insert, take = (event) => event }: TrailOptions<Event>,
): RunningTrail<Event> {
  const pools = new Pools<Event>();
  let writing: Promise<void> | undefined;
  const stopping = new AbortController();
  /** Aborted when queued events should be written at once. */
  let flushNow = new AbortController();

  /** Writes until the queue is empty. */
  const write = async () => {
    await delay(batchDelayMs, undefined, { signal: flushNow.signal, ref: false }).catch(() => {});
    flushNow = new AbortController();
    while (pools.waiting > 0) {
      const ready = pools.ready();
      if (ready.length === 0 && stopping.signal.aborted) return;
      if (ready.length === 0) await pools.pause;
      for (const pool of ready) {
        const failure = await pools.write(pool, insert, stopping.signal);
        if (failure !== undefined)
          log.error({ err: failure, waiting: pools.waiting, pool }, `${what} could not be written`);
      }
    }
  };
  const begin = () => {
    writing ??= write().finally(() => {
      writing = undefined;
      // An event may have been added after the last check.
      if (pools.waiting > 0 && !stopping.signal.aborted) void begin();
    });
    return writing;
  };
  return {
    get waiting() {
      return pools.waiting;
    },
    async add(event) {
      const pool = poolOf(event);
      pools.add(pool, take(event));
      void begin();
      while (pools.isFull(pool) && !stopping.signal.aborted) await pools.nextWrite(pool);
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
      pools.retryAll();
      if (pools.waiting > 0) await write();
      pools.letAllGo();
    },
  };
}
