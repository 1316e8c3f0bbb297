/**
 * Hashes fill the processors by design. So that requests which need none are answered in time meanwhile, the threads of
 * libuv's pool give way to the one that runs JavaScript, where the operating system knows priorities of threads.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";

const folder = "/proc/self/task";

/** After the pool's first work, which starts its threads. Does nothing but on Linux. */
export function lowerPoolPriority(niceness: number): void {
  if (process.platform !== "linux") return;
  try {
    for (const thread of readdirSync(folder)) {
      const name = readFileSync(`${folder}/${thread}/comm`, "utf8").trim();
      if (name === "libuv-worker") setPriority(Number(thread), niceness);
    }
  } catch {
    // A thread may end meanwhile, or /proc be hidden: then they run as ever.
  }
}
