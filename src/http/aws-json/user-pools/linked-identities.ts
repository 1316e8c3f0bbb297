/** Links between users and identities at other providers. */
import { disableIdentity, linkIdentity, type NamedIdentity } from "../../../domain/federation/links.ts";
import { loadPool } from "../../../domain/user-pools/load-pool.ts";
import type { ProviderUserIdentifierType } from "../../../wire/generated/user-pools.types.ts";
import type { Handler } from "../operation.ts";

const named = (user: ProviderUserIdentifierType): NamedIdentity => ({
  provider: user.ProviderName,
  attribute: user.ProviderAttributeName,
  value: user.ProviderAttributeValue,
});

export const AdminLinkProviderForUser: Handler<"AdminLinkProviderForUser"> = async (ctx, input) => {
  const pool = await loadPool(ctx, input.UserPoolId);
  await linkIdentity(ctx, pool, {
    destination: named(input.DestinationUser),
    source: named(input.SourceUser),
  });
  return {};
};

export const AdminDisableProviderForUser: Handler<"AdminDisableProviderForUser"> = async (ctx, input) => {
  const pool = await loadPool(ctx, input.UserPoolId);
  await disableIdentity(ctx, pool, named(input.User));
  return {};
};
