/**
 * Preloaded into each process of tests: writes, as it ends, the processor time of it and of the processes it has waited
 * for to `$POOLHOUSE_TEST_TIMES/<process id>`, in seconds. Linux only: elsewhere nothing is written.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.env["POOLHOUSE_TEST_TIMES"];

// The processes that a test starts are its children: they write nothing of their own.
delete process.env["POOLHOUSE_TEST_TIMES"];
if (folder !== undefined && existsSync("/proc/self/stat"))
  process.once("exit", () => {
    const [, rest = ""] = readFileSync("/proc/self/stat", "utf8").split(/\)(?= )/);
    // From the third field on: utime, stime, cutime and cstime are the 14th to 17th, in hundredths of a second (proc(5)).
    const ticks = rest.trim().split(" ").slice(11, 15).map(Number);
    const processor = ticks.reduce((sum, one) => sum + one, 0) / 100;
    writeFileSync(join(folder, `${process.pid}`), JSON.stringify({ processor, file: process.argv[1] }));
  });
