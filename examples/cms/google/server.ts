/** Serves the stand-in for Google of examples/federation at GOOGLE_URL. */
import { openIdProvider } from "../../federation/stand-ins/openid.ts";
import { setting } from "../../legacy-cms/settings.ts";

const here = new URL(setting("GOOGLE_URL"));
const client = { id: "our-app-at-google", secret: setting("GOOGLE_SECRET"), pool: setting("POOL_URL") };
const app = openIdProvider("Google", here.href, client);
const server = app.listen(Number(here.port), "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`The stand-in for Google is at ${here.href}`);
});
process.once("SIGTERM", () => {
  server.close();
  // Browsers keep connections on which they ask nothing.
  setTimeout(() => server.closeAllConnections(), 3_000).unref();
});
