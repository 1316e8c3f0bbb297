/**
 * A pool's published keys and metadata (OpenID Connect Discovery 1.0, RFC 8414), as Cognito serves them on the API host:
 * `/<poolId>/.well-known/…`. Members for endpoints that do not exist yet are left out.
 */
import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import type { Ctx } from "../../app.ts";
import { issuer, loadPool, type Pool } from "../../domain/pools/settings.ts";
import { signingKeys } from "../../domain/tokens/keys.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { Serving } from "../context.ts";

/** The model's pattern of a pool id; any other path is nobody's. */
const poolId = ":poolId{[\\w-]+_[0-9a-zA-Z]+}";

type Bindings = { Bindings: HttpBindings };

export function discoveryRoutes(serving: Serving): Hono<Bindings> {
  const routes = new Hono<Bindings>();
  routes.get(`/${poolId}/.well-known/jwks.json`, (c) =>
    answer(serving, c, async (ctx, pool) => ({
      keys: (await signingKeys(ctx, pool)).map((key) => key.publicJwk),
    })),
  );
  routes.get(`/${poolId}/.well-known/openid-configuration`, (c) =>
    answer(serving, c, async (ctx, pool) => ({
      issuer: issuer(ctx.config, pool),
      jwks_uri: `${ctx.config.publicUrl}/${pool.id}/.well-known/jwks.json`,
      id_token_signing_alg_values_supported: ["RS256"],
      subject_types_supported: ["public"],
      response_types_supported: ["code", "token"],
      scopes_supported: ["openid", "email", "phone", "profile"],
    })),
  );
  return routes;
}

async function answer(
  serving: Serving,
  c: Context<Bindings>,
  document: (ctx: Ctx, pool: Pool) => Promise<object>,
): Promise<Response> {
  const ctx = serving.context(c.env.incoming);
  const cors = { "access-control-allow-origin": "*" };
  try {
    const pool = await loadPool(ctx, c.req.param("poolId") ?? "");
    return c.json(await document(ctx, pool), 200, { ...cors, "cache-control": "public, max-age=300" });
  } catch (error) {
    if (error instanceof Refusal) return c.json({ message: error.message }, 404, cors);
    ctx.log.error({ err: error }, "internal error");
    return c.json({ message: `Internal error. Request id: ${ctx.requestId}` }, 500, cors);
  }
}
