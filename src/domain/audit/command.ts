/** What the command line and the server itself change: each with its event, in the same transaction. */
import { type AuditEvent, insertAuditEvents } from "../../store/audit.ts";
import { type Db, inTransaction } from "../../store/db.ts";
import { newEvent } from "./event.ts";

/** Who has a database at hand and no request. */
interface Program {
  readonly db: Db;
  readonly random: (bytes: number) => Uint8Array;
  readonly clock: () => number;
}

export type CommandEvent = Pick<AuditEvent, "operation"> &
  Partial<Pick<AuditEvent, "poolId" | "target" | "details">>;

/**
 * Does store calls in a transaction and records them; work that returns false has done nothing, and is not recorded.
 * @param actor `cli:<account of the operating system>`, or `system`
 */
export async function recorded<T>(
  app: Program,
  actor: string,
  work: (tx: Db) => Promise<T>,
  tell: (done: T) => CommandEvent,
): Promise<T> {
  return inTransaction(app.db, async (tx) => {
    const done = await work(tx);
    if (done !== false) await insertAuditEvents(tx, [eventOf(app, actor, tell(done))]);
    return done;
  });
}

/** The same for store functions that begin a transaction of their own: each transaction on this handle is recorded. */
export function recordingCommand(app: Program, actor: string, told: CommandEvent): Db {
  const companion = {
    write: (tx: Db) => insertAuditEvents(tx, [eventOf(app, actor, told)]),
    committed: () => {},
  };
  return { ...app.db, companion };
}

function eventOf(app: Program, actor: string, told: CommandEvent): AuditEvent {
  return newEvent({ now: app.clock(), random: app.random }, { actor, result: "ok", ...told });
}
