/** Rows of groups and their members. Group names sort by bytes. */
import { type Kysely, sql } from "kysely";
import { type Db, inTransaction } from "./db.ts";
import { affected } from "./engine/transaction.ts";
import { prepared } from "./prepared.ts";
import type { GroupsTable, Schema } from "./schema/schema.ts";
import { type User, userFromRow } from "./users.ts";

export interface Group {
  readonly poolId: string;
  readonly name: string;
  readonly description: string | null;
  readonly roleArn: string | null;
  readonly precedence: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

function groupFromRow(row: GroupsTable): Group {
  return {
    poolId: row.pool_id,
    name: row.group_name,
    description: row.description,
    roleArn: row.role_arn,
    precedence: row.precedence === null ? null : Number(row.precedence),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}

/**
 * Adds a group. Returns false if one of that name exists. Memberships left by a concurrent deletion are removed, so
 * that a new group starts empty.
 */
export function insertGroup(db: Db, group: Group): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const result = await tx.kysely
      .insertInto("groups")
      .values({
        pool_id: group.poolId,
        group_name: group.name,
        description: group.description,
        role_arn: group.roleArn,
        precedence: group.precedence,
        created_at: group.createdAt,
        updated_at: group.updatedAt,
      })
      .onConflict((conflict) => conflict.columns(["pool_id", "group_name"]).doNothing())
      .executeTakeFirst();
    if (affected(result) === 0) return false;
    await deleteMembers(tx, group.poolId, group.name);
    return true;
  });
}

export async function readGroup(db: Db, poolId: string, name: string): Promise<Group | undefined> {
  const row = await db.kysely
    .selectFrom("groups")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where("group_name", "=", name)
    .executeTakeFirst();
  return row && groupFromRow(row);
}

/**
 * Updates the given properties; undefined leaves a value unchanged. Returns the updated group, or undefined if there is
 * none.
 */
export async function updateGroup(
  db: Db,
  change: {
    poolId: string;
    name: string;
    description: string | undefined;
    roleArn: string | undefined;
    precedence: number | undefined;
    now: number;
  },
): Promise<Group | undefined> {
  const row = await db.kysely
    .updateTable("groups")
    .set({
      updated_at: change.now,
      ...(change.description !== undefined && { description: change.description }),
      ...(change.roleArn !== undefined && { role_arn: change.roleArn }),
      ...(change.precedence !== undefined && { precedence: change.precedence }),
    })
    .where("pool_id", "=", change.poolId)
    .where("group_name", "=", change.name)
    .returningAll()
    .executeTakeFirst();
  return row && groupFromRow(row);
}

/** Deletes a group and its memberships. Returns false if there was none. */
export function deleteGroup(db: Db, poolId: string, name: string): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const result = await tx.kysely
      .deleteFrom("groups")
      .where("pool_id", "=", poolId)
      .where("group_name", "=", name)
      .executeTakeFirst();
    await deleteMembers(tx, poolId, name);
    return affected(result) === 1;
  });
}

async function deleteMembers(tx: Db, poolId: string, name: string): Promise<void> {
  await tx.kysely
    .deleteFrom("group_members")
    .where("pool_id", "=", poolId)
    .where("group_name", "=", name)
    .execute();
}

/** A page of a pool's groups by name, beginning after the given name. */
export async function listGroups(
  db: Db,
  poolId: string,
  page: { after: string; limit: number },
): Promise<Group[]> {
  const rows = await db.kysely
    .selectFrom("groups")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where("group_name", ">", page.after)
    .orderBy("group_name")
    .limit(page.limit)
    .execute();
  return rows.map(groupFromRow);
}

/** Adds a user to a group if both exist. Does nothing if the user is already a member. */
export async function insertGroupMember(
  db: Db,
  member: { poolId: string; userId: string; groupName: string; now: number },
): Promise<void> {
  await db.kysely
    .insertInto("group_members")
    .columns(["pool_id", "user_id", "group_name", "created_at"])
    .expression((from) =>
      from
        .selectFrom("groups")
        .innerJoin("users", "users.pool_id", "groups.pool_id")
        .select([
          "groups.pool_id",
          "users.user_id",
          "groups.group_name",
          sql<number>`cast(${member.now} as bigint)`.as("created_at"),
        ])
        .where("groups.pool_id", "=", member.poolId)
        .where("groups.group_name", "=", member.groupName)
        .where("users.user_id", "=", member.userId),
    )
    .onConflict((conflict) => conflict.columns(["pool_id", "user_id", "group_name"]).doNothing())
    .execute();
}

/** Removes a user from a group; does nothing if the user is not a member. */
export async function deleteGroupMember(
  db: Db,
  poolId: string,
  userId: string,
  groupName: string,
): Promise<void> {
  await db.kysely
    .deleteFrom("group_members")
    .where("pool_id", "=", poolId)
    .where("user_id", "=", userId)
    .where("group_name", "=", groupName)
    .execute();
}

/** A page of a group's members by id, beginning after the given id. */
export async function listUsersInGroup(
  db: Db,
  poolId: string,
  groupName: string,
  page: { after: string; limit: number },
): Promise<User[]> {
  const rows = await db.kysely
    .selectFrom("group_members")
    .innerJoin("users", (join) =>
      join
        .onRef("users.pool_id", "=", "group_members.pool_id")
        .onRef("users.user_id", "=", "group_members.user_id"),
    )
    .selectAll("users")
    .where("group_members.pool_id", "=", poolId)
    .where("group_members.group_name", "=", groupName)
    .where("group_members.user_id", ">", page.after)
    .orderBy("group_members.user_id")
    .limit(page.limit)
    .execute();
  return rows.map(userFromRow);
}

/** A page of a user's groups by name, beginning after the given name. */
export async function listGroupsOfUser(
  db: Db,
  poolId: string,
  userId: string,
  page: { after: string; limit: number },
): Promise<Group[]> {
  const rows = await selectGroupsOfUser(db.kysely, poolId, userId)
    .selectAll("groups")
    .where("group_members.group_name", ">", page.after)
    .orderBy("group_members.group_name")
    .limit(page.limit)
    .execute();
  return rows.map(groupFromRow);
}

const tokenGroupsQuery = prepared<
  { poolId: string; userId: string },
  Pick<GroupsTable, "group_name" | "role_arn" | "precedence">
>((kysely, slot) =>
  selectGroupsOfUser(kysely, slot("poolId"), slot("userId"))
    .select(["groups.group_name", "groups.role_arn", "groups.precedence"])
    .orderBy(sql`case when groups.precedence is null then 1 else 0 end`)
    .orderBy("groups.precedence")
    .orderBy("groups.group_name"),
);

/**
 * A user's groups by precedence, as tokens list them. "Groups with lower Precedence values take precedence over groups
 * with higher or null Precedence values" (GroupType, Amazon Cognito API Reference).
 */
export async function groupsOfUser(
  db: Db,
  poolId: string,
  userId: string,
): Promise<{ name: string; roleArn: string | null; precedence: number | null }[]> {
  const rows = await tokenGroupsQuery(db, { poolId, userId });
  return rows.map((row) => ({
    name: row.group_name,
    roleArn: row.role_arn,
    precedence: row.precedence === null ? null : Number(row.precedence),
  }));
}

function selectGroupsOfUser(kysely: Kysely<Schema>, poolId: string, userId: string) {
  return kysely
    .selectFrom("group_members")
    .innerJoin("groups", (join) =>
      join
        .onRef("groups.pool_id", "=", "group_members.pool_id")
        .onRef("groups.group_name", "=", "group_members.group_name"),
    )
    .where("group_members.pool_id", "=", poolId)
    .where("group_members.user_id", "=", userId);
}
