/**
 * Which functions each server of the database has configured, as rows of the table of leases: a server writes its own and
 * renews it, and the row of one that ended without removing it expires.
 */
import type { Db } from "./db.ts";
import { prepared, preparedWrite } from "./prepared.ts";

/** What a server says of itself. */
export interface FunctionList {
  /** Host and port. */
  readonly server: string;
  /** A text that says what its functions are. */
  readonly functions: string;
}

const prefix = "functions:";
/** The first name that does not begin with the prefix. */
const beyond = "functions;";

const writeQuery = preparedWrite<{ name: string; holder: string; until: number }>((kysely, slot) =>
  kysely
    .insertInto("leases")
    .values({ name: slot("name"), holder: slot("holder"), expires_at: slot("until") })
    .onConflict((conflict) =>
      conflict.column("name").doUpdateSet((row) => ({
        holder: row.ref("excluded.holder"),
        expires_at: row.ref("excluded.expires_at"),
      })),
    ),
);

const expiredQuery = preparedWrite<{ from: string; to: string; now: number }>((kysely, slot) =>
  kysely
    .deleteFrom("leases")
    .where("name", ">=", slot("from"))
    .where("name", "<", slot("to"))
    .where("expires_at", "<", slot("now")),
);

/** Writes what a server says of itself, for a time, and removes what has expired. Times are epoch milliseconds. */
export async function writeFunctionList(
  db: Db,
  { server, functions }: FunctionList,
  { now, until }: { readonly now: number; readonly until: number },
): Promise<void> {
  await writeQuery(db, { name: `${prefix}${server}`, holder: functions, until });
  await expiredQuery(db, { from: prefix, to: beyond, now });
}

const removeQuery = preparedWrite<{ name: string }>((kysely, slot) =>
  kysely.deleteFrom("leases").where("name", "=", slot("name")),
);

export async function removeFunctionList(db: Db, server: string): Promise<void> {
  await removeQuery(db, { name: `${prefix}${server}` });
}

const readQuery = prepared<{ from: string; to: string; now: number }, { name: string; holder: string }>(
  (kysely, slot) =>
    kysely
      .selectFrom("leases")
      .select(["name", "holder"])
      .where("name", ">=", slot("from"))
      .where("name", "<", slot("to"))
      .where("expires_at", ">=", slot("now"))
      .orderBy("name"),
);

/** What the servers of the database say of themselves. @param now epoch milliseconds */
export async function readFunctionLists(db: Db, now: number): Promise<FunctionList[]> {
  const rows = await readQuery(db, { from: prefix, to: beyond, now });
  return rows.map(({ name, holder }) => ({ server: name.slice(prefix.length), functions: holder }));
}
