/** ListUsers: https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsers.html */
import { loadPool } from "../../../domain/user-pools/load-pool.ts";
import { checkAttributesToGet, searchOf } from "../../../domain/users/search.ts";
import { type FoundUser, listUsers, type UserPosition } from "../../../store/list-users.ts";
import type { Handler } from "../operation.ts";
import { pageBinding, pageSize, readPage } from "../paging.ts";
import { userType } from "../shapes.ts";

export const ListUsers: Handler<"ListUsers"> = async (ctx, input) => {
  const pool = await loadPool(ctx, input.UserPoolId);
  const search = searchOf(pool, input.Filter);
  checkAttributesToGet(pool, input.AttributesToGet ?? []);
  const { items, nextToken } = await readPage(
    ctx,
    {
      // Distinguishes these tokens from those made before users had numbers.
      binding: pageBinding("ListUsers", pool.id, input.Filter ?? "", "by number"),
      token: input.PaginationToken,
      limit: pageSize(input.Limit),
    },
    async ({ after, limit }): Promise<FoundUser[]> =>
      search === undefined ? [] : listUsers(ctx.db, pool.id, search, { after: positionFrom(after), limit }),
    (found) => JSON.stringify([found.position.key, found.position.number]),
  );
  // Cognito answers with an error if a user lacks an attribute that was asked for; leaving it out serves callers
  // better.
  const wanted = input.AttributesToGet;
  const allowed = wanted?.length ? (name: string) => wanted.includes(name) : undefined;
  return { Users: items.map(({ user }) => userType(user, allowed)), PaginationToken: nextToken };
};

function positionFrom(after: string): UserPosition | undefined {
  if (after === "") return undefined;
  const [key, number] = JSON.parse(after) as [string, number];
  return { key, number };
}
