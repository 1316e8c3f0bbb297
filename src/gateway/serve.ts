/** The gateway as a server of its own: its endpoints, the check for other proxies, and the way to applications. */
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { createForwarder, type Forwarder } from "./forward.ts";
import type { Gateway } from "./gateway.ts";
import type { Log } from "./log.ts";
import { type Received, requestReader, UnclearRequest } from "./node-request.ts";
import { answerFailure, answerOrPass } from "./receive.ts";
import { isAllowedHost } from "./return-url.ts";
import { answerUnreadable } from "./unreadable.ts";

interface Serving {
  readonly gateway: Gateway;
  readonly forwarder: Forwarder;
  readonly read: (incoming: IncomingMessage) => Received;
}

/** A server that is not yet listening. */
export function createGatewayServer(gateway: Gateway, log: Log): Server {
  const { trustedProxies } = gateway.settings;
  const serving: Serving = {
    gateway,
    forwarder: createForwarder(gateway, log),
    read: requestReader(trustedProxies),
  };
  // An upload may take its time, once its headers are there.
  const server = createServer({ headersTimeout: 20_000, requestTimeout: 0, keepAliveTimeout: 65_000 });
  server.on("request", async (incoming, outgoing) => {
    try {
      const passed = await answerOrPass(gateway, serving.read(incoming), incoming, outgoing);
      if (passed !== undefined) await serving.forwarder.forward({ ...passed, incoming, outgoing });
    } catch (error) {
      answerFailure(log, outgoing, error);
    }
  });
  server.on("upgrade", async (incoming, socket, head) => {
    socket.on("error", () => socket.destroy());
    try {
      await upgrade(serving, incoming, socket, head);
    } catch (error) {
      if (!(error instanceof UnclearRequest)) log.error({ detail: String(error) }, "A WebSocket failed.");
      refuseUpgrade(socket, error instanceof UnclearRequest ? 400 : 500);
    }
  });
  server.on("clientError", (error, socket) => void answerUnreadable(error, socket));
  return server;
}

/** WebSockets pass as other requests do; there is no page to send anybody to. */
async function upgrade(
  { gateway, forwarder, read }: Serving,
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
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
