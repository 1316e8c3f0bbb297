/** Serves the legacy service at LEGACY_URL. */
import { setting } from "../settings.ts";
import { app } from "./app.ts";

const here = new URL(setting("LEGACY_URL"));
const server = app.listen(Number(here.port), "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`The legacy service is at ${here.href}`);
});
process.once("SIGTERM", () => {
  server.close();
  // Browsers keep connections on which they ask nothing.
  setTimeout(() => server.closeAllConnections(), 3_000).unref();
});
