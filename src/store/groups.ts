/** Rows of groups and their members. Group names sort by bytes. */
import { type Kysely, type Selectable, sql } from "kysely";
import { type Db, inTransaction } from "./db.ts";
import { orUnchanged } from "./engine/sql.ts";
import { lookup, prepared, preparedWrite, slots } from "./prepared.ts";
import type { GroupsTable, Schema, UsersTable } from "./schema/schema.ts";
import { deleting, inSlices } from "./slices.ts";
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

type GroupKey = Pick<Group, "poolId" | "name">;

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

const insertQuery = preparedWrite<GroupsTable>((kysely, slot) =>
  kysely
    .insertInto("groups")
    .values(
      slots(slot, [
        "pool_id",
        "group_name",
        "description",
        "role_arn",
        "precedence",
        "created_at",
        "updated_at",
      ]),
    )
    .onConflict((conflict) => conflict.columns(["pool_id", "group_name"]).doNothing()),
);

/**
 * Adds a group. Returns false if one of that name exists. Memberships left by a concurrent deletion are removed, so
 * that a new group starts empty.
 */
export function insertGroup(db: Db, group: Group): Promise<boolean> {
  return inTransaction(db, (tx) => ensureGroup(tx, group));
}

/** As `insertGroup`, inside a transaction. */
export async function ensureGroup(tx: Db, group: Group): Promise<boolean> {
  const added = await insertQuery(tx, {
    pool_id: group.poolId,
    group_name: group.name,
    description: group.description,
    role_arn: group.roleArn,
    precedence: group.precedence,
    created_at: group.createdAt,
    updated_at: group.updatedAt,
  });
  if (added === 0) return false;
  await deleteMembers(tx, group.poolId, group.name);
  return true;
}

const readQuery = prepared<GroupKey, GroupsTable>((kysely, slot) =>
  kysely
    .selectFrom("groups")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("group_name", "=", slot("name")),
);

/** A group by its name; undefined if the pool has none of it. */
export async function readGroup(db: Db, poolId: string, name: string): Promise<Group | undefined> {
  const [row] = await readQuery(db, { poolId, name });
  return row && groupFromRow(row);
}

/** What is null stays as it is. */
type GroupChange = GroupKey &
  Pick<Group, "description" | "roleArn" | "precedence"> & { readonly now: number };

const updateQuery = prepared<GroupChange, GroupsTable>((kysely, slot) =>
  kysely
    .updateTable("groups")
    .set({
      updated_at: slot("now"),
      description: orUnchanged(slot("description"), "description"),
      role_arn: orUnchanged(slot("roleArn"), "role_arn"),
      precedence: orUnchanged(slot("precedence"), "precedence"),
    })
    .where("pool_id", "=", slot("poolId"))
    .where("group_name", "=", slot("name"))
    .returningAll(),
);

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
  const { description = null, roleArn = null, precedence = null, ...rest } = change;
  const [row] = await updateQuery(db, { ...rest, description, roleArn, precedence });
  return row && groupFromRow(row);
}

const deleteFrom = (table: "groups" | "group_members") =>
  preparedWrite<GroupKey>((kysely, slot) =>
    kysely.deleteFrom(table).where("pool_id", "=", slot("poolId")).where("group_name", "=", slot("name")),
  );

const deleteQuery = deleteFrom("groups");
const deleteMembersQuery = deleteFrom("group_members");

/**
 * Deletes a group, and then its memberships, in slices. Those that a crash leaves show nowhere, and do not count for another
 * group of that name. Returns false if there was none.
 */
export async function deleteGroup(db: Db, poolId: string, name: string): Promise<boolean> {
  const found = await inTransaction(db, async (tx) => (await deleteQuery(tx, { poolId, name })) === 1);
  const there = sql`exists (select 1 from groups where pool_id = ${poolId} and group_name = ${name})`;
  if (found) await inSlices(db, deleting("group_members", poolId, sql`group_name = ${name}`, there));
  return found;
}

async function deleteMembers(tx: Db, poolId: string, name: string): Promise<void> {
  await deleteMembersQuery(tx, { poolId, name });
}

const listQuery = prepared<{ poolId: string; after: string; limit: number }, GroupsTable>((kysely, slot) =>
  kysely
    .selectFrom("groups")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("group_name", ">", slot("after"))
    .orderBy("group_name")
    .limit(slot("limit")),
);

/** A page of a pool's groups by name, beginning after the given name. */
export async function listGroups(
  db: Db,
  poolId: string,
  page: { after: string; limit: number },
): Promise<Group[]> {
  const rows = await listQuery(db, { poolId, ...page });
  return rows.map(groupFromRow);
}

interface MemberKey {
  readonly poolId: string;
  readonly userId: string;
  readonly groupName: string;
}

const insertMemberQuery = preparedWrite<MemberKey & { now: number }>((kysely, slot, kind) =>
  kysely
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
          sql<number>`cast(${slot("now")} as bigint)`.as("created_at"),
        ])
        .where("groups.pool_id", "=", slot("poolId"))
        .where("groups.group_name", "=", slot("groupName"))
        .where("users.user_id", "=", slot("userId"))
        // Neither can be deleted until the row is there, which then goes with it.
        .$if(kind === "postgres", (select) => select.forKeyShare()),
    )
    .onConflict((conflict) => conflict.columns(["pool_id", "user_id", "group_name"]).doNothing()),
);

/** Adds a user to a group if both exist. Does nothing if the user is already a member. */
export async function insertGroupMember(db: Db, member: MemberKey & { readonly now: number }): Promise<void> {
  await insertMemberQuery(db, member);
}

const deleteMemberQuery = preparedWrite<MemberKey>((kysely, slot) =>
  kysely
    .deleteFrom("group_members")
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where("group_name", "=", slot("groupName")),
);

/** Removes a user from a group; does nothing if the user is not a member. */
export async function deleteGroupMember(
  db: Db,
  poolId: string,
  userId: string,
  groupName: string,
): Promise<void> {
  await deleteMemberQuery(db, { poolId, userId, groupName });
}

const usersQuery = prepared<
  { poolId: string; groupName: string; after: string; limit: number },
  Selectable<UsersTable>
>((kysely, slot) =>
  kysely
    .selectFrom("group_members")
    .innerJoin("users", (join) =>
      join
        .onRef("users.pool_id", "=", "group_members.pool_id")
        .onRef("users.user_id", "=", "group_members.user_id"),
    )
    .selectAll("users")
    .where("group_members.pool_id", "=", slot("poolId"))
    .where("group_members.group_name", "=", slot("groupName"))
    .where("group_members.user_id", ">", slot("after"))
    .orderBy("group_members.user_id")
    .limit(slot("limit")),
);

/** A page of a group's members by id, beginning after the given id. */
export async function listUsersInGroup(
  db: Db,
  poolId: string,
  groupName: string,
  page: { after: string; limit: number },
): Promise<User[]> {
  const rows = await usersQuery(db, { poolId, groupName, ...page });
  return rows.map(userFromRow);
}

const groupsOfUserQuery = prepared<
  { poolId: string; userId: string; after: string; limit: number },
  GroupsTable
>((kysely, slot) =>
  selectGroupsOfUser(kysely, slot("poolId"), slot("userId"))
    .selectAll("groups")
    .where("group_members.group_name", ">", slot("after"))
    .orderBy("group_members.group_name")
    .limit(slot("limit")),
);

/** A page of a user's groups by name, beginning after the given name. */
export async function listGroupsOfUser(
  db: Db,
  poolId: string,
  userId: string,
  page: { after: string; limit: number },
): Promise<Group[]> {
  const rows = await groupsOfUserQuery(db, { poolId, userId, ...page });
  return rows.map(groupFromRow);
}

const tokenGroupsQuery = lookup<
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
