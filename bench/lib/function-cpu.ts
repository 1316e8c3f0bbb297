/** The processor's time of a server, and of the functions that it runs, told apart (Linux). */
import { readdirSync, readFileSync } from "node:fs";
import { readStat } from "./process-stat.ts";

/** Threads of functions have this priority (worker-thread.ts); those of libuv, which hash and sign, have it too. */
const niceOfFunctions = 5;

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
    const { name, cpuMs, nice } = readStat(path);
    if (nice === niceOfFunctions && name !== "libuv-worker") threads += cpuMs;
    for (const child of readFileSync(`${path}/children`, "latin1").trim().split(" "))
      if (child !== "") functions += readStat(`/proc/${child}`).cpuMs;
  }
  return { server: readStat(`/proc/${pid}`).cpuMs - threads, functions: functions + threads };
}
