/** What providers post, directly or by a browser (application/x-www-form-urlencoded), and the URL that they post it to. */
import type { Context } from "hono";
import type { Ctx } from "../../app.ts";
import { findProvider, type Provider } from "../../domain/federation/provider.ts";
import { readOnceFields } from "../form.ts";
import { holdings } from "../holdings.ts";
import { type Bindings, type Place, rawQuery } from "../place.ts";

/** Throws invalid_request, as readOnceFields. */
export const readAnswer = (c: Context<Bindings>): Promise<URLSearchParams> =>
  readOnceFields(c.env, holdings.providerAnswer.limit.bytes);

/**
 * The provider that the query of the URL names (`?provider=<ProviderName>`, percent-encoded: a name may contain `/`, and
 * letters of any language). Undefined if it names none, or none of the pool.
 */
export async function providerOfQuery(
  ctx: Ctx,
  c: Context<Bindings>,
  { pool }: Place,
): Promise<Provider | undefined> {
  const [name, another] = new URLSearchParams(rawQuery(c)).getAll("provider");
  return name && another === undefined ? findProvider(ctx, pool.id, name) : undefined;
}
