/**
 * Runs a function in a process of its own, which speaks Lambda's Runtime API: our own programs for Node.js and Python, or
 * any other that does. It gets no more of the server's environment than PATH, but has the rights of the server's user.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, isAbsolute, join } from "node:path";
import type { ChildFunction, FunctionSettings } from "../../lib/function-settings.ts";
import type { SystemUser } from "../../lib/system-user.ts";
import { type Driver, exited, exitMessage, type FunctionHost, failed, NotReadable } from "./driver.ts";
import { environmentOf } from "./environment.ts";
import { FunctionError } from "./functions.ts";
import { logOutput } from "./output.ts";
import { createPool, type Runner } from "./pool.ts";
import { createRuntimeApi } from "./runtime-api.ts";

type Settings = FunctionSettings & ChildFunction;

export function createDriver(given: Settings, host: FunctionHost): Driver {
  const settings = { ...given, user: given.user ?? host.childUser };
  const pool = createPool(() => startProcess(settings, host), settings, host);
  return {
    ...pool,
    check: async () => {
      const { user, file, command } = settings;
      if (user !== undefined) {
        const program = command === undefined ? commandOf(settings).filter(isAbsolute) : [];
        for (const path of [file, ...program]) await requireReadable(path, user);
      }
      await pool.check();
    },
  };
}

/** Throws NotReadable unless the user may read a file. Only the system knows, so it is asked as that user. */
async function requireReadable(path: string, user: SystemUser): Promise<void> {
  const asked = spawn("/bin/sh", ["-c", 'test -r "$1"', "sh", path], { ...user, stdio: "ignore" });
  const [code] = await once(asked, "exit");
  if (code !== 0) throw new NotReadable(path, user);
}

/** The program that runs the handler, with its arguments. The built program is JavaScript. */
function commandOf({ runtime, command, file, handler, memoryMb }: Settings): readonly string[] {
  if (command !== undefined) return command;
  const here = import.meta.dirname;
  if (runtime === "python") return ["python3", join(here, "python", "bootstrap.py"), file, handler];
  const program = join(here, import.meta.filename.endsWith(".ts") ? "child-node.ts" : "child-node.js");
  return [process.execPath, `--max-old-space-size=${memoryMb}`, program, file, handler];
}

function startProcess(settings: Settings, host: FunctionHost): Runner {
  const api = createRuntimeApi(settings.command === undefined);
  const gone = Promise.withResolvers<void>();
  let ended = false;
  let child: ChildProcess | undefined;
  let begin: (id: string) => void = () => {};

  const over = (error: FunctionError) => {
    ended = true;
    api.fail(error);
    api.close();
    gone.resolve();
  };
  const start = async () => {
    const address = await api.listen();
    if (ended) return over(failed("The server is closing."));
    const [program = "", ...argv] = commandOf(settings);
    const started = spawn(program, argv, {
      cwd: dirname(settings.file),
      env: { ...environmentOf(settings, host), AWS_LAMBDA_RUNTIME_API: address },
      stdio: ["ignore", "pipe", "pipe"],
      ...settings.user,
      // A group of its own, which is ended with it.
      detached: true,
    });
    child = started;
    const output = logOutput(host.log, settings.name, [started.stdout, started.stderr]);
    begin = output.begin;
    started.once("error", (cause) => over(notStarted(cause)));
    started.once("exit", (code, signal) => {
      // What it has started ends with it; later the number may be another group's.
      if (started.pid !== undefined) killGroup(started.pid);
      child = undefined;
      over(exited(exitMessage(api.running ?? "", code, signal && (signals[signal] ?? signal))));
    });
  };
  start().catch((error: Error) => over(notStarted(error)));

  return {
    ready: api.ready.then(() => [settings.file]),
    get ended() {
      return ended;
    },
    run: (invocation) => {
      begin(invocation.id);
      return api.run(invocation);
    },
    end: async () => {
      ended = true;
      if (child?.pid !== undefined) killGroup(child.pid);
      await gone.promise;
    },
  };
}

/** Signals as Lambda words them. */
const signals: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGABRT: "aborted",
  SIGKILL: "killed",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
};

function notStarted(cause: Error): FunctionError {
  const error = new FunctionError("unreachable", "InvalidRuntimeException");
  error.cause = cause;
  return error;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
