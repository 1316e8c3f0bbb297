/** What a handler prints, as lines of the log under the function's name. */
import type { Readable } from "node:stream";
import type { FunctionLog } from "./driver.ts";

/** How many lines a call may print, and how many characters of a line are kept. */
const linesPerCall = 500;
const lineLength = 4096;

export interface Output {
  /** Begins another call, which may print as much as the former. */
  begin(requestId: string): void;
}

/** Logs what the streams say. Whatever exceeds a call's share is read and left out. */
export function logOutput(log: FunctionLog, name: string, streams: readonly Readable[]): Output {
  let left = linesPerCall;
  let requestId: string | undefined;
  const fields = () => ({ function: name, ...(requestId !== undefined && { requestId }) });
  const line = (text: string) => {
    if (left < 0 || text === "") return;
    left -= 1;
    if (left < 0) log.warn(fields(), `further output of this call is left out (${linesPerCall} lines)`);
    else log.info(fields(), text.slice(0, lineLength));
  };
  for (const stream of streams) {
    let begun = "";
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      if (left < 0) return;
      const parts = (begun + chunk).split(/\r?\n/, linesPerCall + 2);
      // A line without an end is kept up to the length that is shown of it.
      begun = parts.pop()!.slice(0, lineLength);
      for (const part of parts) line(part);
    });
    stream.on("end", () => line(begun));
    stream.on("error", () => {});
  }
  return {
    begin: (id) => {
      left = linesPerCall;
      requestId = id;
    },
  };
}
