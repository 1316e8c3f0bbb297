/** Serves the members' pages at APP_URL. */
import { app, appUrl } from "./app.ts";

const server = app.listen(Number(appUrl.port), "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`The application of the members is at ${appUrl.href}`);
});
process.once("SIGTERM", () => {
  server.close();
  // Browsers keep connections on which they ask nothing.
  setTimeout(() => server.closeAllConnections(), 3_000).unref();
});
