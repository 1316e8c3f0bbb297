/** The published key and metadata of the issuer of identity pools' tokens (OpenID Connect Discovery 1.0). */
import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import type { Ctx } from "../../app.ts";
import { identityKeySet } from "../../domain/identities/openid-tokens.ts";
import { identityIssuer } from "../../domain/identity-pools/provider-names.ts";
import type { Serving } from "../context.ts";
import { apiCors } from "../headers.ts";

type Bindings = { Bindings: HttpBindings };

export function identityDiscoveryRoutes(serving: Serving): Hono<Bindings> {
  const routes = new Hono<Bindings>();
  routes.get("/identity/.well-known/openid-configuration", (c) =>
    answer(serving, c, async ({ config }) => metadata(identityIssuer(config))),
  );
  routes.get("/identity/.well-known/jwks.json", (c) => answer(serving, c, identityKeySet));
  return routes;
}

function metadata(issuer: string): object {
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
    claims_supported: ["iss", "sub", "aud", "exp", "iat", "amr"],
  };
}

async function answer(
  serving: Serving,
  c: Context<Bindings>,
  document: (ctx: Ctx) => Promise<object>,
): Promise<Response> {
  const ctx = serving.context(c.env.incoming);
  const cors = { "access-control-allow-origin": apiCors["access-control-allow-origin"] };
  try {
    return c.json(await document(ctx), 200, { ...cors, "cache-control": "public, max-age=300" });
  } catch (error) {
    ctx.log.error({ err: error }, "internal error");
    return c.json({ message: `Internal error. Request id: ${ctx.requestId}` }, 500, cors);
  }
}
