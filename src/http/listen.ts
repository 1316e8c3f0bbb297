/** The listening sockets: http, and https if there is a certificate. Closing them loses no request. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as HttpsServer } from "node:https";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import type { App } from "../app.ts";
import type { Config } from "../config/config.ts";
import type { CertificateSource } from "../integrations/tls.ts";
import { http as nodeHttp, https as nodeHttps } from "../lib/node-http.ts";
import { OperatorError } from "../lib/operator-error.ts";
import { Connections, type ConnectionsOptions } from "./connections.ts";
import { holdings } from "./holdings.ts";
import { tooLateBody } from "./json-errors.ts";
import { namesOneHost } from "./request-target.ts";

export type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** The ports that a server listens on. */
export interface Ports {
  readonly port: number;
  /** Undefined if https is off. */
  readonly httpsPort: number | undefined;
}

export interface ListeningServer {
  readonly connections: Pick<Connections, "open" | "gaveWay">;
  /** Begins to listen. Throws an OperatorError if it cannot. */
  open(): Promise<Ports>;
  /** Starts serving with this listener. Until then everything is answered with 503, except /healthz. */
  serve(listener: Listener): void;
  close(): Promise<void>;
}

/** Times in milliseconds. Node checks for expired requests only at intervals, so the interval is set as well. */
const settings = {
  headersTimeout: holdings.headersTime.limit.seconds * 1000,
  requestTimeout: holdings.requestTime.limit.seconds * 1000,
  keepAliveTimeout: holdings.idleTime.limit.seconds * 1000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: holdings.headers.limit.bytes,
  // Node would answer these itself, uncounted; they are refused below (RFC 9112 section 3.2).
  requireHostHeader: false,
};

const modern = {
  minVersion: "TLSv1.2",
  handshakeTimeout: holdings.handshakeTime.limit.seconds * 1000,
} as const;

/** How often the certificate's file is reread. Milliseconds. */
const renewalMs = 60_000;

/** How long running requests may take to finish on close. Milliseconds. */
const drainTime = 10_000;
/** How long an open connection may still send a request on close before it counts as silent. Milliseconds. */
const silentTime = 500;

/** What the sockets need: limits on connections, and whether their peer may be served more right now. */
export interface ListenOptions extends ConnectionsOptions {
  readonly log: Pick<App["log"], "warn">;
  readonly mayAsk: (socket: Socket) => boolean;
  /** Called for each accepted connection. */
  readonly accepted: () => void;
}

/** Prepares the sockets of a server; `open` makes them. */
export function createListening(
  config: Pick<Config, "host" | "port" | "httpsPort">,
  certificate: CertificateSource | undefined,
  options: ListenOptions,
): ListeningServer {
  const connections = new Connections(options);
  let listener: Listener = (request, response) => notYetServing(request, response, "starting");
  let draining = false;
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    if (draining) response.setHeader("connection", "close");
    if (draining && request.url === "/readyz") notYetServing(request, response, "stopping");
    else listener(request, response);
  };
  const { host, port } = config;
  const { mayAsk, accepted } = options;
  const socketOptions: SocketOptions = { host, connections, mayAsk, accepted, answer };
  const sockets: OpenSocket[] = [];
  return {
    connections,
    open: async () => {
      const http = await openSocket(nodeHttp.createServer(settings), port, socketOptions).catch(
        unavailable(host, port, "port"),
      );
      sockets.push(http);
      const https = certificate && (await openHttps(config.httpsPort, certificate, socketOptions, options));
      if (https) sockets.push(https);
      return { port: http.port, httpsPort: https?.port };
    },
    serve: (next) => {
      listener = next;
    },
    close: async () => {
      draining = true;
      await Promise.all(sockets.map((socket) => socket.close()));
      connections.close();
    },
  };
}

/** What all listening sockets share. */
interface SocketOptions {
  readonly host: string;
  readonly connections: Connections;
  readonly mayAsk: (socket: Socket) => boolean;
  readonly accepted: () => void;
  readonly answer: Listener;
}

interface OpenSocket {
  readonly port: number;
  close(): Promise<void>;
}

async function openHttps(
  port: number,
  certificate: CertificateSource,
  socketOptions: SocketOptions,
  { clock, log }: ListenOptions,
): Promise<OpenSocket> {
  const server = nodeHttps().createServer({ ...settings, ...certificate.first, ...modern });
  const socket = await openSocket(server, port, socketOptions).catch(
    unavailable(socketOptions.host, port, "https-port"),
  );
  const stop = clock.every(renewalMs, () => {
    const renewal = certificate.renewed();
    // With the keys of its tickets, which all workers share: a client resumes its session at any of them.
    const ticketKeys = server.getTicketKeys();
    if (renewal?.certificate) server.setSecureContext({ ...renewal.certificate, ...modern, ticketKeys });
    else if (renewal)
      log.warn(
        { reason: renewal.refused },
        "The TLS file has changed and cannot be used: the current certificate stays in use.",
      );
  });
  return {
    port: socket.port,
    close: () => {
      stop();
      return socket.close();
    },
  };
}

async function openSocket(
  server: Server | HttpsServer,
  port: number,
  { host, connections, mayAsk, accepted, answer }: SocketOptions,
): Promise<OpenSocket> {
  server.on("connection", accepted);
  const asked = (request: IncomingMessage, response: ServerResponse) => {
    if (!connections.asked(request, response)) return;
    if (namesOneHost(request)) answer(request, response);
    else refuse(request.socket, malformed);
  };
  /**
   * Answers something that is not a valid request, and closes the connection; beyond the peer's share without an
   * answer.
   */
  const refuse = (socket: Socket, status: string) => {
    const mayAnswer = mayAsk(socket) && socket.writable && !connections.isAnswering(socket);
    const rest = status === tooLate ? tooLateRest : "\r\n";
    if (mayAnswer) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n${rest}`);
    socket.destroySoon();
  };
  server.on("request", asked);
  // Unknown expectations may be ignored (RFC 9110 section 10.1.1); Node would refuse them, uncounted.
  server.on("checkExpectation", asked);
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) =>
    refuse(socket, statuses[error.code ?? ""] ?? malformed),
  );
  if (server instanceof NetServer && "setSecureContext" in server) {
    server.on("connection", (socket: Socket) => {
      if (mayAsk(socket)) connections.openedForTls(socket);
      else socket.destroy();
    });
    server.on("secureConnection", (socket: Socket) => connections.handshakeEnded(socket));
  } else server.on("connection", (socket: Socket) => connections.opened(socket));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => drain(server, connections) };
}

/** Says what to do if an address or a port cannot be used. */
function unavailable(host: string, port: number, setting: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    const change = `choose another with the setting ${setting} (--${setting}; 0 picks a free one)`;
    const problems: Readonly<Record<string, string>> = {
      EADDRINUSE: `Port ${port} of ${host} is taken: another program listens there, perhaps another Poolhouse (\`poolhouse doctor\` tells). Stop it, or ${change}.`,
      EACCES: `This account may not listen on port ${port} of ${host}: ${change}.`,
      EADDRNOTAVAIL: `This machine does not have the address ${host}: set host (--host) to one that it has.`,
      ENOTFOUND: `There is no address for the name ${host}: set host (--host) to an address of this machine.`,
    };
    const problem = problems[error.code ?? ""];
    if (problem === undefined) throw error;
    throw new OperatorError(problem, { cause: error });
  };
}

const malformed = "400 Bad Request";
const tooLate = "408 Request Timeout";
const tooLateRest = `Content-Type: application/x-amz-json-1.1\r\nContent-Length: ${tooLateBody.length}\r\n\r\n${tooLateBody}`;

/** The statuses that Node itself would use. */
const statuses: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Payload Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: tooLate,
};

function notYetServing(request: IncomingMessage, response: ServerResponse, status: string): void {
  response.writeHead(request.url === "/healthz" ? 200 : 503, { "content-type": "application/json" });
  response.end(JSON.stringify({ status }));
}

/**
 * Stops listening and closes connections gracefully: a request already on its way on a kept-alive connection is
 * answered, with `connection: close`, so that no client loses its connection during a call. (Unlike net.Server's close,
 * http.Server's would end idle connections at once.)
 */
function drain(server: Server | HttpsServer, connections: Connections): Promise<void> {
  return new Promise((resolve) => {
    let idle: NodeJS.Timeout | undefined;
    const force = setTimeout(() => server.closeAllConnections(), drainTime);
    const silent = setTimeout(() => {
      connections.closeUnused();
      server.close();
      // A kept-alive connection becomes idle once its answer is sent; one without any request never counts as idle.
      idle = setInterval(() => server.closeIdleConnections(), 50);
    }, silentTime);
    NetServer.prototype.close.call(server, () => {
      for (const timer of [force, idle, silent]) clearTimeout(timer);
      resolve();
    });
  });
}
