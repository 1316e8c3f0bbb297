/**
 * The limit for small answers: the same HTTP stack reads the same body and answers as many bytes, and does nothing
 * else.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";

const answer = "x".repeat(Number(process.argv[2] ?? 600));
const app = new Hono();
app.post("/", async (c) => {
  await c.req.raw.arrayBuffer();
  return c.body(answer, 200, { "content-type": "application/x-amz-json-1.1" });
});
const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`ready at http://localhost:${(server.address() as AddressInfo).port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
