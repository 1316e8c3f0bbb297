/**
 * Determines the pool that a request of a browser or an OAuth client is about: by the first segment of the path on the
 * main host, or by the pool's domain. A domain serves only its own pool.
 */
import type { IncomingMessage } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import type { Context, Hono } from "hono";
import type { Ctx } from "../app.ts";
import { findClientOf } from "../domain/grants/client.ts";
import { servedBy } from "../domain/user-pools/domains.ts";
import { type Client, loadPool, noSuchPool, type Pool } from "../domain/user-pools/load-pool.ts";
import { hostKey } from "../lib/host-name.ts";
import type { Unread } from "./body.ts";
import { hostName } from "./hosts.ts";

/** A pool's domain that a request came to, with the URL that the endpoints begin with there. */
interface Domain {
  readonly poolId: string;
  readonly base: string;
  readonly loginVersion: number;
}

interface Env extends HttpBindings {
  /** Reads the body, up to `limit` bytes (body.ts). */
  readBody(limit: number): Promise<Uint8Array | Unread>;
  /** Undefined at the main host. */
  readonly domain?: Domain;
}

export type Bindings = { Bindings: Env };

export interface Place {
  readonly pool: Pool;
  /** The client that the query names, if it was read along with the pool. */
  readonly client?: Client;
  /** The URL that the pool's endpoints begin with, without a trailing slash. */
  readonly base: string;
  /** ManagedLoginVersion of the domain that the request came to. */
  readonly loginVersion?: number;
}

/** The model's pattern of a pool id. */
export const poolIdPattern = "[\\w-]+_[0-9a-zA-Z]+";

/** A path that begins with a pool id; other paths have no pool. */
export const poolPath = `/:poolId{${poolIdPattern}}`;

export function baseOf(ctx: Pick<Ctx, "config">, pool: Pick<Pool, "id">): string {
  return `${ctx.config.publicUrl}/${pool.id}`;
}

/** What a request names: the pool id in its path, and the domain that it came to. */
export interface Addressed {
  readonly poolId: string;
  readonly domain?: Domain | undefined;
}

export function addressedBy(c: Context<Bindings>): Addressed {
  return { poolId: c.req.param("poolId") ?? "", domain: c.env.domain };
}

/** The pool id in the path. Throws ResourceNotFoundException if the domain serves another pool. */
export function poolIdAt({ poolId, domain }: Addressed): string {
  // A path with dots could lead to another pool.
  return domain === undefined || domain.poolId === poolId ? poolId : noSuchPool(poolId);
}

/** The pool and its URL. Throws ResourceNotFoundException if there is no such pool. */
export async function placeAt(ctx: Ctx, addressed: Addressed): Promise<Place> {
  return { pool: await loadPool(ctx, poolIdAt(addressed)), ...whereAt(ctx, addressed) };
}

function whereAt({ config }: Ctx, { poolId, domain }: Addressed): Pick<Place, "base" | "loginVersion"> {
  if (domain === undefined) return { base: baseOf({ config }, { id: poolId }) };
  return { base: domain.base, loginVersion: domain.loginVersion };
}

/** As placeAt, of a request that Hono has routed. */
export function placeOf(ctx: Ctx, c: Context<Bindings>): Promise<Place> {
  return placeAt(ctx, addressedBy(c));
}

/** As placeOf, with the client of `client_id` in the query: both are read by one statement. */
export async function visitedPlace(ctx: Ctx, c: Context<Bindings>): Promise<Place> {
  const addressed = addressedBy(c);
  const [, clientId] = /(?:^|&)client_id=(\w{1,128})(?:&|$)/.exec(rawQuery(c)) ?? [];
  const found = clientId === undefined ? undefined : await findClientOf(ctx, poolIdAt(addressed), clientId);
  return found === undefined ? placeAt(ctx, addressed) : { ...found, ...whereAt(ctx, addressed) };
}

/**
 * The raw query without the question mark; parsing it as a URL would change it. It is ASCII without spaces: Node
 * refuses any other request target.
 */
export function queryOf({ url = "" }: Pick<IncomingMessage, "url">): string {
  if (!url.includes("?")) return "";
  return /^[^?#]*\?([^#]*)/.exec(url)?.[1] ?? "";
}

/** As queryOf, of a request that Hono has routed. */
export function rawQuery(c: Context<Bindings>): string {
  return queryOf(c.env.incoming);
}

/**
 * Answers a request to a host name that is a pool's domain, by the routes of the main host; undefined if it is not such
 * a domain.
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
  // The name was registered for the pool; scheme and port are the server's own.
  const origin = `${protocol}//${hostKey(host)}${port === "" ? "" : `:${port}`}`;
  // Without the body, which is read from the connection.
  const { method, headers } = c.req.raw;
  // A Request cannot be constructed with this method.
  if (method === "TRACE") return c.json({ message: "The method is not allowed." }, 405);
  const request = new Request(`${origin}/${served.poolId}${path}`, { method, headers });
  return routes.fetch(request, { ...c.env, domain: { ...served, base: origin } });
}
