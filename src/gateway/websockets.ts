/** WebSockets (RFC 6455): passed on if their opening handshake may be, and closed when its session is over. */
import { type ClientRequest, type IncomingMessage, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createProxyServer } from "httpxy";
import type { Asked } from "./asked.ts";
import type { Gateway } from "./gateway.ts";
import type { Log } from "./log.ts";
import { type Passing, translateHandshake, translateRequest } from "./translate.ts";
import type { Upstream } from "./upstream.ts";

interface WebSocketMeans {
  readonly targets: ReadonlyMap<string, Upstream>;
  /** How long an application may take to answer the opening handshake. Milliseconds. */
  readonly patience: number;
  /** How often open ones are looked at. Milliseconds. */
  readonly lookEvery: number;
}

interface Opening extends Passing {
  /** Gives back the connection that it takes only until it is open. */
  readonly giveBack: () => void;
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

export class WebSockets {
  readonly #gateway: Gateway;
  readonly #log: Log;
  readonly #means: WebSocketMeans;
  readonly #proxy;
  readonly #open = new Set<Open>();
  readonly #opening = new WeakMap<IncomingMessage, Opening>();
  readonly #timer: NodeJS.Timeout;
  #isLooking = false;

  constructor(gateway: Gateway, log: Log, means: WebSocketMeans) {
    this.#gateway = gateway;
    this.#log = log;
    this.#means = means;
    this.#timer = setInterval(() => void this.#closeEnded(), means.lookEvery).unref();
    this.#proxy = createProxyServer({ upgradeTimeout: means.patience, xfwd: false });
    this.#proxy.on("proxyReqWs", (request, incoming, socket) => {
      const passing = this.#opening.get(incoming);
      if (passing !== undefined) this.#watch(request, passing, socket);
    });
  }

  /** Never rejects: the client is told what went wrong. */
  async upgrade(passing: Passing & { readonly socket: Duplex; readonly head: Buffer }): Promise<void> {
    const { incoming, socket, head, decision, received } = passing;
    const target = this.#means.targets.get(decision.application.upstream ?? "");
    if (target === undefined) return refuseUpgrade(socket, 404);
    const giveBack = await target.take(socket);
    if (giveBack === undefined) return socket.destroyed ? undefined : refuseUpgrade(socket, 503);
    const headers = await translateRequest(this.#gateway, passing);
    incoming.headers = { ...headers, connection: "Upgrade", upgrade: "websocket" };
    this.#opening.set(incoming, { ...passing, giveBack });
    const to = { target: target.target, agent: target.agent };
    await this.#proxy.ws(incoming, socket as Socket, to, head).catch((error: unknown) => {
      const fields = { event: "application-away", detail: String(error), host: received.host };
      this.#log.warn(fields, "A WebSocket of an application failed.");
    });
  }

  /** Looks at those that are open no longer. */
  stopLooking(): void {
    clearInterval(this.#timer);
  }

  #watch(request: ClientRequest, passing: Opening, socket: Socket): void {
    const onError = () => refuseUpgrade(socket, 502);
    const answered = (response: IncomingMessage) => {
      request.off("error", onError);
      translateHandshake(this.#gateway, this.#log, response.headers, passing);
    };
    request.once("error", onError);
    request.once("response", (response) => {
      answered(response);
      linger(socket);
    });
    request.once("upgrade", (response, upstream) => {
      passing.giveBack();
      answered(response);
      this.#keep(passing, socket, upstream);
      const { incoming } = passing;
      // Once the answer is written, nobody needs what would else be kept as long as the WebSocket.
      setImmediate(() => {
        for (const message of [incoming, response]) {
          message.headers = {};
          message.rawHeaders.length = 0;
        }
        this.#opening.delete(incoming);
      });
    });
  }

  #keep({ received, decision }: Passing, socket: Socket, upstream: Socket): void {
    const one: Open = {
      asked: decision.identity === undefined ? undefined : whatProvedIt(received),
      close() {
        socket.destroy();
        upstream.destroy();
      },
    };
    this.#open.add(one);
    socket.once("close", () => {
      this.#open.delete(one);
      upstream.destroy();
    });
    upstream.once("close", () => socket.destroySoon());
  }

  /** Closes those whose session is over, or no longer allows them. */
  async #closeEnded(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    for (const one of this.#open) {
      if (one.asked === undefined) continue;
      const decision = await this.#gateway.admit(one.asked, "again").catch(() => undefined);
      // Nobody can tell, or it goes on.
      if (decision === undefined || decision.kind === "pass") continue;
      if (decision.kind === "refused" && decision.status === 503) continue;
      one.close();
    }
    this.#isLooking = false;
  }
}

/** What of a request its admission depends on, without all the rest, for as long as the WebSocket is open. */
function whatProvedIt({ method, scheme, host, target, header }: Asked): Asked {
  const proofs = new Map(["cookie", "authorization"].map((name) => [name, header(name)]));
  return { method, scheme, host, target, header: (name) => proofs.get(name) };
}
