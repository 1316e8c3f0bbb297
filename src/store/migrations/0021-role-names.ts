import { type Kysely, sql } from "kysely";
import { OperatorError } from "../../lib/operator-error.ts";
import type { Schema } from "../schema/schema.ts";

/** Names of roles differ by more than letter case, as IAM has it: until now only the command saw to that. */
export async function up(kysely: Kysely<Schema>): Promise<void> {
  const alike = await sql<{ names: number | string; name: string }>`
    select count(*) as names, min(role_name) as name from roles group by lower(role_name) having count(*) > 1`.execute(
    kysely,
  );
  const [first] = alike.rows;
  if (first !== undefined)
    throw new OperatorError(
      `There are ${first.names} roles whose names differ from ${first.name} by letter case only. Delete all but one with ` +
        "the version of poolhouse that made them (poolhouse roles delete), and start again.",
    );
  await sql.raw("create unique index if not exists roles_folded on roles (lower(role_name))").execute(kysely);
}
