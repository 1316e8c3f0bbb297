/** Which identity provider an authorization request leads to. */
import type { Ctx } from "../../app.ts";
import { type AuthorizationRequest, RedirectedRefusal } from "../grants/authorization-request.ts";
import { admitsOwnUsers, ownUsers, providersOf } from "../user-pools/providers.ts";
import { findClientProvider, findProviderByIdentifier, type Provider } from "./provider.ts";

export interface Asked {
  /** The provider that the browser is sent to without a page of ours; undefined for the sign-in page. */
  readonly provider: Provider | undefined;
  /** Whether the client has named it: only a sign-in through it is then enough. */
  readonly isNamed: boolean;
}

/**
 * The provider of `identity_provider` or `idp_identifier`, or the only one of a client that does not have the pool's own
 * users. Throws invalid_request for a provider that the client does not offer, whether or not the pool has it.
 */
export async function askedProvider(ctx: Ctx, request: AuthorizationRequest): Promise<Asked> {
  const { pool, client, identityProvider: name, idpIdentifier: identifier } = request;
  // Applications name COGNITO to get to the sign-in page.
  if (name !== undefined && name !== ownUsers) {
    const provider = await findClientProvider(ctx, { pool, client }, name);
    return { provider: provider ?? unknown(request), isNamed: true };
  }
  if (name === undefined && identifier !== undefined) {
    const provider = await findProviderByIdentifier(ctx, pool.id, identifier);
    const isOffered = provider !== undefined && providersOf(client).includes(provider.name);
    return { provider: isOffered ? provider : unknown(request), isNamed: true };
  }
  const [only, another] = providersOf(client);
  if (only === undefined || another !== undefined || admitsOwnUsers(client))
    return { provider: undefined, isNamed: false };
  return { provider: await findClientProvider(ctx, { pool, client }, only), isNamed: false };
}

function unknown(request: AuthorizationRequest): never {
  throw new RedirectedRefusal("invalid_request", "The client has no such identity provider.", request);
}
