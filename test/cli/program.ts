/** The program as a process of its own. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "..", "..");
const main = join(root, "src", "main.ts");
/** As the runner of the tests has it: what Node compiles is kept for the next process. */
const kept = { NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "poolhouse") };

/** Runs a command to its end. Rejects with `code`, `stdout` and `stderr` when it fails. */
export const run = (...argv: string[]) => runMain(main, ...argv);

/** As `run`, by another copy of src/main.ts. */
export const runMain = (...argv: string[]) => promisify(execFile)(process.execPath, argv);

/** The same with an environment; what the command printed and how it ended, whichever way. */
export function runWith(
  env: Readonly<Record<string, string>>,
  ...argv: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [main, ...argv],
      { env: { PATH: process.env["PATH"], ...kept, ...env } },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

/** Starts a command and resolves with what it printed once that matches. */
export async function start(
  until: RegExp,
  ...argv: string[]
): Promise<{ process: ChildProcess; output: string }> {
  const child = spawn(process.execPath, [main, ...argv], { stdio: ["ignore", "pipe", "ignore"] });
  let output = "";
  // Not `for await`, which would close the pipe that the command goes on writing to.
  const printed = new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (chunk) => {
      output += chunk;
      if (until.test(output)) resolve();
    });
    child.once("exit", () => reject(new Error(`the command ended: ${output}`)));
  });
  await printed;
  return { process: child, output };
}

/** Starts the server and waits for its line. */
export async function serve(
  ...argv: string[]
): Promise<{ process: ChildProcess; url: string; output: string }> {
  const ready = /^Poolhouse ready at (\S+).*\n/m;
  const started = await start(ready, "serve", "--port", "0", ...argv);
  return { ...started, url: ready.exec(started.output)![1]! };
}

/** Ends a process and answers its exit code. */
export async function stop(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
  child.kill(signal);
  const [code] = await once(child, "exit");
  return code;
}
