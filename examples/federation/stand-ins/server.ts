/** Serves the four stand-ins, each at its own URL. */
import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { setting } from "../settings.ts";
import { facebook } from "./facebook.ts";
import { openIdProvider } from "./openid.ts";
import { samlPages } from "./saml.ts";
import type { SamlKey } from "./saml-key.ts";

const pool = setting("POOL_URL");
const google = { id: "our-app-at-google", secret: setting("GOOGLE_SECRET"), pool };
const corporate = { id: "our-app-at-corporate", secret: setting("OPENID_SECRET"), pool };
const key = JSON.parse(readFileSync("saml-key.json", "utf8")) as SamlKey;

const standIns: Readonly<Record<string, RequestListener>> = {
  GOOGLE_URL: openIdProvider("Google", setting("GOOGLE_URL"), google),
  FACEBOOK_URL: facebook({ id: "our-app-at-facebook", secret: setting("FACEBOOK_SECRET"), pool }),
  OPENID_URL: openIdProvider("Corporate", setting("OPENID_URL"), corporate),
  SAML_URL: samlPages(setting("SAML_URL"), key, `${pool}/saml2/metadata?provider=Campus`),
};

const servers = Object.entries(standIns).map(([variable, answer]) => {
  const { port } = new URL(setting(variable));
  return createServer(answer).listen(Number(port), "127.0.0.1");
});
await Promise.all(servers.map((server) => new Promise((resolve) => server.once("listening", resolve))));
console.log(
  `The stand-in for Google is at ${setting("GOOGLE_URL")}, that for Facebook at ${setting("FACEBOOK_URL")}`,
);
process.once("SIGTERM", () => {
  for (const server of servers) server.close();
  // Browsers keep connections on which they ask nothing.
  setTimeout(() => {
    for (const server of servers) server.closeAllConnections();
  }, 3_000).unref();
});
