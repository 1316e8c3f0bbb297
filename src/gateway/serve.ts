/** The gateway as a server of its own: its endpoints, the check for other proxies, and the way to applications. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { answerCheck } from "./check.ts";
import { Forwarder, type ForwarderOptions } from "./forward.ts";
import type { Gateway } from "./gateway.ts";
import type { Log } from "./log.ts";
import { type Received, requestReader, UnclearRequest } from "./node-request.ts";
import { isCheck } from "./paths.ts";
import { answerFailure, answerOrPass } from "./receive.ts";
import { Turns } from "./turns.ts";
import { answerUnreadable } from "./unreadable.ts";
import { opensWebSocket, refuseUpgrade } from "./websockets.ts";

interface Serving {
  readonly gateway: Gateway;
  readonly log: Log;
  readonly forwarder: Forwarder;
  readonly read: (incoming: IncomingMessage) => Received;
  readonly turns: Turns;
  /** Connections of WebSockets, for which Node's server no longer answers. */
  readonly upgraded: Set<Socket>;
}

export interface GatewayServer extends Server {
  /**
   * Ends gracefully: accepts nothing more, closes WebSockets, and waits for the requests under way.
   * @param patience milliseconds after which these are cut off
   */
  end(patience: number): Promise<void>;
}

/** By default two minutes of patience, a look every 15 seconds, and a minute for an upload that stops. */
export type ServeOptions = Partial<ForwarderOptions>;

/** A server that is not yet listening. */
export function createGatewayServer(
  gateway: Gateway,
  log: Log,
  { patience = 120_000, lookEvery = 15_000, uploadIdle = 60_000 }: ServeOptions = {},
): GatewayServer {
  const { trustedProxies } = gateway.settings;
  const forwarder = new Forwarder(gateway, log, { patience, lookEvery, uploadIdle });
  const serving: Serving = {
    gateway,
    log,
    forwarder,
    read: requestReader(trustedProxies),
    turns: new Turns(),
    upgraded: new Set(),
  };
  const server = createServer({
    // An upload may take its time, once its headers are there.
    ...{ headersTimeout: 20_000, requestTimeout: 0, keepAliveTimeout: 65_000 },
    // Whatever flags Node was started with.
    insecureHTTPParser: false,
    // Anything else that a client would like to switch to is answered without switching (RFC 9110 section 7.8).
    shouldUpgradeCallback: (incoming) =>
      opensWebSocket(incoming) && !isCheck(gateway.settings.paths, incoming.url),
  });
  // None is left out: what frames the body could be among those that are (Node.js before 24.18.1). Their size is limited.
  server.maxHeadersCount = 0;
  const answer = (incoming: IncomingMessage, outgoing: ServerResponse) =>
    void answerRequest(serving, incoming, outgoing);
  server.on("request", answer);
  // The body is asked for once it is wanted.
  server.on("checkContinue", answer);
  server.on("connect", (_incoming, socket) => refuseUpgrade(socket, 405));
  server.on("upgrade", async (incoming, socket, head) => {
    serving.upgraded.add(socket as Socket);
    socket.once("close", () => serving.upgraded.delete(socket as Socket));
    socket.on("error", () => socket.destroy());
    try {
      await upgrade(serving, incoming, socket, head);
    } catch (error) {
      if (!(error instanceof UnclearRequest)) log.error({ detail: String(error) }, "A WebSocket failed.");
      refuseUpgrade(socket, error instanceof UnclearRequest ? error.status : 500);
    }
  });
  server.on("clientError", (error, socket) => void answerUnreadable(error, socket));
  return Object.assign(server, { end: (patience: number) => end(server, serving, patience) });
}

async function answerRequest(
  { gateway, log, forwarder, read, turns }: Serving,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const turn = turns.wait(incoming, outgoing);
  if (turn !== undefined) await turn;
  if (incoming.socket.destroyed) return;
  try {
    const received = read(incoming);
    if (await answerCheck(gateway, received, incoming, outgoing)) return;
    const passed = await answerOrPass(gateway, received, incoming, outgoing);
    if (passed !== undefined) await forwarder.forward({ ...passed, incoming, outgoing });
  } catch (error) {
    answerFailure(log, outgoing, error);
  }
}

/** WebSockets pass as other requests do; there is no page to send anybody to. */
async function upgrade(
  { gateway, forwarder, read }: Serving,
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  if (!opensWebSocket(incoming)) throw new UnclearRequest();
  const received = read(incoming);
  const decision = await gateway.admit(received);
  if (decision.kind !== "pass")
    return refuseUpgrade(socket, decision.kind === "refused" ? decision.status : 401);
  return forwarder.webSockets.upgrade({ incoming, socket, head, received, decision });
}

/** How often connections that have become idle are closed while the server ends. Milliseconds. */
const closeEvery = 50;

async function end(server: Server, { forwarder, upgraded }: Serving, patience: number): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  forwarder.webSockets.stopLooking();
  // Their clients connect again, elsewhere; they could stay open for days.
  for (const socket of upgraded) socket.destroySoon();
  const idle = setInterval(() => server.closeIdleConnections(), closeEvery);
  const timer = setTimeout(() => {
    server.closeAllConnections();
    for (const socket of upgraded) socket.destroy();
  }, patience);
  await closed;
  clearInterval(idle);
  clearTimeout(timer);
  forwarder.close();
}
