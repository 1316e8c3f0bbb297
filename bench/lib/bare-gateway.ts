/** The limits of the gateway: a bare answer of Node's at `/bare`, and the bare proxy library for all else. */
import { Agent, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createProxyServer } from "httpxy";

const proxy = createProxyServer({ target: process.argv[2]!, agent: new Agent({ keepAlive: true }) });
const server = createServer((incoming, outgoing) => {
  if (incoming.url === "/bare") outgoing.writeHead(200, { "content-length": 0 }).end();
  else void proxy.web(incoming, outgoing);
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`ready at http://localhost:${(server.address() as AddressInfo).port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
