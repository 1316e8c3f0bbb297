/** Identity pools: their settings, roles, principal tags and tags. */
import type { Ctx } from "../../../app.ts";
import { tagProvider } from "../../../domain/identities/principal-tags.ts";
import {
  type IdentityPool,
  identityPoolArn,
  loadIdentityPool,
} from "../../../domain/identity-pools/load-identity-pool.ts";
import {
  addTags,
  createIdentityPool,
  removeIdentityPool,
  removeTags,
  replaceIdentityPool,
  setPrincipalTags,
  setRoles,
} from "../../../domain/identity-pools/manage-identity-pools.ts";
import { listIdentityPools } from "../../../store/identity-pools.ts";
import type { IdentityPool as IdentityPoolType } from "../../../wire/generated/identity-pools.types.ts";
import { refuse } from "../../../wire/refuse.ts";
import type { IdentityHandler } from "../operation.ts";
import { pageBinding, readPage } from "../paging.ts";

export const CreateIdentityPool: IdentityHandler<"CreateIdentityPool"> = async (ctx, input) =>
  shown(await createIdentityPool(ctx, input));

export const DescribeIdentityPool: IdentityHandler<"DescribeIdentityPool"> = async (ctx, input) =>
  shown(await loadIdentityPool(ctx, input.IdentityPoolId));

export const UpdateIdentityPool: IdentityHandler<"UpdateIdentityPool"> = async (ctx, input) =>
  shown(await replaceIdentityPool(ctx, input));

export const DeleteIdentityPool: IdentityHandler<"DeleteIdentityPool"> = async (ctx, input) => {
  await removeIdentityPool(ctx, input.IdentityPoolId);
  return {};
};

export const ListIdentityPools: IdentityHandler<"ListIdentityPools"> = async (ctx, input) => {
  const limit = input.MaxResults;
  const { items, nextToken } = await readPage(
    ctx,
    { binding: pageBinding("ListIdentityPools", limit), token: input.NextToken, limit },
    (page) => listIdentityPools(ctx.db, page),
    ({ poolId }) => poolId,
  );
  return {
    IdentityPools: items.map(({ poolId, name }) => ({ IdentityPoolId: poolId, IdentityPoolName: name })),
    NextToken: nextToken,
  };
};

export const SetIdentityPoolRoles: IdentityHandler<"SetIdentityPoolRoles"> = async (ctx, input) => {
  await setRoles(ctx, input);
  return {};
};

export const GetIdentityPoolRoles: IdentityHandler<"GetIdentityPoolRoles"> = async (ctx, input) => {
  const { id, document } = await loadIdentityPool(ctx, input.IdentityPoolId);
  return { IdentityPoolId: id, Roles: document.Roles ?? {}, RoleMappings: document.RoleMappings };
};

export const SetPrincipalTagAttributeMap: IdentityHandler<"SetPrincipalTagAttributeMap"> = async (
  ctx,
  input,
) => {
  const { IdentityPoolId, IdentityProviderName, UseDefaults, PrincipalTags } = input;
  const provider = tagProvider(ctx.config, IdentityProviderName);
  const map = await setPrincipalTags(ctx, IdentityPoolId, provider, { UseDefaults, PrincipalTags });
  return { IdentityPoolId, IdentityProviderName, ...map };
};

export const GetPrincipalTagAttributeMap: IdentityHandler<"GetPrincipalTagAttributeMap"> = async (
  ctx,
  input,
) => {
  const { id, document } = await loadIdentityPool(ctx, input.IdentityPoolId);
  const { IdentityProviderName } = input;
  const map = document.PrincipalTags?.[tagProvider(ctx.config, IdentityProviderName)];
  return {
    IdentityPoolId: id,
    IdentityProviderName,
    UseDefaults: map?.UseDefaults ?? false,
    PrincipalTags: map?.PrincipalTags ?? {},
  };
};

export const TagResource: IdentityHandler<"TagResource"> = async (ctx, input) => {
  await addTags(ctx, poolOfArn(ctx, input.ResourceArn), input.Tags);
  return {};
};

export const UntagResource: IdentityHandler<"UntagResource"> = async (ctx, input) => {
  await removeTags(ctx, poolOfArn(ctx, input.ResourceArn), input.TagKeys);
  return {};
};

export const ListTagsForResource: IdentityHandler<"ListTagsForResource"> = async (ctx, input) => {
  const { document } = await loadIdentityPool(ctx, poolOfArn(ctx, input.ResourceArn));
  return { Tags: document.IdentityPoolTags ?? {} };
};

/** The pool that an ARN names. An ARN of another account, region or service names nothing here. */
function poolOfArn(ctx: Ctx, arn: string): string {
  const poolId = /:identitypool\/([\w-]+:[0-9a-f-]+)$/.exec(arn)?.[1];
  if (poolId === undefined)
    return refuse("InvalidParameterException", `${arn} is not the ARN of an identity pool.`);
  if (arn !== identityPoolArn(ctx.config, poolId))
    return refuse("ResourceNotFoundException", `The resource ${arn} does not exist.`);
  return poolId;
}

function shown({ id, name, document }: IdentityPool): IdentityPoolType {
  const {
    Roles: _,
    RoleMappings: _mappings,
    PrincipalTags: _tags,
    notBefore: _since,
    ...settings
  } = document;
  return { IdentityPoolId: id, IdentityPoolName: name, ...settings };
}
