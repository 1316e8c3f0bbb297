/** Requests that Node.js does not read: above all those with more cookies than it accepts. */
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { page } from "./pages.ts";

/** Node's own statuses for its errors; any other is 400. */
const statuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Headers of more than 16 KB cannot be read, so that nothing can be said to a browser but what to do. */
const tooLarge = {
  status: 431,
  title: "Too many cookies",
  text: "Your browser sends more cookies to this site than can be read. Remove the cookies of this site, then try again.",
};

/** For a server's `clientError`. What is under way on the connection is not disturbed, as Node.js itself does. */
export async function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): Promise<void> {
  const underWay = (socket as { readonly _httpMessage?: { readonly headersSent?: boolean } | null })
    ._httpMessage;
  if (error.code === "ECONNRESET" || !socket.writable || underWay?.headersSent) return void socket.destroy();
  const status = statuses[error.code ?? ""] ?? 400;
  const shown = status === 431 ? page(tooLarge) : new Response("", { status });
  const headers = [...shown.headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const body = await shown.text();
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}connection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
