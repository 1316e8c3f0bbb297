/** Services in the tests' own process, which take messages as each type of sender hands them over, and answer as a test wants. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import net, { type AddressInfo, type Socket } from "node:net";
import { text } from "node:stream/consumers";

export interface Taken {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpSink {
  readonly url: string;
  readonly taken: Taken[];
  /** Decides about a request. */
  answer: (request: Taken) => Answer | Promise<Answer>;
  close(): Promise<void>;
}

/** An HTTP server on a free port. */
export async function openHttpSink(answer: HttpSink["answer"]): Promise<HttpSink> {
  const respond = async (response: ServerResponse, request: Taken) => {
    const { status, body = "", headers = {} } = await sink.answer(request);
    response.writeHead(status, headers).end(body);
  };
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { method = "", url = "", headers, rawHeaders } = request;
      const one = { method, path: url, headers, rawHeaders, body };
      sink.taken.push(one);
      return respond(response, one);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const sink: HttpSink = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken: [],
    answer,
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return sink;
}

/** A port where each connection is treated like this, whatever the protocol. */
export async function openSocketSink(treat: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    treat(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
