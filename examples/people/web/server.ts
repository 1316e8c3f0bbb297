/** Serves People Web at WEB_URL. */
import { setting } from "../settings.ts";
import { app } from "./app.ts";
import { webUrl } from "./sign-in.ts";

const server = app.listen(Number(webUrl.port), setting("HOST", "127.0.0.1"), (error) => {
  if (error) throw error;
  console.log(`People Web is at ${webUrl.href}`);
});
process.once("SIGTERM", () => {
  server.close();
  // Browsers keep connections on which they ask nothing.
  setTimeout(() => server.closeAllConnections(), 3_000).unref();
});
