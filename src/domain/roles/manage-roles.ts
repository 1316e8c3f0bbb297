/** Creates, changes and deletes roles. Each function is a transaction's work, which the caller records. */
import { OperatorError } from "../../lib/operator-error.ts";
import { randomText, upperCaseBase32 } from "../../lib/random.ts";
import type { Db } from "../../store/db.ts";
import {
  deleteRole,
  insertRole,
  listRoles,
  type Role,
  readRole,
  readRoleName,
  updateRole,
} from "../../store/roles.ts";
import type { RoleDefinition } from "./role-template.ts";

interface Program {
  readonly db: Db;
  readonly random: (bytes: number) => Uint8Array;
  readonly clock: () => number;
}

const mostPerPage = 200;

/** All roles by name. */
export async function allRoles(db: Db): Promise<Role[]> {
  const all: Role[] = [];
  for (let after = ""; ; ) {
    const page = await listRoles(db, { after, limit: mostPerPage });
    all.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < mostPerPage) return all;
    after = last.name;
  }
}

/** The members that a definition would change; undefined if the role does not exist yet. */
export function changesOf(existing: Role | undefined, defined: RoleDefinition): string[] | undefined {
  if (existing === undefined) return undefined;
  const pairs = Object.entries(defined) as [keyof RoleDefinition, unknown][];
  return pairs.filter(([member, value]) => !isSame(existing[member], value)).map(([member]) => member);
}

const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/**
 * Creates a role, or changes the one of this name, whose sessions go on.
 * @returns what was changed: nothing if it was like this already; undefined if it was created; false if another command
 * came between. Throws OperatorError if another role has the name in other letter case
 */
export async function putRole(
  program: Program,
  defined: RoleDefinition,
): Promise<string[] | undefined | false> {
  const { db, random, clock } = program;
  const now = clock();
  const existing = await readRole(db, defined.name);
  const changed = changesOf(existing, defined);
  if (existing === undefined) {
    const other = await readRoleName(db, defined.name);
    if (other !== undefined)
      throw new OperatorError(`There is a role ${other}: names of roles differ by more than letter case.`);
    const id = `AROA${randomText(random, upperCaseBase32, 17)}`;
    const role = { ...defined, id, notBefore: 0, createdAt: now, updatedAt: now };
    return (await insertRole(db, role)) ? undefined : false;
  }
  if (changed?.length === 0) return [];
  return (await updateRole(db, { ...existing, ...defined, updatedAt: now })) && (changed ?? []);
}

/** Ends all sessions of a role that were begun until now. Returns false if there is no such role. */
export async function revokeSessions({ db, clock }: Omit<Program, "random">, name: string): Promise<boolean> {
  const role = await readRole(db, name);
  const now = clock();
  // Those of this very millisecond, too.
  return role !== undefined && updateRole(db, { ...role, notBefore: now + 1, updatedAt: now });
}

/** Deletes a role, whose sessions end with it. Returns false if there was none. */
export const removeRole = ({ db }: Pick<Program, "db">, name: string): Promise<boolean> =>
  deleteRole(db, name);
