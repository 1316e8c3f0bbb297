/** `resource` (RFC 8707): the audience that an access token is for. */
import type { Ctx } from "../../app.ts";
import { forbiddenSchemes } from "../user-pools/client-oauth.ts";
import { isStrict } from "../user-pools/client-tags.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { isResourceServer } from "../user-pools/resource-servers.ts";
import { refuseOAuth } from "./oauth-error.ts";

/**
 * Checks the resource. With Cognito it is any one URL ("https://", "http://localhost" or a custom scheme), so that an
 * application may name any API; a client that wants the standard may only name a resource server of the pool. Throws
 * invalid_target, and invalid_scope on a domain without managed login, as Cognito does.
 * @param loginVersion ManagedLoginVersion of the domain, if the request came to one
 */
export async function checkResource(
  ctx: Ctx,
  { pool, client, loginVersion }: { pool: Pool; client: Client; loginVersion?: number | undefined },
  given: string | undefined,
): Promise<void> {
  if (given === undefined) return;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const isPlain = url?.protocol === "http:" && url.hostname !== "localhost";
  if (url === undefined || isPlain || given.includes("#") || forbiddenSchemes.has(url.protocol))
    refuseOAuth("invalid_target", "resource must be an absolute URL without a fragment.");
  if (isStrict(pool, client)) {
    if (!(await isResourceServer(ctx, pool, given)))
      refuseOAuth("invalid_target", "resource is no resource server of the user pool.");
  } else if (loginVersion === 1)
    refuseOAuth("invalid_scope", "resource is not supported on a domain without managed login.");
}
