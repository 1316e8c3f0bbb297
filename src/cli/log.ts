/** The program's log: JSON lines to the standard error, errors described without secrets. */
import { type Logger, pino } from "pino";
import { describeError } from "../lib/describe-error.ts";

export function createLog(level: string): Logger {
  return pino(
    { level, base: null, serializers: { err: describeError } },
    pino.destination({ dest: 2, sync: false }),
  );
}
