/** Serves the shop at SHOP_URL. */
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { app, shopUrl } from "./app.ts";

const pem = readFileSync("tls.pem");
const server = createServer({ key: pem, cert: pem }, app);
server.listen(Number(shopUrl.port), "127.0.0.1", () => console.log(`The shop is at ${shopUrl.href}`));
process.once("SIGTERM", () => {
  server.close();
  // Browsers keep connections on which they ask nothing.
  setTimeout(() => server.closeAllConnections(), 3_000).unref();
});
