/** Developer-authenticated identities. */
import * as developer from "../../../domain/identities/developer.ts";
import { loadIdentityPool } from "../../../domain/identity-pools/load-identity-pool.ts";
import type { IdentityHandler } from "../operation.ts";
import { pageBinding, pageSize, readPage } from "../paging.ts";

export const GetOpenIdTokenForDeveloperIdentity: IdentityHandler<
  "GetOpenIdTokenForDeveloperIdentity"
> = async (ctx, input) => {
  const pool = await loadIdentityPool(ctx, input.IdentityPoolId);
  const { identityId, token } = await developer.developerToken(ctx, pool, input);
  return { IdentityId: identityId, Token: token };
};

export const LookupDeveloperIdentity: IdentityHandler<"LookupDeveloperIdentity"> = async (ctx, input) => {
  const pool = await loadIdentityPool(ctx, input.IdentityPoolId);
  const { identityId, identifiers } = await developer.lookUp(ctx, pool, input);
  const limit = pageSize(input.MaxResults);
  const { items, nextToken } = await readPage(
    ctx,
    {
      binding: pageBinding("LookupDeveloperIdentity", pool.id, identityId, limit),
      token: input.NextToken,
      limit,
    },
    async ({ after, limit: most }) => identifiers.filter((one) => one > after).slice(0, most),
    (identifier) => identifier,
  );
  return { IdentityId: identityId, DeveloperUserIdentifierList: items, NextToken: nextToken };
};

export const MergeDeveloperIdentities: IdentityHandler<"MergeDeveloperIdentities"> = async (ctx, input) => {
  const pool = await loadIdentityPool(ctx, input.IdentityPoolId);
  return { IdentityId: await developer.mergeDevelopers(ctx, pool, input) };
};

export const UnlinkDeveloperIdentity: IdentityHandler<"UnlinkDeveloperIdentity"> = async (ctx, input) => {
  await developer.unlinkDeveloper(ctx, await loadIdentityPool(ctx, input.IdentityPoolId), input);
  return {};
};
