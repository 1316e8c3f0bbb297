/** Tags of user pools, the only resources of this service that have any. */
import type { Ctx } from "../../../app.ts";
import { loadPool, poolArn } from "../../../domain/user-pools/load-pool.ts";
import { addTags, removeTags } from "../../../domain/user-pools/update-pool.ts";
import { refuse } from "../../../wire/refuse.ts";
import type { Handler } from "../operation.ts";

export const TagResource: Handler<"TagResource"> = async (ctx, input) => {
  await addTags(ctx, poolOfArn(ctx, input.ResourceArn), input.Tags);
  return {};
};

export const UntagResource: Handler<"UntagResource"> = async (ctx, input) => {
  await removeTags(ctx, poolOfArn(ctx, input.ResourceArn), input.TagKeys);
  return {};
};

export const ListTagsForResource: Handler<"ListTagsForResource"> = async (ctx, input) => {
  const { document } = await loadPool(ctx, poolOfArn(ctx, input.ResourceArn));
  return { Tags: document.UserPoolTags ?? {} };
};

/** The pool that an ARN names. An ARN of another account, region or service names nothing here. */
function poolOfArn(ctx: Ctx, arn: string): string {
  const poolId = /:userpool\/([^/:]+)$/.exec(arn)?.[1];
  if (poolId === undefined)
    return refuse("InvalidParameterException", `${arn} is not the ARN of a user pool.`);
  if (arn !== poolArn(ctx.config, poolId))
    return refuse("ResourceNotFoundException", `The resource ${arn} does not exist.`);
  return poolId;
}
