/** Requests as bytes, for those that no client would send. */
import { once } from "node:events";
import { connect } from "node:net";
import { CreateUserPoolDomainCommand } from "@aws-sdk/client-cognito-identity-provider";
import type { TestServer } from "../kit/server.ts";
import type { OAuthPlace } from "./support.ts";

export interface RawAnswer {
  readonly status: number;
  /** Lower-case names; repeated headers are joined with line breaks. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends bytes to a server and reads its single answer; status 0 if it closed the connection without one. */
export async function sendRaw(endpoint: string, text: string): Promise<RawAnswer> {
  const { hostname, port } = new URL(endpoint);
  const socket = connect({ host: hostname, port: Number(port) });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  // A server that refuses the head of a request may close before the rest has arrived.
  socket.on("error", () => socket.destroy());
  socket.write(text, "latin1");
  if (!socket.destroyed) await once(socket, "close");
  const [head = "", ...rest] = Buffer.concat(chunks).toString("latin1").split("\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name = "", value = ""] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]}\n${value}`;
  }
  return { status: Number(first.split(" ")[1] ?? 0), headers, body: rest.join("\r\n\r\n") };
}

export interface RawRequest {
  readonly method?: string;
  /** The request target as sent over the wire. */
  readonly target: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** A complete request, with the headers in order and nothing else but what a body needs. */
export function requestText({ method = "GET", target, headers = [], body }: RawRequest): string {
  const length = body === undefined ? [] : [`content-length: ${Buffer.byteLength(body)}`];
  const type =
    body === undefined || headers.some((line) => /^content-type:/i.test(line))
      ? []
      : ["content-type: application/x-www-form-urlencoded"];
  const lines = [`${method} ${target} HTTP/1.1`, ...headers, ...type, ...length, "connection: close"];
  return `${lines.join("\r\n")}\r\n\r\n${body ?? ""}`;
}

/** The request lines and Hosts for the main host and for a domain of the pool. */
export async function placesOf(server: TestServer, { UserPoolId }: OAuthPlace) {
  const Domain = `odd-${Math.random().toString(36).slice(2, 10)}`;
  await server.client.send(new CreateUserPoolDomainCommand({ UserPoolId, Domain }));
  const { host, port } = new URL(server.endpoint);
  const at = (authority: string, root: string) => (request: RawRequest) =>
    sendRaw(
      server.endpoint,
      requestText({
        ...request,
        target: `${root}${request.target}`,
        headers: [`host: ${authority}`, ...(request.headers ?? [])],
      }),
    );
  return { main: at(host, `/${UserPoolId}`), domain: at(`${Domain}.auth.localhost:${port}`, "") };
}
