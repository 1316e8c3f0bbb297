/**
 * Runs a function as a module in a thread of this process. It has an environment and a heap of its own, and a limit of
 * time and memory, but can read what the process can: it is for code that is trusted as much as the server.
 */
import { Worker } from "node:worker_threads";
import type { FunctionSettings, ModuleFunction } from "../../lib/function-settings.ts";
import {
  type Driver,
  exited,
  exitMessage,
  type FunctionHost,
  failed,
  HandlerNotFound,
  type Invocation,
} from "./driver.ts";
import { environmentOf } from "./environment.ts";
import type { FunctionError } from "./functions.ts";
import type { FunctionFacts } from "./handler.ts";
import { logOutput } from "./output.ts";
import { createPool, type Runner } from "./pool.ts";

export interface ThreadData {
  readonly file: string;
  readonly handler: string;
  readonly facts: FunctionFacts;
  readonly outputBytes: number;
}

export interface ToThread {
  readonly id: string;
  readonly arn: string;
  readonly deadline: number;
  readonly event: string;
}

export type FromThread =
  | { readonly loaded: readonly string[] }
  | { readonly notLoaded: string; readonly missing: boolean }
  | { readonly answer: string }
  | { readonly failed: string; readonly type: string }
  | { readonly died: string };

/** The built program is JavaScript. */
const program = new URL(
  import.meta.url.endsWith(".ts") ? "./worker-thread.ts" : "./worker-thread.js",
  import.meta.url,
);

/** What a call may print, before the lines are counted. */
const outputBytes = 256 * 1024;

export function createDriver(settings: FunctionSettings & ModuleFunction, host: FunctionHost): Driver {
  return createPool(() => startThread(settings, host), settings, host);
}

function startThread(settings: FunctionSettings & ModuleFunction, host: FunctionHost): Runner {
  const { name, file, handler, memoryMb } = settings;
  const worker = new Worker(program, {
    name,
    env: environmentOf(settings, host),
    argv: [],
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: Math.min(16, memoryMb) },
    workerData: { file, handler, facts: { name, memoryMb }, outputBytes } satisfies ThreadData,
  });
  worker.unref();
  const output = logOutput(host.log, name, [worker.stdout, worker.stderr]);
  const ready = Promise.withResolvers<readonly string[]>();
  ready.promise.catch(() => {});
  let call: { readonly id: string; resolve(answer: string): void; reject(error: Error): void } | undefined;
  let ended = false;
  /** Why the thread ended, if it said so. */
  let reason: string | undefined;
  const fail = (error: FunctionError) => {
    ready.reject(error);
    call?.reject(error);
  };
  worker.on("message", (message: FromThread) => {
    if ("loaded" in message) ready.resolve(message.loaded);
    else if ("notLoaded" in message) {
      fail(message.missing ? new HandlerNotFound(message.notLoaded) : failed(message.notLoaded));
      void worker.terminate();
    } else if ("answer" in message) call?.resolve(message.answer);
    else if ("failed" in message) call?.reject(failed(message.failed, message.type));
    else reason = message.died;
  });
  worker.on("error", (error: NodeJS.ErrnoException) => {
    const killed = error.code === "ERR_WORKER_OUT_OF_MEMORY";
    reason = killed ? exitMessage(call?.id ?? "", null, "killed") : error.message;
  });
  worker.on("exit", (code) => {
    ended = true;
    fail(exited(reason ?? exitMessage(call?.id ?? "", code)));
  });
  return {
    ready: ready.promise,
    get ended() {
      return ended;
    },
    run: ({ id, arn, deadline, event }: Invocation) => {
      output.begin(id);
      const answered = Promise.withResolvers<string>();
      call = { id, ...answered };
      worker.postMessage({ id, arn, deadline, event } satisfies ToThread);
      return answered.promise;
    },
    end: async () => {
      ended = true;
      await worker.terminate();
    },
  };
}
