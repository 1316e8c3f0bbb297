/** Default headers of every answer of the pools' endpoints: pages, redirects, JSON, files and refusals. */
import type { MiddlewareHandler } from "hono";
import { type Config, isLoopbackHost } from "../config/config.ts";
import type { Serving } from "./context.ts";
import type { Bindings } from "./place.ts";

/** Defaults unless the answer sets its own: no framing, no content sniffing, no caching. */
const guards = Object.entries({
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
});

/** Browsers may call the APIs, and read what they answer, from anywhere. */
export const apiCors = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date",
};

/** Seconds. */
const year = 31_536_000;

export function guarded({ publicUrl }: Pick<Config, "publicUrl">): MiddlewareHandler<Bindings> {
  const { protocol, hostname } = new URL(publicUrl);
  // On a loopback host it would turn every other program on this machine to https.
  const isStrict = protocol === "https:" && !isLoopbackHost(hostname);
  const all = [...guards, ...(isStrict ? [["strict-transport-security", `max-age=${year}`] as const] : [])];
  return (c, next) => {
    // Set on Node's response: changing Hono's once it exists would create it anew.
    for (const [name, value] of all) c.env.outgoing.setHeader(name, value);
    return next();
  };
}

/**
 * Where this server serves https itself, keeps pages, codes and tokens off its plain http port: a GET is redirected, and
 * anything else refused, since what it carried was readable on the way. Behind a proxy, its X-Forwarded-Proto counts.
 */
export function overTls({ app, isSecure }: Serving): MiddlewareHandler<Bindings> {
  const { tls, publicUrl } = app.config;
  const applies = tls !== undefined && publicUrl.startsWith("https:");
  return (c, next) => {
    const { incoming, domain } = c.env;
    if (!applies || isSecure(incoming) !== false) return next();
    const { method } = c.req;
    if (method !== "GET" && method !== "HEAD") {
      const error_description = "This needs https.";
      return Promise.resolve(c.json({ error: "invalid_request", error_description }, 400));
    }
    return Promise.resolve(c.redirect(`${domain?.base ?? publicUrl}${incoming.url ?? ""}`, 302));
  };
}
