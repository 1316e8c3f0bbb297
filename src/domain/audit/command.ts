/** Audit events for changes by the command line and by the server itself, written in the transaction of the change. */
import { type AuditEvent, insertAuditEvents } from "../../store/audit.ts";
import { type Db, inTransaction } from "../../store/db.ts";
import { newEvent } from "./event.ts";

/** A program with a database but no request. */
interface Program {
  readonly db: Db;
  readonly random: (bytes: number) => Uint8Array;
  readonly clock: () => number;
}

export type CommandEvent = Pick<AuditEvent, "operation"> &
  Partial<Pick<AuditEvent, "poolId" | "target" | "details">>;

/**
 * Runs store calls in a transaction and records them; if the work returns false, it has done nothing and is not
 * recorded.
 * @param actor `cli:<operating system account>`, or `system`
 */
export async function recorded<T>(
  app: Program,
  actor: string,
  work: (tx: Db) => Promise<T>,
  describe: (done: T) => CommandEvent,
): Promise<T> {
  return inTransaction(app.db, async (tx) => {
    const done = await work(tx);
    if (done !== false) await insertAuditEvents(tx, [eventOf(app, actor, describe(done))]);
    return done;
  });
}

/** A database handle whose transactions are all recorded, for store functions that start their own. */
export function recordingCommand(app: Program, actor: string, event: CommandEvent): Db {
  const companion = {
    write: (tx: Db) => insertAuditEvents(tx, [eventOf(app, actor, event)]),
    committed: () => {},
  };
  return { ...app.db, companion };
}

function eventOf(app: Program, actor: string, event: CommandEvent): AuditEvent {
  return newEvent({ now: app.clock(), random: app.random }, { actor, result: "ok", ...event });
}
