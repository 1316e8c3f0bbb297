/** Passes requests on to applications: streaming both ways, WebSockets, server-sent events. */
import { Agent, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent as TlsAgent } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createProxyServer } from "httpxy";
import type { Decision } from "./admission.ts";
import { withoutCookies } from "./cookies.ts";
import type { Gateway } from "./gateway.ts";
import type { Log } from "./log.ts";
import type { Received } from "./node-request.ts";

type Passed = Decision & { readonly kind: "pass" };

interface Passing {
  readonly incoming: IncomingMessage;
  readonly received: Received;
  readonly decision: Passed;
}

export interface Forwarder {
  forward(passing: Passing & { readonly outgoing: ServerResponse }): Promise<void>;
  upgrade(passing: Passing & { readonly socket: Duplex; readonly head: Buffer }): Promise<void>;
}

/** How long an application may take to begin its answer. Milliseconds. */
const patience = 120_000;

/** Headers about the browser's own connection, which the gateway says anew. */
const aboutConnection = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-forwarded-port",
  "x-real-ip",
];

export function createForwarder(gateway: Gateway, log: Log): Forwarder {
  const agents = { "http:": new Agent({ keepAlive: true }), "https:": new TlsAgent({ keepAlive: true }) };
  const proxy = createProxyServer({ proxyTimeout: patience, xfwd: false });
  const optionsOf = (upstream: string) => ({
    target: upstream,
    agent: agents[new URL(upstream).protocol as "http:"],
  });

  /** Sets what the application learns, and takes away what only looks as if it came from the gateway. */
  async function prepare({ incoming, received, decision }: Passing): Promise<void> {
    const { headers } = incoming;
    for (const name of Object.keys(headers)) if (gateway.isOurHeader(name)) delete headers[name];
    const before = headers["x-forwarded-for"];
    const peer = incoming.socket.remoteAddress ?? "";
    for (const name of aboutConnection) delete headers[name];
    headers["x-forwarded-for"] =
      received.isFromProxy && before !== undefined ? `${String(before)}, ${peer}` : peer;
    headers["x-forwarded-host"] = received.host;
    headers["x-forwarded-proto"] = received.scheme.slice(0, -1);
    const cookies = headers.cookie === undefined ? "" : withoutCookies(headers.cookie, gateway.isOurCookie);
    if (cookies === "") delete headers.cookie;
    else headers.cookie = cookies;
    const told = await gateway.headersFor(received, decision);
    for (const [name, value] of Object.entries(told)) headers[name.toLowerCase()] = value;
  }

  return {
    async forward(passing) {
      const { incoming, outgoing, received, decision } = passing;
      const { upstream } = decision.application;
      if (upstream === undefined) return unserved(outgoing);
      await prepare(passing);
      for (const cookie of decision.cookies) outgoing.appendHeader("set-cookie", cookie);
      await proxy.web(incoming, outgoing, optionsOf(upstream)).catch((error: unknown) => {
        log.warn({ detail: String(error), host: received.host }, "An application does not answer.");
        if (outgoing.headersSent) outgoing.destroy();
        else outgoing.writeHead(502, { "content-type": "text/plain" }).end("Bad Gateway\n");
      });
    },
    async upgrade(passing) {
      const { incoming, socket, head, decision } = passing;
      const { upstream } = decision.application;
      if (upstream === undefined)
        return void socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
      await prepare(passing);
      await proxy.ws(incoming, socket as Socket, optionsOf(upstream), head).catch((error: unknown) => {
        log.warn({ detail: String(error) }, "A WebSocket of an application failed.");
        socket.destroy();
      });
    },
  };
}

/** The application is behind another proxy, which asks the gateway and passes requests on itself. */
function unserved(outgoing: ServerResponse): void {
  outgoing.writeHead(404, { "content-type": "text/plain" }).end("Nothing is passed on from here.\n");
}
