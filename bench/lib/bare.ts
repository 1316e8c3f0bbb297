/**
 * The limits of small answers, as servers that read a request and answer as many bytes, and do nothing else:
 * `bare.ts hono|http|net [bytes]`. Hono with the adapter that our pages and OAuth endpoints use, node:http alone, and a
 * socket server that does not even parse: it takes what arrives at once for a request.
 */
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";

const [kind = "hono", bytes = "600"] = process.argv.slice(2);
const type = "application/x-amz-json-1.1";
const answer = "x".repeat(Number(bytes));

function hono() {
  const app = new Hono();
  app.post("/", async (c) => {
    await c.req.raw.arrayBuffer();
    return c.body(answer, 200, { "content-type": type });
  });
  return createHttpServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
}

function http() {
  return createHttpServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      outgoing.writeHead(200, { "content-type": type, "content-length": answer.length }).end(answer);
    });
  });
}

function net() {
  const whole = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${answer.length}\r\n\r\n${answer}`;
  return createSocketServer((socket) => {
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("data", () => socket.write(whole));
  });
}

const makers: Readonly<Record<string, () => ReturnType<typeof createSocketServer>>> = { hono, http, net };
const server = makers[kind]!();
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`ready at http://localhost:${(server.address() as AddressInfo).port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
