/**
 * Records when access keys were last used, for `poolhouse keys list`. A signed call records it in memory, and each
 * server writes it once an hour per key, so that the call itself costs no query.
 */
import type { App, Ctx } from "../../app.ts";
import { CacheKind } from "../../lib/caches.ts";
import { noteAccessKeyUse } from "../../store/access-keys.ts";

const lookEvery = 60_000;
const writeEvery = 60 * 60_000;

/** By access key, when it was last used. */
const keyUses = new CacheKind<number>(10_000);

export function noteUse(ctx: Ctx, accessKeyId: string): void {
  ctx.app.caches.of(keyUses).set(accessKeyId, ctx.now);
}

export interface UseWriter {
  /** Writes what is due. */
  turn(): Promise<void>;
  /** Writes everything not written yet. */
  stop(): Promise<void>;
}

export function startUseWriter(app: Pick<App, "db" | "clock" | "caches" | "log">): UseWriter {
  const uses = app.caches.of(keyUses);
  const written = new Map<string, number>();
  const write = async (isDue: (id: string) => boolean) => {
    for (const [id, usedAt] of [...uses]) {
      if (!isDue(id)) continue;
      uses.delete(id);
      written.set(id, app.clock());
      await noteAccessKeyUse(app.db, id, usedAt);
    }
  };
  const turn = () =>
    write((id) => app.clock() - (written.get(id) ?? Number.NEGATIVE_INFINITY) >= writeEvery).catch(
      (error: unknown) => app.log.warn({ err: error }, "noting the use of access keys failed"),
    );
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = turn();
  }, lookEvery);
  timer.unref();
  return {
    turn,
    stop: async () => {
      clearInterval(timer);
      await running;
      await write(() => true).catch(() => {});
    },
  };
}
