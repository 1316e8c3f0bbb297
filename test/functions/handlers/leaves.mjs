/** Starts a process, says its number, and ends without it. */
import { spawn } from "node:child_process";

export async function handler() {
  const { pid } = spawn("sleep", ["600"], { stdio: "ignore" });
  process.stdout.write(`left ${pid}\n`, () => process.exit(1));
  await new Promise(() => {});
}
