/** Rows of roles. */
import { sql } from "kysely";
import type { Db } from "./db.ts";
import { lookup, prepared, preparedWrite, slots } from "./prepared.ts";
import type { RolesTable } from "./schema/schema-identities.ts";

export interface Role {
  readonly name: string;
  /** `AROA…`: a role of the same name that is created later has another. */
  readonly id: string;
  /** `/` or `/…/`. */
  readonly path: string;
  readonly description: string;
  /** The trust policy as JSON. */
  readonly trust: string;
  /** Permission policies as JSON texts, by name. */
  readonly policies: Readonly<Record<string, string>>;
  /** The longest session, in seconds. */
  readonly maxSessionSeconds: number;
  /** Credentials issued before are refused. Epoch milliseconds. */
  readonly notBefore: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

const columns = (role: Role): RolesTable => ({
  role_name: role.name,
  role_id: role.id,
  path: role.path,
  description: role.description,
  trust: role.trust,
  policies: JSON.stringify(role.policies),
  max_session_seconds: role.maxSessionSeconds,
  not_before: role.notBefore,
  created_at: role.createdAt,
  updated_at: role.updatedAt,
});

const fromRow = (row: RolesTable): Role => ({
  name: row.role_name,
  id: row.role_id,
  path: row.path,
  description: row.description,
  trust: row.trust,
  policies: JSON.parse(row.policies),
  maxSessionSeconds: row.max_session_seconds,
  notBefore: Number(row.not_before),
  createdAt: Number(row.created_at),
  updatedAt: Number(row.updated_at),
});

const insertQuery = preparedWrite<RolesTable>((kysely, slot) =>
  kysely
    .insertInto("roles")
    .values(
      slots(slot, [
        "role_name",
        "role_id",
        "path",
        "description",
        "trust",
        "policies",
        "max_session_seconds",
        "not_before",
        "created_at",
        "updated_at",
      ]),
    )
    .onConflict((conflict) => conflict.doNothing()),
);

/** Adds a role. Returns false if its name is taken, in whatever letter case. */
export async function insertRole(db: Db, role: Role): Promise<boolean> {
  return (await insertQuery(db, columns(role))) === 1;
}

const readQuery = lookup<{ name: string }, RolesTable>((kysely, slot) =>
  kysely.selectFrom("roles").selectAll().where("role_name", "=", slot("name")),
);

export async function readRole(db: Db, name: string): Promise<Role | undefined> {
  const [row] = await readQuery(db, { name });
  return row && fromRow(row);
}

const namedQuery = prepared<{ folded: string }, { role_name: string }>((kysely, slot) =>
  kysely.selectFrom("roles").select("role_name").where(sql<string>`lower(role_name)`, "=", slot("folded")),
);

/** The name of the role that is called like this but for letter case. Names are ASCII. */
export async function readRoleName(db: Db, name: string): Promise<string | undefined> {
  const [row] = await namedQuery(db, { folded: name.toLowerCase() });
  return row?.role_name;
}

const updateQuery = preparedWrite<Omit<RolesTable, "created_at">>((kysely, slot) =>
  kysely
    .updateTable("roles")
    .set({
      path: slot("path"),
      description: slot("description"),
      trust: slot("trust"),
      policies: slot("policies"),
      max_session_seconds: slot("max_session_seconds"),
      not_before: slot("not_before"),
      updated_at: slot("updated_at"),
    })
    .where("role_name", "=", slot("role_name"))
    .where("role_id", "=", slot("role_id")),
);

/** Replaces everything of a role but its name, its id and when it was created. Returns false if it is gone. */
export async function updateRole(db: Db, role: Role): Promise<boolean> {
  const { created_at: _, ...row } = columns(role);
  return (await updateQuery(db, row)) === 1;
}

const deleteQuery = preparedWrite<{ name: string }>((kysely, slot) =>
  kysely.deleteFrom("roles").where("role_name", "=", slot("name")),
);

/** Deletes a role. Returns false if there was none. */
export async function deleteRole(db: Db, name: string): Promise<boolean> {
  return (await deleteQuery(db, { name })) === 1;
}

const listQuery = prepared<{ after: string; limit: number }, RolesTable>((kysely, slot) =>
  kysely
    .selectFrom("roles")
    .selectAll()
    .where("role_name", ">", slot("after"))
    .orderBy("role_name")
    .limit(slot("limit")),
);

/** A page of roles by name, beginning after the given name. */
export async function listRoles(
  db: Db,
  page: { readonly after: string; readonly limit: number },
): Promise<Role[]> {
  return (await listQuery(db, page)).map(fromRow);
}
