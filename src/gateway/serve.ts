/** The gateway as a server of its own: its endpoints, the check for other proxies, and the way to applications. */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { Duplex } from "node:stream";
import { answerCheck } from "./check.ts";
import { createForwarder, type Forwarder } from "./forward.ts";
import type { Gateway } from "./gateway.ts";
import type { Log } from "./log.ts";
import { type Received, requestReader, UnclearRequest } from "./node-request.ts";
import { answerRefused } from "./refused.ts";
import { isAllowedHost } from "./return-url.ts";

interface Serving {
  readonly gateway: Gateway;
  readonly forwarder: Forwarder;
  readonly read: (incoming: IncomingMessage) => Received;
  readonly log: Log;
}

/** A server that is not yet listening. */
export function createGatewayServer(gateway: Gateway, log: Log): Server {
  const { trustedProxies } = gateway.settings;
  const serving: Serving = {
    gateway,
    log,
    forwarder: createForwarder(gateway, log),
    read: requestReader(trustedProxies),
  };
  // An upload may take its time, once its headers are there.
  const server = createServer({ headersTimeout: 20_000, requestTimeout: 0, keepAliveTimeout: 65_000 });
  server.on("request", (incoming, outgoing) => {
    answer(serving, incoming, outgoing).catch((error: unknown) => fail(serving, outgoing, error));
  });
  server.on("upgrade", (incoming, socket, head) => {
    upgrade(serving, incoming, socket, head).catch((error: unknown) => {
      log.error({ detail: String(error) }, "A WebSocket failed.");
      refuseUpgrade(socket, 500);
    });
  });
  return server;
}

async function answer(
  { gateway, forwarder, read }: Serving,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const received = read(incoming);
  const own =
    (await answerCheck(gateway, received)) ??
    (await gateway.answer(received, (most) => readBody(incoming, most)));
  if (own !== undefined) return send(outgoing, own, incoming.method === "HEAD");
  const decision = await gateway.admit(received);
  switch (decision.kind) {
    case "sign-in":
      outgoing.writeHead(302, { location: decision.location, "cache-control": "no-store" }).end();
      return;
    case "refused":
      return send(outgoing, answerRefused(received, decision), incoming.method === "HEAD");
    case "pass":
      return forwarder.forward({ incoming, outgoing, received, decision });
  }
}

/** WebSockets pass as other requests do; there is no page to send anybody to. */
async function upgrade(
  { gateway, forwarder, read }: Serving,
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  socket.on("error", () => socket.destroy());
  const received = read(incoming);
  const origin = received.header("origin");
  // A page of another site could open one with the user's cookies.
  if (
    origin !== undefined &&
    !(URL.canParse(origin) && isAllowedHost(gateway.settings, new URL(origin).host))
  )
    return refuseUpgrade(socket, 403);
  const decision = await gateway.admit(received);
  if (decision.kind !== "pass")
    return refuseUpgrade(socket, decision.kind === "refused" ? decision.status : 401);
  return forwarder.upgrade({ incoming, socket, head, received, decision });
}

function refuseUpgrade(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

async function send(outgoing: ServerResponse, response: Response, isHead: boolean): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer());
  const headers = [...response.headers].filter(([name]) => name !== "set-cookie");
  outgoing.writeHead(response.status, [
    ...headers.flat(),
    ...response.headers.getSetCookie().flatMap((cookie) => ["set-cookie", cookie]),
    ...["content-length", String(body.length)],
  ]);
  outgoing.end(isHead ? undefined : body);
}

/** A request's body is larger than may be. */
class BodyTooLarge extends Error {
  override name = "BodyTooLarge";
}

async function readBody(incoming: IncomingMessage, most: number): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > most) throw new BodyTooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function fail({ log }: Serving, outgoing: ServerResponse, error: unknown): void {
  const status = error instanceof UnclearRequest ? 400 : error instanceof BodyTooLarge ? 413 : 500;
  if (status === 500) log.error({ detail: String(error) }, "A request failed.");
  if (outgoing.headersSent) {
    outgoing.destroy();
    return;
  }
  outgoing
    .writeHead(status, { "content-type": "text/plain", connection: "close" })
    .end(`${STATUS_CODES[status]}\n`);
}
