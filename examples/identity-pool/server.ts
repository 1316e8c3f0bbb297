/** Serves the page and the API that it calls at PAGE_URL. */
import express from "express";
import { api } from "./api.ts";
import { buildPage } from "./page.ts";
import { setting } from "./settings.ts";

const app = express();
app.disable("x-powered-by");
app.use("/api", api);
app.use(await buildPage());

const url = new URL(setting("PAGE_URL"));
const server = app.listen(Number(url.port), "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`The museum is at ${url.href}`);
});
process.once("SIGTERM", () => {
  server.close();
  // Browsers keep connections on which they ask nothing.
  setTimeout(() => server.closeAllConnections(), 3_000).unref();
});
