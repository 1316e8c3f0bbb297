import { type Kysely, sql } from "kysely";
import { OperatorError } from "../../lib/operator-error.ts";
import type { Schema } from "../schema/schema.ts";

/**
 * Identity providers of a pool have names that differ by more than case: the usernames of their users begin with them.
 * Throws an OperatorError that names those which do not.
 */
export async function up(kysely: Kysely<Schema>): Promise<void> {
  const alike = await kysely
    .selectFrom("identity_providers as one")
    .innerJoin("identity_providers as other", (join) =>
      join
        .onRef("other.pool_id", "=", "one.pool_id")
        .onRef("other.prefix_key", "=", "one.prefix_key")
        .onRef("other.provider_name", ">", "one.provider_name"),
    )
    .select(["one.pool_id as pool", "one.provider_name as name", "other.provider_name as other"])
    .limit(1)
    .execute();
  const [first] = alike;
  if (first !== undefined)
    throw new OperatorError(
      `The identity providers ${first.name} and ${first.other} of user pool ${first.pool} have names that differ only by ` +
        "case, so that their users could have the same usernames. Start the former version, delete one of them " +
        "(DeleteIdentityProvider), and upgrade then.",
    );
  const statements = [
    `create unique index if not exists identity_providers_folded on identity_providers (pool_id, prefix_key)`,
    `drop index if exists identity_providers_prefix`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(kysely);
}
