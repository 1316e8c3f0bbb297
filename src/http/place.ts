/** Which pool a request of a browser or an OAuth client is about: the first step of the path, on the main host. */
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { Ctx } from "../app.ts";
import { loadPool, type Pool } from "../domain/pools/settings.ts";

export type Bindings = { Bindings: HttpBindings };

export interface Place {
  readonly pool: Pool;
  /** URL that the pool's endpoints begin with, without a slash at its end. */
  readonly base: string;
}

/** The model's pattern of a pool id; any other path is nobody's. */
export const poolPath = "/:poolId{[\\w-]+_[0-9a-zA-Z]+}";

export function baseOf(ctx: Pick<Ctx, "config">, pool: Pick<Pool, "id">): string {
  return `${ctx.config.publicUrl}/${pool.id}`;
}

/** Throws ResourceNotFoundException. */
export async function placeOf(ctx: Ctx, c: Context<Bindings>): Promise<Place> {
  const pool = await loadPool(ctx, c.req.param("poolId") ?? "");
  return { pool, base: baseOf(ctx, pool) };
}

/** The query as it came, without the question mark. */
export function rawQuery(c: Context): string {
  const { url } = c.req;
  const at = url.indexOf("?");
  return at < 0 ? "" : url.slice(at + 1);
}
