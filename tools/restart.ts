/** For `npm run dev`: watches a folder of sources, and restarts a process when one of them changes. */
import type { ChildProcess } from "node:child_process";
import { type FSWatcher, readdirSync, statSync, watch } from "node:fs";
import { join, relative, sep } from "node:path";

/** What the program reads; the temporary files and backups of editors have other endings. */
const source = /\.(?:ts|js|css)$/;

/** One save is several events, and a change of branch many files. Milliseconds without an event. */
const quietMs = 100;

/**
 * Reports each change of a source below a folder. It watches folders, not files: a file that is replaced by another
 * (most editors save so, and git checks out so) is a change of its folder, and would be lost to a watcher of the file.
 */
export function watchSources(root: string, changed: (path: string) => void): { close(): void } {
  const watchers = new Map<string, FSWatcher>();
  const forget = (folder: string) => {
    for (const [path, watcher] of watchers) {
      if (path !== folder && !path.startsWith(folder + sep)) continue;
      watcher.close();
      watchers.delete(path);
    }
  };
  const add = (folder: string) => {
    if (watchers.has(folder)) return;
    try {
      const watcher = watch(folder, (event, name) =>
        seen(event, name === null ? folder : join(folder, name)),
      );
      watcher.on("error", () => forget(folder));
      watchers.set(folder, watcher);
      // Listed once it is watched, so that no folder made meanwhile is missed.
      for (const entry of readdirSync(folder, { withFileTypes: true }))
        if (entry.isDirectory()) add(join(folder, entry.name));
    } catch (error) {
      // It is gone already.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || folder === root) throw error;
      forget(folder);
    }
  };
  const seen = (event: string, path: string) => {
    if (event === "rename") {
      const wasFolder = watchers.has(path);
      const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
      if (wasFolder) forget(path);
      if (isFolder) add(path);
      if (wasFolder || isFolder) return changed(path);
    }
    if (source.test(path)) changed(path);
  };
  add(root);
  return {
    close: () => {
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

export interface Restarted {
  /** The folder of its sources. */
  readonly folder: string;
  readonly start: () => ChildProcess;
  /** Tells the developer what happens. */
  readonly say: (text: string) => void;
}

/**
 * Starts a process, and again whenever a source has changed: it is asked to end first, unless it has ended by itself, as
 * by a mistake in a source. `stop` passes a signal on, and resolves with the exit code once the process has ended.
 */
export function keepRunning({ folder, start, say }: Restarted): {
  stop(signal: NodeJS.Signals): Promise<number>;
} {
  let running: ChildProcess | undefined;
  let ending = false;
  let stopped: ((code: number) => void) | undefined;
  const run = () => {
    ending = false;
    running = start();
    running.once("exit", (code, signal) => {
      running = undefined;
      if (stopped !== undefined) stopped(code ?? 0);
      else if (ending) run();
      else say(`Ended with ${signal ?? code}. Starts again when a file changes.`);
    });
  };
  const restart = (path: string) => {
    say(`${relative(folder, path)} has changed: starting again.`);
    if (running === undefined) return run();
    ending = true;
    running.kill("SIGTERM");
  };
  let quiet: NodeJS.Timeout | undefined;
  const sources = watchSources(folder, (path) => {
    clearTimeout(quiet);
    // While it ends there is nothing to do: it starts with the sources as they are then.
    if (!ending) quiet = setTimeout(restart, quietMs, path);
  });
  run();
  return {
    stop(signal) {
      clearTimeout(quiet);
      sources.close();
      return new Promise((resolve) => {
        stopped = resolve;
        if (running === undefined) resolve(0);
        else running.kill(signal);
      });
    },
  };
}
