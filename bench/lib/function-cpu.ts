/** The processor's time of a server, and of the functions that it runs, told apart (Linux). */
import { readdirSync, readFileSync } from "node:fs";

/** Milliseconds of a tick in /proc. */
const tick = 10;
/** Threads of functions have this priority (worker-thread.ts); those of libuv, which hash and sign, have it too. */
const niceOfFunctions = 5;
const isOfLibuv = (path: string) => readFileSync(`${path}/comm`, "latin1").trim() === "libuv-worker";

/** `utime + stime` in milliseconds, and the priority. */
function statOf(path: string): { ms: number; nice: number } {
  const text = readFileSync(path, "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { ms: (Number(fields[11]) + Number(fields[12])) * tick, nice: Number(fields[16]) };
}

export interface ProcessorTime {
  readonly server: number;
  readonly functions: number;
}

/** Milliseconds since the server's start; of child processes only those that run now. */
export function processorTime(pid: number): ProcessorTime {
  let functions = 0;
  let threads = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const path = `/proc/${pid}/task/${thread}`;
    const { ms, nice } = statOf(`${path}/stat`);
    if (nice === niceOfFunctions && !isOfLibuv(path)) threads += ms;
    for (const child of readFileSync(`${path}/children`, "latin1").trim().split(" "))
      if (child !== "") functions += statOf(`/proc/${child}/stat`).ms;
  }
  return { server: statOf(`/proc/${pid}/stat`).ms - threads, functions: functions + threads };
}
