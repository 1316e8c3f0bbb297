/** Client authentication: client_secret_basic, client_secret_post, or none for public clients. */
import type { Context } from "hono";
import type { Ctx } from "../../app.ts";
import { clientSecretFits } from "../../domain/credentials/check-secret-hash.ts";
import { clientOf, findClientOf } from "../../domain/grants/client.ts";
import { refuseOAuth } from "../../domain/grants/oauth-error.ts";
import type { Client, Pool } from "../../domain/user-pools/load-pool.ts";
import { fromBase64 } from "../../lib/bytes.ts";
import { type Bindings, placeOf, poolIdOf } from "../place.ts";

/**
 * The authenticated client and its pool. Throws invalid_client, invalid_request if two methods contradict each other,
 * and ResourceNotFoundException if the pool does not exist.
 */
export async function authenticateClient(
  ctx: Ctx,
  c: Context<Bindings>,
  form: ReadonlyMap<string, string>,
): Promise<{ pool: Pool; client: Client }> {
  const basic = readBasic(c.req.header("authorization"));
  const named = form.get("client_id");
  if (basic !== undefined && form.has("client_secret"))
    return refuseOAuth("invalid_request", "The client authenticates in two ways at once.");
  if (basic !== undefined && named !== undefined && named !== basic.id)
    return refuseOAuth("invalid_request", "client_id is another one than in the Authorization header.");
  const { pool, client } = await namedClient(ctx, c, basic?.id ?? named);
  const secret = basic?.secret ?? form.get("client_secret");
  if (!clientSecretFits(client, secret)) return wrongClient();
  // A secret for a client that has none is a mix-up of clients.
  if (client.secrets.length === 0 && secret !== undefined) return wrongClient();
  return { pool, client };
}

async function namedClient(
  ctx: Ctx,
  c: Context<Bindings>,
  clientId: string | undefined,
): Promise<{ pool: Pool; client: Client }> {
  const found = clientId === undefined ? undefined : await findClientOf(ctx, poolIdOf(c), clientId);
  if (found !== undefined) return found;
  // A missing pool is reported first.
  const { pool } = await placeOf(ctx, c);
  return { pool, client: await clientOf(ctx, pool, clientId) };
}

/**
 * Parses Basic credentials. RFC 6749 section 2.3.1 wants id and secret form-encoded first; Cognito takes them raw. Both
 * are accepted: encoded ones contain a percent sign, which no id or secret does.
 */
function readBasic(header: string | undefined): { id: string; secret: string } | undefined {
  if (header === undefined) return undefined;
  const [, encoded] = /^Basic +([A-Za-z0-9+/=_-]+)$/i.exec(header) ?? wrongClient();
  const text = fromBase64(encoded ?? "")?.toString("utf8") ?? wrongClient();
  const colon = text.indexOf(":");
  if (colon < 0) return wrongClient();
  const plain = (part: string) =>
    part.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return { id: plain(text.slice(0, colon)), secret: plain(text.slice(colon + 1)) };
}

function wrongClient(): never {
  return refuseOAuth("invalid_client", "The client is unknown, or its secret is missing or wrong.");
}
