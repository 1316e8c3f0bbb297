/** Default headers of every answer of the pools' endpoints: pages, redirects, JSON, files and refusals. */
import type { IncomingMessage } from "node:http";
import type { MiddlewareHandler } from "hono";
import { type Config, isLoopbackHost } from "../config/config.ts";
import type { Serving } from "./context.ts";
import type { Bindings } from "./place.ts";

/** Defaults unless the answer sets its own: no framing, no content sniffing, no caching. */
const guards = {
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};

/** Browsers may call the APIs, and read what they answer, from anywhere. */
export const apiCors = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date",
};

/** Seconds. */
const year = 31_536_000;

/** The default headers of a server with this public URL. */
export function guardHeaders({ publicUrl }: Pick<Config, "publicUrl">): Readonly<Record<string, string>> {
  const { protocol, hostname } = new URL(publicUrl);
  // On a loopback host it would turn every other program on this machine to https.
  const isStrict = protocol === "https:" && !isLoopbackHost(hostname);
  return { ...guards, ...(isStrict && { "strict-transport-security": `max-age=${year}` }) };
}

export function guarded(config: Pick<Config, "publicUrl">): MiddlewareHandler<Bindings> {
  const all = Object.entries(guardHeaders(config));
  return (c, next) => {
    // Set on Node's response: changing Hono's once it exists would create it anew.
    for (const [name, value] of all) c.env.outgoing.setHeader(name, value);
    return next();
  };
}

/**
 * The values of a header of a request, one for each line. (Of some headers Node itself shows the first line alone.)
 * @param name in lower case
 */
export function headerLines({ rawHeaders }: IncomingMessage, name: string): string[] {
  const lines: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at]!;
    if (given.length === name.length && given.toLowerCase() === name) lines.push(rawHeaders[at + 1]!);
  }
  return lines;
}

/** A header of a request, with several lines joined by commas as for Fetch's Headers. @param name in lower case */
export function joinedHeader(incoming: IncomingMessage, name: string): string | undefined {
  const lines = headerLines(incoming, name);
  return lines.length > 1 ? lines.join(", ") : lines[0];
}

/** Whether a request has come by plain http to a server that itself serves https, and must not be answered. */
export function createPlainCheck({ app, isSecure }: Serving): (incoming: IncomingMessage) => boolean {
  const { tls, publicUrl } = app.config;
  const applies = tls !== undefined && publicUrl.startsWith("https:");
  return (incoming) => applies && isSecure(incoming) === false;
}

/**
 * Where this server serves https itself, keeps pages, codes and tokens off its plain http port: a GET is redirected, and
 * anything else refused, since what it carried was readable on the way. Behind a proxy, its X-Forwarded-Proto counts.
 */
export function overTls(serving: Serving): MiddlewareHandler<Bindings> {
  const { publicUrl } = serving.app.config;
  const isPlain = createPlainCheck(serving);
  return (c, next) => {
    const { incoming, domain } = c.env;
    if (!isPlain(incoming)) return next();
    const { method } = c.req;
    if (method !== "GET" && method !== "HEAD") {
      const error_description = "This needs https.";
      return Promise.resolve(c.json({ error: "invalid_request", error_description }, 400));
    }
    return Promise.resolve(c.redirect(`${domain?.base ?? publicUrl}${incoming.url ?? ""}`, 302));
  };
}
