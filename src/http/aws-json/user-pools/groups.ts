/** Groups and their members. */
import type { Ctx } from "../../../app.ts";
import { loadPool } from "../../../domain/user-pools/load-pool.ts";
import { requireUser } from "../../../domain/users/find-user.ts";
import {
  deleteGroup,
  deleteGroupMember,
  type Group,
  insertGroup,
  insertGroupMember,
  listGroups,
  listGroupsOfUser,
  listUsersInGroup,
  readGroup,
  updateGroup,
} from "../../../store/groups.ts";
import type { User } from "../../../store/users.ts";
import type { GroupType } from "../../../wire/generated/user-pools.types.ts";
import { refuse } from "../../../wire/refuse.ts";
import { epochSeconds, type Handler } from "../operation.ts";
import { pageBinding, pageSize, readPage } from "../paging.ts";
import { userType } from "../shapes.ts";

export const CreateGroup: Handler<"CreateGroup"> = async (ctx, input) => {
  await loadPool(ctx, input.UserPoolId);
  checkPrecedence(input.Precedence);
  const group: Group = {
    poolId: input.UserPoolId,
    name: input.GroupName,
    description: input.Description ?? null,
    roleArn: input.RoleArn ?? null,
    precedence: input.Precedence ?? null,
    createdAt: ctx.now,
    updatedAt: ctx.now,
  };
  if (!(await insertGroup(ctx.db, group)))
    refuse("GroupExistsException", "A group with the name already exists.");
  return { Group: groupType(group) };
};

export const GetGroup: Handler<"GetGroup"> = async (ctx, input) => ({
  Group: groupType(await requireGroup(ctx, input)),
});

/** "Updates any of the properties for precedence, IAM role, or description": only those given. */
export const UpdateGroup: Handler<"UpdateGroup"> = async (ctx, input) => {
  await loadPool(ctx, input.UserPoolId);
  checkPrecedence(input.Precedence);
  const group = await updateGroup(ctx.db, {
    poolId: input.UserPoolId,
    name: input.GroupName,
    description: input.Description,
    roleArn: input.RoleArn,
    precedence: input.Precedence,
    now: ctx.now,
  });
  return { Group: groupType(group ?? noSuchGroup()) };
};

export const DeleteGroup: Handler<"DeleteGroup"> = async (ctx, input) => {
  await loadPool(ctx, input.UserPoolId);
  if (!(await deleteGroup(ctx.db, input.UserPoolId, input.GroupName))) noSuchGroup();
  return {};
};

export const ListGroups: Handler<"ListGroups"> = async (ctx, input) => {
  const pool = await loadPool(ctx, input.UserPoolId);
  const limit = pageSize(input.Limit);
  const { items, nextToken } = await readPage(
    ctx,
    { binding: pageBinding("ListGroups", pool.id, limit), token: input.NextToken, limit },
    (page) => listGroups(ctx.db, pool.id, page),
    (group) => group.name,
  );
  return { Groups: items.map(groupType), NextToken: nextToken };
};

export const ListUsersInGroup: Handler<"ListUsersInGroup"> = async (ctx, input) => {
  const { poolId, name } = await requireGroup(ctx, input);
  const limit = pageSize(input.Limit);
  const { items, nextToken } = await readPage<User>(
    ctx,
    { binding: pageBinding("ListUsersInGroup", poolId, name, limit), token: input.NextToken, limit },
    (page) => listUsersInGroup(ctx.db, poolId, name, page),
    (user) => user.id,
  );
  return { Users: items.map((user) => userType(user)), NextToken: nextToken };
};

export const AdminAddUserToGroup: Handler<"AdminAddUserToGroup"> = async (ctx, input) => {
  const { poolId, userId, groupName } = await membership(ctx, input);
  await insertGroupMember(ctx.db, { poolId, userId, groupName, now: ctx.now });
  return {};
};

export const AdminRemoveUserFromGroup: Handler<"AdminRemoveUserFromGroup"> = async (ctx, input) => {
  const { poolId, userId, groupName } = await membership(ctx, input);
  await deleteGroupMember(ctx.db, poolId, userId, groupName);
  return {};
};

export const AdminListGroupsForUser: Handler<"AdminListGroupsForUser"> = async (ctx, input) => {
  const pool = await loadPool(ctx, input.UserPoolId);
  const user = await requireUser(ctx, pool, input.Username);
  const limit = pageSize(input.Limit);
  const { items, nextToken } = await readPage(
    ctx,
    {
      binding: pageBinding("AdminListGroupsForUser", pool.id, user.id, limit),
      token: input.NextToken,
      limit,
    },
    (page) => listGroupsOfUser(ctx.db, pool.id, user.id, page),
    (group) => group.name,
  );
  return { Groups: items.map(groupType), NextToken: nextToken };
};

/** The pool's user and group. Throws if either does not exist. */
async function membership(
  ctx: Ctx,
  input: { UserPoolId: string; Username: string; GroupName: string },
): Promise<{ poolId: string; userId: string; groupName: string }> {
  const pool = await loadPool(ctx, input.UserPoolId);
  const user = await requireUser(ctx, pool, input.Username);
  const group = (await readGroup(ctx.db, pool.id, input.GroupName)) ?? noSuchGroup();
  return { poolId: pool.id, userId: user.id, groupName: group.name };
}

async function requireGroup(ctx: Ctx, input: { UserPoolId: string; GroupName: string }): Promise<Group> {
  await loadPool(ctx, input.UserPoolId);
  return (await readGroup(ctx.db, input.UserPoolId, input.GroupName)) ?? noSuchGroup();
}

function noSuchGroup(): never {
  return refuse("ResourceNotFoundException", "Group not found.");
}

/** Checks that "The maximum Precedence value is 2^31-1", which is not in the model. */
function checkPrecedence(precedence: number | undefined): void {
  if (precedence !== undefined && precedence > 2 ** 31 - 1)
    refuse("InvalidParameterException", "Precedence must be at most 2147483647.");
}

function groupType(group: Group): GroupType {
  return {
    GroupName: group.name,
    UserPoolId: group.poolId,
    Description: group.description ?? undefined,
    RoleArn: group.roleArn ?? undefined,
    Precedence: group.precedence ?? undefined,
    LastModifiedDate: epochSeconds(group.updatedAt),
    CreationDate: epochSeconds(group.createdAt),
  };
}
