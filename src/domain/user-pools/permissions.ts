/** Permissions that a pool's settings require besides that of the operation; domain/iam/actions.ts lists them. */
import type { Ctx } from "../../app.ts";
import { domainOfSender } from "../../lib/mail-address.ts";
import { ownAddresses } from "../../lib/sender-settings.ts";
import { type PoolDocument, poolArn } from "./load-pool.ts";
import { isSpecialTag } from "./tags.ts";

type Settings = Pick<PoolDocument, "UserPoolTags" | "EmailConfiguration">;

/**
 * Throws AccessDeniedException unless the caller may change `before` to `after`. Unchanged settings require no
 * permission, whoever made them.
 * @param poolId undefined for a pool without an id yet
 */
export async function authorizeSettings(
  ctx: Ctx,
  poolId: string | undefined,
  before: Settings,
  after: Settings,
): Promise<void> {
  const resource = poolId === undefined ? "*" : poolArn(ctx.config, poolId);
  const tags = changedTags(before.UserPoolTags ?? {}, after.UserPoolTags ?? {}).filter(isSpecialTag);
  // The keys of those that change: some are removed without being named.
  if (tags.length > 0) await ctx.authorize("SetSpecialTags", resource, { "aws:tagkeys": tags });
  const from = after.EmailConfiguration?.From;
  if (from !== before.EmailConfiguration?.From && !isOwnSender(ctx, from))
    await ctx.authorize("SetEmailSender", resource);
}

function changedTags(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => before[key] !== after[key]);
}

/** Whether a sender is in the domain of one of the server's own; no sender means the server's own. */
function isOwnSender(ctx: Ctx, from: string | undefined): boolean {
  if (from === undefined) return true;
  const domain = domainOfSender(from);
  return ownAddresses(ctx.config.messages).some((own) => domainOfSender(own) === domain);
}
