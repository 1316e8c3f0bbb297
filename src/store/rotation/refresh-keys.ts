/** Keeps a server's data keys up to date while another process rotates them (rotate-data-key.ts). */
import type { StoreLog } from "../engine/log.ts";
import type { OpenedDatabase } from "../open.ts";

/** The interval at which a server reloads the data keys, with one small query. Milliseconds. */
export const refreshEvery = 20_000;

export function startKeyRefresh(
  opened: Pick<OpenedDatabase, "refreshKeys">,
  log: StoreLog,
): { stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = opened
      .refreshKeys()
      .catch((error: unknown) => log.error({ err: error }, "The data keys could not be read anew."));
  }, refreshEvery);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
