/** The program's log: JSON lines on standard error; errors are described without secrets. */
import { type Logger, pino } from "pino";
import { describeError } from "../lib/describe-error.ts";

export function createLog(level: string): Logger {
  // Lines are written in batches, a few times a second: one write per call would cost as much as a query.
  const lines = pino.destination({ dest: 2, sync: false, minLength: 4096, periodicFlush: 200 });
  process.on("exit", () => lines.flushSync());
  return pino({ level, base: null, serializers: { err: describeError } }, lines);
}
