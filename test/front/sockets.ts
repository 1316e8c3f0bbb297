/** Connections from several addresses of this machine (Linux has all of 127.0.0.0/8), and what they hold. */
import { once } from "node:events";
import { type Agent, request } from "node:http";
import { request as requestTls } from "node:https";
import { connect, type Socket } from "node:net";

export interface Answered {
  /** 0 if there was no answer. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Asking {
  readonly method?: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** A separate connection by default. */
  readonly agent?: Agent;
}

/** Makes one request from an address; over TLS where the endpoint is https, whoever issued the certificate. */
export function ask(endpoint: string, from: string, asking: Asking): Promise<Answered> {
  const { port, protocol } = new URL(endpoint);
  return new Promise((resolve) => {
    const none = () => resolve({ status: 0, headers: {}, body: "" });
    const options = {
      host: "127.0.0.1",
      port,
      localAddress: from,
      agent: asking.agent ?? false,
      method: asking.method ?? "GET",
      path: asking.path,
      headers: { host: `localhost:${port}`, ...asking.headers },
    } as const;
    const begun =
      protocol === "https:"
        ? requestTls({ ...options, servername: "localhost", rejectUnauthorized: false })
        : request(options);
    const asked = begun.on("response", (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
      response.on("error", none);
    });
    asked.on("error", none);
    asked.end(asking.body);
  });
}

/** A connection that sends only what it was told to, and what the server answered. */
export interface Held {
  readonly socket: Socket;
  readonly received: () => string;
  /** Resolves when the server has closed it. */
  readonly ended: Promise<unknown>;
}

/** Opens connections from an address, each sending this text; resolves when the texts are sent. */
export async function hold(endpoint: string, from: string, count: number, text = ""): Promise<Held[]> {
  const { port } = new URL(endpoint);
  const open = async (): Promise<Held> => {
    const socket = connect({ host: "127.0.0.1", port: Number(port), localAddress: from });
    let received = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk) => {
      received += chunk;
    });
    socket.on("error", () => socket.destroy());
    const ended = once(socket, "close").catch(() => {});
    await Promise.race([once(socket, "connect").catch(() => {}), ended]);
    if (text !== "" && !socket.destroyed)
      await Promise.race([new Promise((sent) => socket.write(text, "latin1", sent)), ended]);
    return { socket, received: () => received, ended };
  };
  const held: Held[] = [];
  // A few at a time, since the queue of connections to be accepted is bounded.
  while (held.length < count)
    held.push(...(await Promise.all(Array.from({ length: Math.min(64, count - held.length) }, open))));
  return held;
}

export const isOpen = ({ socket }: Held) => !socket.destroyed && socket.readable;

export function letGo(held: readonly Held[]): void {
  for (const { socket } of held) socket.destroy();
}
