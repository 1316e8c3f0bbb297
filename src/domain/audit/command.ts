/** What the command line and the server itself change: each in one transaction with its event. */
import { type AuditEvent, insertAuditEvents } from "../../store/audit.ts";
import { type Db, inTransaction } from "../../store/db.ts";
import { newEvent } from "./event.ts";

type Told = Pick<AuditEvent, "operation"> & Partial<Pick<AuditEvent, "poolId" | "target" | "details">>;

/**
 * Does store calls in a transaction and records them; work that returns false has done nothing, and is not recorded.
 * @param actor `cli:<account of the operating system>`, or `system`
 */
export async function recorded<T>(
  app: { readonly db: Db; readonly random: (bytes: number) => Uint8Array; readonly clock: () => number },
  actor: string,
  work: (tx: Db) => Promise<T>,
  tell: (done: T) => Told,
): Promise<T> {
  const now = app.clock();
  return inTransaction(app.db, async (tx) => {
    const done = await work(tx);
    if (done !== false) {
      const event = newEvent({ now, random: app.random }, { actor, result: "ok", ...tell(done) });
      await insertAuditEvents(tx, [event]);
    }
    return done;
  });
}
