/** The client of a request to the authorization server, for endpoints and pages. */
import type { Ctx } from "../../app.ts";
import { type Client, findPoolClient, isClientId, type Pool } from "../user-pools/load-pool.ts";
import { refuseOAuth } from "./oauth-error.ts";

/** A pool, and maybe one of its clients that this request has read along with it. */
export interface PoolAndClient {
  readonly pool: Pool;
  readonly client?: Client | undefined;
}

/**
 * The client with this id, provided that it belongs to this pool. Throws invalid_request if no id is given, and
 * invalid_client.
 */
export async function clientOf(
  ctx: Ctx,
  { pool, client }: PoolAndClient,
  clientId: string | undefined,
): Promise<Client> {
  if (clientId === undefined)
    return refuseOAuth("invalid_request", "Required parameter client_id is not present.");
  if (client?.id === clientId) return client;
  const found = await findClientOf(ctx, pool.id, clientId);
  return found?.client ?? refuseOAuth("invalid_client", "The client does not exist.");
}

/** The client with its pool, by one statement; undefined if it does not belong to the pool with this id. */
export async function findClientOf(
  ctx: Ctx,
  poolId: string,
  clientId: string,
): Promise<{ pool: Pool; client: Client } | undefined> {
  // Anything that cannot be a client id is not looked up: PostgreSQL does not accept U+0000.
  if (!isClientId(clientId)) return undefined;
  return findPoolClient(ctx, poolId, clientId);
}

/** Throws unauthorized_client if the client may only use the API. */
export function requireOAuth(client: Client): void {
  if (client.document.AllowedOAuthFlowsUserPoolClient !== true)
    refuseOAuth("unauthorized_client", "The client may not use OAuth flows.");
}
