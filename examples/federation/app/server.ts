/** Serves the club's pages at APP_URL. */
import { app, appUrl } from "./app.ts";

const server = app.listen(Number(appUrl.port), "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`The club is at ${appUrl.href}`);
});
process.once("SIGTERM", () => {
  server.close();
  // Browsers keep connections on which they ask nothing.
  setTimeout(() => server.closeAllConnections(), 3_000).unref();
});
