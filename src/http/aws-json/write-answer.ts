/** Writes the answer of a call of AWS JSON 1.1 in as few steps as Node offers. */
import type { ServerResponse } from "node:http";
import { apiCors } from "../headers.ts";
import type { JsonAnswer } from "../json-errors.ts";

const cors = Object.entries(apiCors).flat();

/**
 * Writes headers and body together.
 * @param facts `date`: an HTTP date. SDKs correct their clock by it, so it comes from the clock that signatures are checked against
 * @param sent called once all of it was handed to the connection
 */
export function writeAnswer(
  outgoing: ServerResponse,
  { requestId, date }: { readonly requestId: string; readonly date: string },
  { status, headers, body }: JsonAnswer,
  sent?: () => void,
): void {
  const length = Buffer.byteLength(body);
  const lines = [
    "content-type",
    "application/x-amz-json-1.1",
    "content-length",
    String(length),
    "x-amzn-requestid",
    requestId,
    "cache-control",
    "no-store",
    "date",
    date,
    ...cors,
  ];
  for (const name in headers) lines.push(name, headers[name]!);
  outgoing.writeHead(status, lines);
  // Nearly all are ASCII, which is written faster if Node is told so.
  outgoing.end(body, length === body.length ? "latin1" : "utf8", sent);
}
