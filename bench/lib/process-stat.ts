/** What Linux counts of a process or thread: /proc/PID/stat (proc(5)). */
import { readFileSync } from "node:fs";

/** The unit of its times, the same on every Linux. Milliseconds. */
const tickMs = 10;

export interface ProcessStat {
  /** The name of the program. */
  readonly name: string;
  /** CPU time so far in milliseconds. */
  readonly cpuMs: number;
  /** The priority that nice(1) sets. */
  readonly nice: number;
}

/** @param path such as /proc/1 or /proc/1/task/1. Throws if there is no such process. */
export function readStat(path: string): ProcessStat {
  const text = readFileSync(`${path}/stat`, "utf8");
  // The name, in parentheses, may contain anything.
  const end = text.lastIndexOf(")");
  // Fields are numbered from 1 in proc(5), and the first one here is the third: utime is the 14th, stime the 15th.
  const fields = text.slice(end + 2).split(" ");
  return {
    name: text.slice(text.indexOf("(") + 1, end),
    cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs,
    nice: Number(fields[16]),
  };
}
