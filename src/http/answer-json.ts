/** JSON answers on Node's own response, for what is answered without Hono. */
import type { ServerResponse } from "node:http";

/** Answers a request with JSON, and ends it. The body is left out of an answer to HEAD. */
export function answerJson(
  outgoing: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify(value);
  const length = Buffer.byteLength(body);
  outgoing.writeHead(status, { "content-type": "application/json", "content-length": length, ...headers });
  outgoing.end(body);
}
