/**
 * The program's log on standard error: JSON lines, and on a terminal lines for people. Errors are described without
 * secrets. The lines for people are our own rather than pino-pretty's: that would be a dependency of every installation,
 * and does not escape what could control a terminal.
 */
import { type Logger, pino } from "pino";
import { describeError } from "../lib/describe-error.ts";
import { paintFor, terminalLine } from "./terminal-log.ts";

export function createLog(level: string): Logger {
  const options = { level, base: null, serializers: { err: describeError } };
  const { stderr } = process;
  if (stderr.isTTY) {
    const paint = paintFor(stderr);
    return pino(options, { write: (json: string) => void stderr.write(terminalLine(json, paint)) });
  }
  // Lines are written in batches, a few times a second: one write per call would cost as much as a query.
  const lines = pino.destination({ dest: 2, sync: false, minLength: 4096, periodicFlush: 200 });
  process.on("exit", () => lines.flushSync());
  return pino(options, lines);
}
