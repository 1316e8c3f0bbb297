/**
 * Pagination of the AWS JSON operations. A page token is sealed and bound to the operation and its parameters, because
 * AWS asks for an "additional API request with the same parameters"; a token of another operation, pool or filter is
 * refused.
 */
import type { Ctx } from "../../app.ts";
import { makePageToken, readPageToken } from "../../lib/page-token.ts";
import { refuse } from "../../wire/refuse.ts";

/** The token for the page after `position`. `binding` comes from `pageBinding`. */
function pageToken(ctx: Ctx, binding: string, position: string): string {
  return makePageToken({ key: pageKey(ctx), position, binding, now: ctx.now, random: ctx.random });
}

/**
 * The position where the page begins; undefined for the first page. Throws InvalidParameterException if the token is
 * not ours.
 */
function readPosition(ctx: Ctx, binding: string, token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  return (
    readPageToken({ key: pageKey(ctx), token, binding, now: ctx.now }) ??
    refuse("InvalidParameterException", "Invalid pagination token given.")
  );
}

/** An unambiguous text of the operation and all parameters that must stay the same for the next page. */
export function pageBinding(operation: string, ...parameters: readonly unknown[]): string {
  return JSON.stringify([operation, ...parameters]);
}

/** The page size where the model allows 0..60 or 1..60: absent and 0 mean 60 (QueryLimitType). */
export function pageSize(limit: number | undefined): number {
  return limit || 60;
}

/**
 * One page, and the token of the next one. `read` is asked for one item more than the page holds, so that the last page
 * has no token.
 */
export async function readPage<Item>(
  ctx: Ctx,
  request: { binding: string; token: string | undefined; limit: number },
  read: (page: { after: string; limit: number }) => Promise<Item[]>,
  positionOf: (item: Item) => string,
): Promise<{ items: Item[]; nextToken: string | undefined }> {
  const after = readPosition(ctx, request.binding, request.token) ?? "";
  const found = await read({ after, limit: request.limit + 1 });
  const items = found.slice(0, request.limit);
  const last = items.at(-1);
  if (found.length <= request.limit || last === undefined) return { items, nextToken: undefined };
  return { items, nextToken: pageToken(ctx, request.binding, positionOf(last)) };
}

/**
 * The key of page tokens: the same on every server of an installation, and different from the keys that seal stored
 * values.
 */
function pageKey(ctx: Ctx): Uint8Array {
  return ctx.db.sealer.mac("page-token");
}
