/** The client that a request names at the authorization server, for endpoints and pages alike. */
import type { Ctx } from "../../app.ts";
import { type Client, findClientWithPool, isClientId, type Pool } from "../user-pools/load-pool.ts";
import { refuseOAuth } from "./oauth-error.ts";

/** The client, if it is one of this pool. Throws invalid_request where none is named, and invalid_client. */
export async function clientOf(ctx: Ctx, pool: Pool, clientId: string | undefined): Promise<Client> {
  if (clientId === undefined)
    return refuseOAuth("invalid_request", "Required parameter client_id is not present.");
  const found = await findClientOf(ctx, pool.id, clientId);
  return found?.client ?? refuseOAuth("invalid_client", "The client does not exist.");
}

/** The client with its pool, by one statement; undefined where it is none of the pool of this id. */
export async function findClientOf(
  ctx: Ctx,
  poolId: string,
  clientId: string,
): Promise<{ pool: Pool; client: Client } | undefined> {
  // What no client id can be is not looked for: PostgreSQL takes no U+0000.
  if (!isClientId(clientId)) return undefined;
  const found = await findClientWithPool(ctx, clientId);
  return found?.pool.id === poolId ? found : undefined;
}

/** Throws unauthorized_client where the client is for the API alone. */
export function requireOAuth(client: Client): void {
  if (client.document.AllowedOAuthFlowsUserPoolClient !== true)
    refuseOAuth("unauthorized_client", "The client may not use OAuth flows.");
}
