/** Serves the CMS at CMS_URL. */
import { app } from "./app.ts";
import { cmsUrl } from "./sign-in.ts";

const server = app.listen(Number(cmsUrl.port), "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`The CMS is at ${cmsUrl.href}`);
});
process.once("SIGTERM", () => {
  server.close();
  // Browsers keep connections on which they ask nothing.
  setTimeout(() => server.closeAllConnections(), 3_000).unref();
});
