/** Serves the accounts at ACCOUNTS_URL. */
import { app } from "./app.ts";
import { setting } from "./settings.ts";

const here = new URL(setting("ACCOUNTS_URL"));
const server = app.listen(Number(here.port), "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`The accounts server is at ${here.href}`);
});
process.once("SIGTERM", () => {
  server.close();
  // Browsers keep connections on which they ask nothing.
  setTimeout(() => server.closeAllConnections(), 3_000).unref();
});
