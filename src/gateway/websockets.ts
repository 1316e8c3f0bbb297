/** WebSockets (RFC 6455): passed on if their opening handshake may be, and closed when its session is over. */
import { type Agent, type IncomingMessage, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ProxyServer } from "httpxy";
import type { Asked } from "./asked.ts";
import type { Gateway } from "./gateway.ts";
import type { Log } from "./log.ts";
import { type Passing, translateHandshake, translateRequest } from "./translate.ts";

export interface WebSockets {
  /** Never rejects: the client is told what went wrong. */
  upgrade(passing: Passing & { readonly socket: Duplex; readonly head: Buffer }): Promise<void>;
  /** Looks at those that are open no longer. */
  stopLooking(): void;
}

interface WebSocketMeans {
  readonly proxy: ProxyServer;
  readonly targets: ReadonlyMap<string, { readonly target: URL; readonly agent: Agent }>;
  /** Milliseconds. */
  readonly lookEvery: number;
}

interface Open {
  /** What opened it; undefined if nobody had to be known. */
  readonly asked: Asked | undefined;
  close(): void;
}

/** Whether a request opens a WebSocket (RFC 6455 section 4.1). Nothing else is ever switched to. */
export function opensWebSocket({ method, headers, httpVersion }: IncomingMessage): boolean {
  const hasBody = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  return (
    method === "GET" && httpVersion === "1.1" && !hasBody && headers.upgrade?.toLowerCase() === "websocket"
  );
}

/** How long a client may leave a connection open that is over. Milliseconds. */
const farewell = 5000;

/** Reads what is still coming, so that the client gets its answer, and closes when it does. */
function linger(socket: Duplex): void {
  (socket as Socket).setTimeout(farewell, () => socket.destroy());
  socket.resume();
}

/** Answers a request that wanted to switch protocols, on the bare connection. */
export function refuseUpgrade(socket: Duplex, status: number): void {
  linger(socket);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

export function createWebSockets(
  gateway: Gateway,
  log: Log,
  { proxy, targets, lookEvery }: WebSocketMeans,
): WebSockets {
  const open = new Set<Open>();
  const opening = new WeakMap<IncomingMessage, Passing>();
  const timer = setInterval(() => void closeEnded(), lookEvery).unref();
  let isLooking = false;

  /** Closes those whose session is over, or no longer allows them. */
  async function closeEnded(): Promise<void> {
    if (isLooking) return;
    isLooking = true;
    for (const one of open) {
      if (one.asked === undefined) continue;
      const decision = await gateway.admit(one.asked, "again").catch(() => undefined);
      // Nobody can tell, or it goes on.
      if (decision === undefined || decision.kind === "pass") continue;
      if (decision.kind === "refused" && decision.status === 503) continue;
      one.close();
    }
    isLooking = false;
  }

  proxy.on("proxyReqWs", (request, incoming, socket) => {
    const passing = opening.get(incoming);
    if (passing === undefined) return;
    const clean = (response: IncomingMessage) => translateHandshake(gateway, log, response.headers, passing);
    const onError = () => refuseUpgrade(socket, 502);
    request.once("error", onError);
    request.once("response", (response) => {
      request.off("error", onError);
      clean(response);
      linger(socket);
    });
    request.once("upgrade", (response, upstream) => {
      request.off("error", onError);
      clean(response);
      keep(passing, socket, upstream);
    });
  });

  function keep({ received, decision }: Passing, socket: Socket, upstream: Socket): void {
    const one: Open = {
      asked: decision.identity === undefined ? undefined : whatProvedIt(received),
      close() {
        socket.destroy();
        upstream.destroy();
      },
    };
    open.add(one);
    socket.once("close", () => {
      open.delete(one);
      upstream.destroy();
    });
    upstream.once("close", () => socket.destroySoon());
  }

  return {
    async upgrade(passing) {
      const { incoming, socket, head, decision } = passing;
      const target = targets.get(decision.application.upstream ?? "");
      if (target === undefined) return refuseUpgrade(socket, 404);
      await translateRequest(gateway, passing);
      incoming.headers.connection = "Upgrade";
      incoming.headers.upgrade = "websocket";
      opening.set(incoming, passing);
      await proxy.ws(incoming, socket as Socket, target, head).catch((error: unknown) => {
        log.warn(
          { event: "application-away", detail: String(error), host: passing.received.host },
          "A WebSocket of an application failed.",
        );
      });
    },
    stopLooking: () => clearInterval(timer),
  };
}

/** What of a request its admission depends on, without all the rest, for as long as the WebSocket is open. */
function whatProvedIt({ method, scheme, host, target, header }: Asked): Asked {
  const proofs = new Map(["cookie", "authorization"].map((name) => [name, header(name)]));
  return { method, scheme, host, target, header: (name) => proofs.get(name) };
}
