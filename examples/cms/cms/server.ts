/** Serves the CMS at BACKEND_URL, where the gateway passes requests on to. */
import { setting } from "../../legacy-cms/settings.ts";
import { app } from "./app.ts";

const here = new URL(setting("BACKEND_URL"));
const server = app.listen(Number(here.port), "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`The CMS, as the gateway reaches it, is at ${here.href}`);
});
process.once("SIGTERM", () => {
  server.close();
  // Browsers keep connections on which they ask nothing.
  setTimeout(() => server.closeAllConnections(), 3_000).unref();
});
