/** Serves the notice board at APP_URL. */
import { app } from "./app.ts";
import { appUrl } from "./settings.ts";

const server = app.listen(Number(appUrl.port), "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`The notice board is at ${appUrl.href}`);
});
process.once("SIGTERM", () => {
  server.close();
  // Browsers keep connections on which they ask nothing.
  setTimeout(() => server.closeAllConnections(), 3_000).unref();
});
