/** Threads or processes that have loaded a handler, and are kept for its next calls. */
import { statSync } from "node:fs";
import type { CommonSettings } from "../../lib/function-settings.ts";
import { type Driver, type FunctionHost, type Invocation, NotBegun } from "./driver.ts";
import { FunctionError } from "./functions.ts";

/** A thread or process that loads a handler and then runs one call at a time. */
export interface Runner {
  /** Resolves with the files that were loaded once it can run a call. */
  readonly ready: Promise<readonly string[]>;
  readonly ended: boolean;
  run(invocation: Invocation): Promise<string>;
  end(): Promise<void>;
}

/** How long loading a handler may take, at least: as with Lambda. */
const loadingMs = 10_000;
/** How long runners are kept that no call has needed. */
const keptMs = 5 * 60_000;

interface Kept {
  readonly runner: Runner;
  /** Its `ready`, or why it took too long. */
  readonly ready: Promise<unknown>;
  files: readonly string[];
  /** What the files were when they were loaded. */
  stamp: string;
}

/** Starts runners as calls need them; each runs until it fails, takes too long or is no longer needed. */
export function createPool(
  start: () => Runner,
  settings: CommonSettings & { readonly file: string },
  host: Pick<FunctionHost, "reload">,
): Driver {
  const runners = keepRunners(start, settings, host);
  const { timeoutMs } = settings;
  let closed = false;

  const runIn = async (kept: Kept, invocation: Invocation): Promise<string> => {
    const late = Promise.withResolvers<never>();
    let running = false;
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      // One that is still loading may answer the next attempt.
      if (running) void runners.drop(kept);
      late.reject(new FunctionError("late", `Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`));
    }, invocation.deadline - Date.now());
    const work = async () => {
      await kept.ready;
      if (expired) return late.promise;
      running = true;
      return kept.runner.run(invocation);
    };
    try {
      return await Promise.race([work(), late.promise]);
    } finally {
      clearTimeout(timer);
      runners.giveBack(kept);
    }
  };

  return {
    run: async (invocation) => {
      for (;;) {
        if (closed) throw new FunctionError("unreachable", "ServiceException");
        try {
          return await runIn(runners.take(), invocation);
        } catch (error) {
          if (!(error instanceof NotBegun)) throw error;
        }
      }
    },
    check: async () => {
      const kept = runners.take();
      await kept.ready;
      runners.giveBack(kept);
    },
    close: () => {
      closed = true;
      return runners.close();
    },
  };
}

/** The runners of one function. */
function keepRunners(
  start: () => Runner,
  { file, timeoutMs }: CommonSettings & { readonly file: string },
  { reload }: Pick<FunctionHost, "reload">,
) {
  const all = new Set<Kept>();
  /** Runners that run no call. Some may still be loading. */
  const idle: Kept[] = [];
  const drop = (kept: Kept) => {
    all.delete(kept);
    return kept.runner.end();
  };
  const surplus = watchSurplus(idle, drop);

  const begin = (): Kept => {
    const runner = start();
    const slow = Promise.withResolvers<never>();
    const ready = Promise.race([runner.ready, slow.promise]);
    ready.catch(() => {});
    const kept: Kept = { runner, ready, files: [file], stamp: stampOf([file], reload) };
    all.add(kept);
    const limitMs = Math.max(loadingMs, timeoutMs);
    const limit = setTimeout(() => {
      // Before it is ended: whatever an interrupted module then throws would be misleading.
      slow.reject(new FunctionError("late", `loading it took more than ${limitMs / 1000} seconds`));
      void drop(kept);
    }, limitMs);
    const loaded = (files: readonly string[]) => {
      kept.files = files;
      kept.stamp += stampOf(files.slice(1), reload);
    };
    void kept.runner.ready.then(loaded, () => drop(kept)).finally(() => clearTimeout(limit));
    return kept;
  };
  return {
    drop,
    take: (): Kept => {
      for (let kept = idle.pop(); kept !== undefined; kept = idle.pop()) {
        surplus.taken();
        if (!kept.runner.ended && kept.stamp === stampOf(kept.files, reload)) return kept;
        void drop(kept);
      }
      return begin();
    },
    giveBack: (kept: Kept) => {
      if (!all.has(kept)) return;
      if (kept.runner.ended) return void drop(kept);
      idle.push(kept);
      surplus.returned();
    },
    close: async () => {
      surplus.stop();
      await Promise.all([...all].map(drop));
    },
  };
}

/** Drops those that were idle for a whole period, one excepted. */
function watchSurplus(idle: Kept[], drop: (kept: Kept) => unknown) {
  let fewest = 0;
  let timer: NodeJS.Timeout | undefined;
  const period = () => {
    for (const kept of idle.splice(0, Math.min(fewest, idle.length - 1))) drop(kept);
    fewest = idle.length;
    timer = idle.length > 1 ? setTimeout(period, keptMs).unref() : undefined;
  };
  return {
    taken: () => {
      fewest = Math.min(fewest, idle.length);
    },
    returned: () => {
      if (idle.length > 1) timer ??= setTimeout(period, keptMs).unref();
    },
    stop: () => clearTimeout(timer),
  };
}

/** What changes when one of the files does; the same for all if nobody cares. */
function stampOf(files: readonly string[], reload: boolean): string {
  if (!reload) return "";
  const stamps = files.map((file) => {
    const stats = statSync(file, { throwIfNoEntry: false });
    return `${stats?.ino} ${stats?.size} ${stats?.mtimeMs};`;
  });
  return stamps.join("");
}
