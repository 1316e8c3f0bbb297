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

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

export interface Door {
  readonly port: number;
  /** Undefined: no https. */
  readonly httpsPort: number | undefined;
  /** From now on this answers; before, everything is 503 but /healthz. */
  serve(listener: Listener): void;
  close(): Promise<void>;
}

/** Milliseconds. Node looks for what is overdue only every so often, so that is set as well. */
const timeouts = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 2_000,
};

/** A connection that does not even shake hands must not hold a server up that stops. Milliseconds. */
const modern = { minVersion: "TLSv1.2", handshakeTimeout: 5_000 } as const;

/** How often a certificate's file is looked at again. Milliseconds. */
const renewalMs = 60_000;

/** How long running requests may take to finish on close. Milliseconds. */
const drainTime = 10_000;
/** How long an open connection may still ask something on close, before it is taken for silent. Milliseconds. */
const silentTime = 500;

export async function openDoor(config: Config, certificate: CertificateSource | undefined): Promise<Door> {
  let listener: Listener = (request, response) => notYetServing(request, response, "starting");
  let draining = false;
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    if (draining) response.setHeader("connection", "close");
    if (draining && request.url === "/readyz") notYetServing(request, response, "stopping");
    else listener(request, response);
  };
  const http = await openSocket(createHttpServer(timeouts), config.port, config.host, answer);
  const https = certificate && (await openHttps(config, certificate, answer, http));
  return {
    port: http.port,
    httpsPort: https?.port,
    serve: (next) => {
      listener = next;
    },
    close: async () => {
      draining = true;
      await Promise.all([http.close(), https?.close()]);
    },
  };
}

interface OpenSocket {
  readonly port: number;
  close(): Promise<void>;
}

async function openHttps(
  config: Config,
  certificate: CertificateSource,
  answer: Listener,
  http: OpenSocket,
): Promise<OpenSocket> {
  const server = createHttpsServer({ ...timeouts, ...certificate.first, ...modern });
  try {
    const socket = await openSocket(server, config.httpsPort, config.host, answer);
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
  host: string,
  answer: Listener,
): Promise<OpenSocket> {
  /** Connections that have asked nothing yet: browsers open some in advance. */
  const unused = new Set<Socket>();
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    unused.delete(request.socket);
    answer(request, response);
  });
  const opened =
    server instanceof NetServer && "setSecureContext" in server ? "secureConnection" : "connection";
  server.on(opened, (socket: Socket) => {
    unused.add(socket);
    socket.once("close", () => unused.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => drain(server, unused) };
}

function notYetServing(request: IncomingMessage, response: ServerResponse, status: string): void {
  response.writeHead(request.url === "/healthz" ? 200 : 503, { "content-type": "application/json" });
  response.end(JSON.stringify({ status }));
}

/**
 * Stops listening, and lets go of connections one by one: a question that is on its way on a kept-alive connection is
 * answered, with `connection: close`, so that no client finds its connection gone in the middle of a call. (The close
 * of http.Server, unlike that of net.Server, ends idle connections at once.)
 */
function drain(server: Server | HttpsServer, unused: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    let idle: NodeJS.Timeout | undefined;
    const force = setTimeout(() => server.closeAllConnections(), drainTime);
    const silent = setTimeout(() => {
      for (const socket of unused) socket.destroy();
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
