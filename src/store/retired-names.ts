/**
 * Names by which applications and browsers know a pool, after the pool gave them up: client ids, domains, and the
 * pool's own id. Another pool that takes one of them would receive passwords, codes and cookies meant for the former.
 */
import { sql } from "kysely";
import type { Db } from "./db.ts";
import { prepared, preparedWrite } from "./prepared.ts";
import type { RetiredNamesTable } from "./schema/schema.ts";

export type NameKind = RetiredNamesTable["kind"];

/** A year: as long as a browser keeps the longest-lived cookie of a host name, that of a remembered device. */
const retiredMs = 365 * 24 * 60 * 60 * 1000;

export interface RetiredName {
  readonly kind: NameKind;
  readonly name: string;
  /** The pool that gave it up. */
  readonly poolId: string;
  readonly retiredAt: number;
  /** When anybody may take it again, in epoch milliseconds. */
  readonly freeAt: number;
}

/** A name cannot be taken yet. Thrown inside the transaction that would take it, which is rolled back. */
export class NameRetired extends Error {
  override name = "NameRetired";
  readonly retired: RetiredName;

  constructor(retired: RetiredName) {
    super(`The ${retired.kind} ${retired.name} is retired.`);
    this.retired = retired;
  }
}

const fromRow = (row: RetiredNamesTable): RetiredName => ({
  kind: row.kind,
  name: row.name,
  poolId: row.pool_id,
  retiredAt: Number(row.retired_at),
  freeAt: Number(row.expires_at),
});

type RetireSlots = { poolId: string; name: string; now: number; freeAt: number };

/** Retires the names of a kind, as the table has them in which they are unique while in use. */
function retireQueries(
  kind: NameKind,
  table: "client_pools" | "domain_pools" | "pools",
  column: "client_id" | "domain" | "pool_id",
) {
  const query = (which: "one" | "all") =>
    preparedWrite<RetireSlots>((kysely, slot) =>
      kysely
        .insertInto("retired_names")
        .columns(["kind", "name", "pool_id", "retired_at", "expires_at"])
        .expression((from) =>
          from
            .selectFrom(table)
            .select([
              sql.lit(kind).as("kind"),
              sql.ref<string>(column).as("name"),
              "pool_id",
              sql<number>`cast(${slot("now")} as bigint)`.as("retired_at"),
              sql<number>`cast(${slot("freeAt")} as bigint)`.as("expires_at"),
            ])
            .where("pool_id", "=", slot("poolId"))
            .$if(which === "one", (select) => select.where(sql.ref(column), "=", slot("name"))),
        )
        .onConflict((conflict) =>
          conflict.columns(["kind", "name"]).doUpdateSet((set) => ({
            pool_id: set.ref("excluded.pool_id"),
            retired_at: set.ref("excluded.retired_at"),
            expires_at: set.ref("excluded.expires_at"),
          })),
        ),
    );
  return { one: query("one"), all: query("all") };
}

const retire = {
  client: retireQueries("client", "client_pools", "client_id"),
  domain: retireQueries("domain", "domain_pools", "domain"),
  pool: retireQueries("pool", "pools", "pool_id"),
};

/**
 * Retires names of a pool; to be called in the transaction that deletes them, before it does.
 * @param name undefined for all names of this kind
 */
export async function retireNames(
  tx: Db,
  gone: { readonly kind: NameKind; readonly poolId: string; readonly name?: string },
  now: number,
): Promise<void> {
  const { kind, poolId, name } = gone;
  const query = name === undefined ? retire[kind].all : retire[kind].one;
  await query(tx, { poolId, name: name ?? "", now, freeAt: now + retiredMs });
}

const readQuery = prepared<{ kind: NameKind; name: string }, RetiredNamesTable>((kysely, slot) =>
  kysely
    .selectFrom("retired_names")
    .selectAll()
    .where("kind", "=", slot("kind"))
    .where("name", "=", slot("name")),
);

/** Whether a pool gave the name up within a year. */
export async function isRetired(db: Db, kind: NameKind, name: string): Promise<boolean> {
  return (await readQuery(db, { kind, name })).length > 0;
}

/**
 * Takes a name into use; to be called in the transaction that adds the row that makes it unique, after it did. Adding
 * that row has waited for transactions that give the name up, so that what they retired is visible here. Throws
 * NameRetired.
 * @param poolId the pool that may take back what it gave up; undefined for none
 * @param reuse whether it may also take what others gave up
 */
export async function takeName(
  tx: Db,
  taken: {
    readonly kind: NameKind;
    readonly name: string;
    readonly poolId: string | undefined;
    readonly reuse?: boolean;
  },
  now: number,
): Promise<void> {
  const [row] = await readQuery(tx, { kind: taken.kind, name: taken.name });
  if (row === undefined) return;
  const retired = fromRow(row);
  if (taken.reuse !== true && retired.poolId !== taken.poolId && retired.freeAt > now)
    throw new NameRetired(retired);
  await releaseName(tx, taken.kind, taken.name);
}

const releaseQuery = prepared<{ kind: NameKind; name: string }, RetiredNamesTable>((kysely, slot) =>
  kysely
    .deleteFrom("retired_names")
    .where("kind", "=", slot("kind"))
    .where("name", "=", slot("name"))
    .returningAll(),
);

/** Frees a name for everybody. Returns what it was; undefined if it was not retired. */
export async function releaseName(db: Db, kind: NameKind, name: string): Promise<RetiredName | undefined> {
  const [row] = await releaseQuery(db, { kind, name });
  return row && fromRow(row);
}

const listQuery = prepared<{ now: number }, RetiredNamesTable>((kysely, slot) =>
  kysely
    .selectFrom("retired_names")
    .selectAll()
    .where("expires_at", ">", slot("now"))
    .orderBy("retired_at", "desc")
    .orderBy("kind")
    .orderBy("name"),
);

/** Names that are not free yet, most recently retired first. */
export async function listRetiredNames(db: Db, now: number): Promise<RetiredName[]> {
  const rows = await listQuery(db, { now });
  return rows.map(fromRow);
}

const sweepQuery = preparedWrite<{ now: number }>((kysely, slot) =>
  kysely.deleteFrom("retired_names").where("expires_at", "<", slot("now")),
);

/** For the sweep: removes names that anybody may take again. */
export async function sweepRetiredNames(db: Db, now: number): Promise<void> {
  await sweepQuery(db, { now });
}
