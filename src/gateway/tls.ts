/** https in front of the gateway's server: TLS ends here, and the server gets the connections. */
import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import { createServer, type Server } from "node:tls";
import type { Log } from "./log.ts";

interface Certificate {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
}

/** A certificate that may be replaced while the gateway runs. */
export interface CertificateFile {
  readonly first: Certificate;
  /** What the file holds since it was changed, or why it cannot be used; undefined if there is nothing new. */
  renewed():
    | { readonly certificate?: Certificate | undefined; readonly refused?: string | undefined }
    | undefined;
}

const modern = { minVersion: "TLSv1.2", handshakeTimeout: 20_000, ALPNProtocols: ["http/1.1"] } as const;

/** How often the certificate's file is read again. Milliseconds. */
const renewalMs = 60_000;

/** How often connections on which nothing is asked any more are closed at the end. Milliseconds. */
const closingMs = 50;

export interface TlsListener {
  readonly server: Server;
  /** Accepts nothing more, and waits for the requests under way: at most so many milliseconds. */
  end(patience: number): Promise<void>;
}

/** Not yet listening. What it accepts, the http server answers, with its own limits; it must listen before. */
export function createTlsListener(http: HttpServer, file: CertificateFile, log: Log): TlsListener {
  const server = createServer({ ...file.first, ...modern }, (socket) => http.emit("connection", socket));
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  const renewal = setInterval(() => renew(server, file, log), renewalMs).unref();
  return {
    server,
    async end(patience) {
      clearInterval(renewal);
      const closed = once(server, "close");
      server.close();
      const idle = setInterval(() => http.closeIdleConnections(), closingMs);
      const force = setTimeout(() => http.closeAllConnections(), patience);
      await closed;
      clearInterval(idle);
      clearTimeout(force);
    },
  };
}

/** Uses what the file holds now; what is wrong with it is logged. */
export function renew(server: Server, file: CertificateFile, log: Log): void {
  const found = file.renewed();
  if (found?.certificate !== undefined) server.setSecureContext({ ...found.certificate, ...modern });
  else if (found !== undefined)
    log.warn(
      { event: "certificate-refused", detail: found.refused },
      "The TLS file has changed and cannot be used: the current certificate stays in use.",
    );
}
