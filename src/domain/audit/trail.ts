/**
 * Events that no answer waits for: reads, sign-ins through AdminInitiateAuth, and calls that were refused. They are
 * written a few at a time, so that a read costs no sync of the disk; what is in hand when the process is killed is lost.
 * When the database takes none for so long that too many wait, calls wait with them.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { AuditTrail } from "../../app.ts";
import type { AuditEvent } from "../../store/audit.ts";
import { insertAuditEvents } from "../../store/audit.ts";
import type { Db } from "../../store/db.ts";
import type { StoreLog } from "../../store/log.ts";

/** Milliseconds an event waits for others. */
const gatherMs = 250;
/** Rows of one insert. */
const batch = 64;
/** Beyond it a call waits until there is room. */
const capacity = 4_096;
/** Milliseconds between attempts while the database takes none. */
const retryMs = 1_000;

export interface RunningTrail extends AuditTrail {
  /** Writes what waits. Call it when no request is left. */
  stop(): Promise<void>;
}

export function startAuditTrail(db: Db, log: StoreLog): RunningTrail {
  const waiting: AuditEvent[] = [];
  let writing: Promise<void> | undefined;
  const stopping = new AbortController();

  /** Until nothing waits. */
  const write = async () => {
    await delay(gatherMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    while (waiting.length > 0) {
      const some = waiting.slice(0, batch);
      try {
        await insertAuditEvents(db, some);
        waiting.splice(0, some.length);
      } catch (error) {
        log.error({ err: error, waiting: waiting.length }, "audit events could not be written");
        if (stopping.signal.aborted) return;
        await delay(retryMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
      }
    }
  };
  const begin = () => {
    writing ??= write().finally(() => {
      writing = undefined;
      // One may have come after the last look.
      if (waiting.length > 0 && !stopping.signal.aborted) begin();
    });
    return writing;
  };
  return {
    get waiting() {
      return waiting.length;
    },
    async add(event) {
      waiting.push(event);
      const written = begin();
      if (waiting.length > capacity) await written;
    },
    async stop() {
      stopping.abort();
      await writing;
      if (waiting.length > 0) await write();
    },
  };
}
