/**
 * Lowers the priority of libuv's pool threads below that of the JavaScript thread, where the operating system supports
 * it: hashes use all processors, and other requests should still be answered quickly.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";

const folder = "/proc/self/task";

/** Called after the pool's first work, which starts its threads. Only has an effect on Linux. */
export function lowerPoolPriority(niceness: number): void {
  if (process.platform !== "linux") return;
  try {
    for (const thread of readdirSync(folder)) {
      const name = readFileSync(`${folder}/${thread}/comm`, "utf8").trim();
      if (name === "libuv-worker") setPriority(Number(thread), niceness);
    }
  } catch {
    // A thread may have ended, or /proc may be hidden: priorities then stay as they are.
  }
}
