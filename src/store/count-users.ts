/** How many users a pool has: counted exactly while they are few, since everybody would wait for a count of many. */
import { sql } from "kysely";
import type { Db } from "./db.ts";
import { prepared } from "./prepared.ts";

const countQuery = prepared<
  { poolId: string; after: number; until: number; most: number },
  { users: number }
>((kysely, slot) =>
  kysely
    .selectFrom((from) =>
      from
        .selectFrom("users")
        .select("number")
        .where("pool_id", "=", slot("poolId"))
        .where("number", ">", slot("after"))
        .where("number", "<=", slot("until"))
        .limit(slot("most"))
        .as("counted"),
    )
    .select((select) => select.fn.countAll<number>().as("users")),
);

/** Beyond it there are no users' numbers. */
const beyond = 2 ** 48;

/** Up to how many users are counted. */
const countedUsers = 1_000;

/**
 * How many users a pool has: beyond `exact` about as many, on PostgreSQL by its statistics, on SQLite by samples. A cluster,
 * which shows no statistics, counts them all.
 */
export async function countUsers(db: Db, poolId: string, exact = countedUsers): Promise<number> {
  const most = db.distributed ? Number.MAX_SAFE_INTEGER : exact + 1;
  const counted = await countBetween(db, poolId, { after: 0, until: beyond, most });
  if (counted < most) return counted;
  return Math.max(counted, await (db.kind === "postgres" ? byStatistics : bySamples)(db, poolId));
}

async function countBetween(
  db: Db,
  poolId: string,
  { after, until, most }: { readonly after: number; readonly until: number; readonly most: number },
): Promise<number> {
  const [row] = await countQuery(db, { poolId, after, until, most });
  return Number(row?.users);
}

/** The number of users that PostgreSQL expects to find, as of the last time it analyzed the table. */
async function byStatistics({ kysely }: Db, poolId: string): Promise<number> {
  type Explained = { readonly "QUERY PLAN": readonly { readonly Plan: { readonly "Plan Rows": number } }[] };
  const query = sql<Explained>`explain (format json) select from users where pool_id = ${poolId}`;
  const { rows } = await query.execute(kysely);
  return rows[0]?.["QUERY PLAN"][0]?.Plan["Plan Rows"] ?? 0;
}

const lastQuery = prepared<{ poolId: string }, { last: number | null }>((kysely, slot) =>
  kysely
    .selectFrom("users")
    .select(({ fn }) => fn.max("number").as("last"))
    .where("pool_id", "=", slot("poolId")),
);

const samples = 8;
const sampled = 100;

/** On SQLite a pool's users are numbered one after the other, and deleted ones leave gaps: how many of some numbers are in use? */
async function bySamples(db: Db, poolId: string): Promise<number> {
  const [row] = await lastQuery(db, { poolId });
  const last = Number(row?.last ?? 0);
  if (last <= samples * sampled) return countBetween(db, poolId, { after: 0, until: last, most: last });
  let inUse = 0;
  for (let sample = 0; sample < samples; sample++) {
    // The first sample begins with the first number, and the last one ends with the last.
    const after = Math.floor(((last - sampled) * sample) / (samples - 1));
    inUse += await countBetween(db, poolId, { after, until: after + sampled, most: sampled });
  }
  return Math.round((last * inUse) / (samples * sampled));
}
