/** The listening sockets: http, and https where there is a certificate. Closing them loses no request. */
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import type { Config } from "../config/config.ts";
import type { CertificateSource } from "../integrations/tls.ts";
import { Connections, type ConnectionsOptions } from "./connections.ts";
import { holdings } from "./holdings.ts";

export type Listener = (request: IncomingMessage, response: ServerResponse) => void;

export interface Door {
  readonly port: number;
  /** Undefined: no https. */
  readonly httpsPort: number | undefined;
  readonly connections: Pick<Connections, "open" | "gaveWay">;
  /** From now on this answers; before, everything is 503 but /healthz. */
  serve(listener: Listener): void;
  close(): Promise<void>;
}

/** Times in milliseconds. Node looks for what is overdue only every so often, so that is set as well. */
const settings = {
  headersTimeout: holdings.headersTime.limit.seconds * 1000,
  requestTimeout: holdings.requestTime.limit.seconds * 1000,
  keepAliveTimeout: holdings.idleTime.limit.seconds * 1000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: holdings.headers.limit.bytes,
  // Node would answer them itself, uncounted; RFC 9112 section 3.2 has them refused.
  requireHostHeader: false,
};

const modern = {
  minVersion: "TLSv1.2",
  handshakeTimeout: holdings.handshakeTime.limit.seconds * 1000,
} as const;

/** How often a certificate's file is looked at again. Milliseconds. */
const renewalMs = 60_000;

/** How long running requests may take to finish on close. Milliseconds. */
const drainTime = 10_000;
/** How long an open connection may still ask something on close, before it is taken for silent. Milliseconds. */
const silentTime = 500;

/** What a connection needs of the server: how many there may be, and whether more may be done for its peer now. */
export interface DoorOptions extends ConnectionsOptions {
  readonly mayAsk: (socket: Socket) => boolean;
  /** A connection has come. */
  readonly accepted: () => void;
}

export async function openDoor(
  config: Config,
  certificate: CertificateSource | undefined,
  options: DoorOptions,
): Promise<Door> {
  const connections = new Connections(options);
  let listener: Listener = (request, response) => notYetServing(request, response, "starting");
  let draining = false;
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    if (draining) response.setHeader("connection", "close");
    if (draining && request.url === "/readyz") notYetServing(request, response, "stopping");
    else listener(request, response);
  };
  const { mayAsk, accepted } = options;
  const entrance: Entrance = { host: config.host, connections, mayAsk, accepted, answer };
  const http = await openSocket(createHttpServer(settings), config.port, entrance);
  const https = certificate && (await openHttps(config.httpsPort, certificate, entrance, http));
  return {
    port: http.port,
    httpsPort: https?.port,
    connections,
    serve: (next) => {
      listener = next;
    },
    close: async () => {
      draining = true;
      await Promise.all([http.close(), https?.close()]);
      connections.close();
    },
  };
}

/** What all sockets that listen have in common. */
interface Entrance {
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
  entrance: Entrance,
  http: OpenSocket,
): Promise<OpenSocket> {
  const server = createHttpsServer({ ...settings, ...certificate.first, ...modern });
  try {
    const socket = await openSocket(server, port, entrance);
    const timer = setInterval(() => {
      const renewed = certificate.renewed();
      if (renewed !== undefined) server.setSecureContext({ ...renewed, ...modern });
    }, renewalMs);
    timer.unref();
    return {
      port: socket.port,
      close: () => {
        clearInterval(timer);
        return socket.close();
      },
    };
  } catch (error) {
    await http.close();
    throw error;
  }
}

async function openSocket(
  server: Server | HttpsServer,
  port: number,
  { host, connections, mayAsk, accepted, answer }: Entrance,
): Promise<OpenSocket> {
  server.on("connection", accepted);
  const asked = (request: IncomingMessage, response: ServerResponse) => {
    if (!connections.asked(request, response)) return;
    if (request.headers.host === undefined && request.httpVersion !== "1.0")
      refuse(request.socket, malformed);
    else answer(request, response);
  };
  /** What is no request that anybody could answer ends its connection; beyond a share, without a word. */
  const refuse = (socket: Socket, status: string) => {
    const mayTell = mayAsk(socket) && socket.writable && !connections.isAnswering(socket);
    if (mayTell) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
    socket.destroySoon();
  };
  server.on("request", asked);
  // An expectation that nobody knows may be ignored (RFC 9110 section 10.1.1): Node would refuse it, uncounted.
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

const malformed = "400 Bad Request";

/** As Node has them. */
const statuses: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Payload Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

function notYetServing(request: IncomingMessage, response: ServerResponse, status: string): void {
  response.writeHead(request.url === "/healthz" ? 200 : 503, { "content-type": "application/json" });
  response.end(JSON.stringify({ status }));
}

/**
 * Stops listening, and lets go of connections one by one: a question that is on its way on a kept-alive connection is
 * answered, with `connection: close`, so that no client finds its connection gone in the middle of a call. (The close
 * of http.Server, unlike that of net.Server, ends idle connections at once.)
 */
function drain(server: Server | HttpsServer, connections: Connections): Promise<void> {
  return new Promise((resolve) => {
    let idle: NodeJS.Timeout | undefined;
    const force = setTimeout(() => server.closeAllConnections(), drainTime);
    const silent = setTimeout(() => {
      connections.closeUnused();
      server.close();
      // A kept-alive connection becomes idle when its answer is out; one that asked nothing never counts as idle.
      idle = setInterval(() => server.closeIdleConnections(), 50);
    }, silentTime);
    NetServer.prototype.close.call(server, () => {
      for (const timer of [force, idle, silent]) clearTimeout(timer);
      resolve();
    });
  });
}
