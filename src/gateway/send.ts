/** Answers of the gateway itself, written to Node's responses. */
import type { IncomingMessage, ServerResponse } from "node:http";

/** Writes an answer. */
export async function send(
  { method }: IncomingMessage,
  outgoing: ServerResponse,
  response: Response,
): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer());
  const headers = [...response.headers].filter(([name]) => name !== "set-cookie");
  outgoing.writeHead(response.status, [
    ...headers.flat(),
    ...response.headers.getSetCookie().flatMap((cookie) => ["set-cookie", cookie]),
    ...(response.status === 204 || response.status === 304 ? [] : ["content-length", String(body.length)]),
  ]);
  outgoing.end(method === "HEAD" ? undefined : body);
}

/** Lets a client send the body that it has announced (RFC 9110 section 10.1.1), now that somebody wants it. */
export function goOn({ headers }: IncomingMessage, outgoing: ServerResponse): void {
  if (headers.expect !== undefined && !outgoing.headersSent) outgoing.writeContinue();
}
