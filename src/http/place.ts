/**
 * Which pool a request of a browser or an OAuth client is about: the first step of the path on the main host, and what a
 * domain of a pool is for. A domain serves its pool alone.
 */
import type { HttpBindings } from "@hono/node-server";
import type { Context, Hono } from "hono";
import type { Ctx } from "../app.ts";
import { servedBy } from "../domain/user-pools/domains.ts";
import { loadPool, noSuchPool, type Pool } from "../domain/user-pools/load-pool.ts";
import { hostKey } from "../lib/host-name.ts";
import type { Unread } from "./body.ts";
import { hostName } from "./hosts.ts";

interface Env extends HttpBindings {
  /** Reads the body, of so many bytes at most (body.ts). */
  readBody(limit: number): Promise<Uint8Array | Unread>;
  /** Where the request came to a domain of a pool: which, and the URL that its endpoints begin with there. */
  readonly domain?: { readonly poolId: string; readonly base: string; readonly loginVersion: number };
}

export type Bindings = { Bindings: Env };

export interface Place {
  readonly pool: Pool;
  /** URL that the pool's endpoints begin with, without a slash at its end. */
  readonly base: string;
  /** ManagedLoginVersion of the domain that the request came to. */
  readonly loginVersion?: number;
}

/** The model's pattern of a pool id; any other path is nobody's. */
export const poolPath = "/:poolId{[\\w-]+_[0-9a-zA-Z]+}";

export function baseOf(ctx: Pick<Ctx, "config">, pool: Pick<Pool, "id">): string {
  return `${ctx.config.publicUrl}/${pool.id}`;
}

/** The id in the path. Throws ResourceNotFoundException where it is not the one that the domain serves. */
export function poolIdOf(c: Context<Bindings>): string {
  const { domain } = c.env;
  const poolId = c.req.param("poolId") ?? "";
  // A path with dots could lead to another pool's.
  return domain === undefined || domain.poolId === poolId ? poolId : noSuchPool(poolId);
}

/** Throws ResourceNotFoundException. */
export async function placeOf(ctx: Ctx, c: Context<Bindings>): Promise<Place> {
  const { domain } = c.env;
  const pool = await loadPool(ctx, poolIdOf(c));
  if (domain === undefined) return { pool, base: baseOf(ctx, pool) };
  return { pool, base: domain.base, loginVersion: domain.loginVersion };
}

/**
 * The query as it came, without the question mark, which parsing it as a URL would change. It is ASCII without blanks:
 * Node refuses any other request target.
 */
export function rawQuery(c: Context<Bindings>): string {
  return /^[^?#]*\?([^#]*)/.exec(c.env.incoming.url ?? "")?.[1] ?? "";
}

/** What may not be told to a redirect URI that is not known to be the client's, is told on a page of ours. */
export function errorPageOf({ base }: Place, error: string, query: string): string {
  const parameters = new URLSearchParams(query);
  const told = new URLSearchParams({ error });
  for (const name of ["client_id", "lang"]) {
    const value = parameters.get(name);
    if (value) told.set(name, value.slice(0, 128));
  }
  return `${base}/error?${told}`;
}

/**
 * Answers a request that came to a host name which is a domain of a pool, by the routes of the main host. Undefined: it is
 * none.
 */
export async function atDomain(
  ctx: Ctx,
  c: Context<{ Bindings: HttpBindings }>,
  routes: Hono<Bindings>,
): Promise<Response | undefined> {
  const host = hostName(c.req.header("host") ?? "");
  const served = await servedBy(ctx, host);
  if (served === undefined) return undefined;
  const { url } = c.req;
  const path = url.slice(url.indexOf("/", url.indexOf("//") + 2));
  const { protocol, port } = new URL(ctx.config.publicUrl);
  // The name is one that was registered for the pool; scheme and port are those of the server itself.
  const origin = `${protocol}//${hostKey(host)}${port === "" ? "" : `:${port}`}`;
  // Without the body, which is read from the connection.
  const { method, headers } = c.req.raw;
  // No Request can be made with it.
  if (method === "TRACE") return c.json({ message: "The method is not allowed." }, 405);
  const request = new Request(`${origin}/${served.poolId}${path}`, { method, headers });
  return routes.fetch(request, { ...c.env, domain: { ...served, base: origin } });
}
