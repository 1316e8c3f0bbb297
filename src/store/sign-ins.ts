/** Rows of running sign-ins. A row count decides each step and the end. */

import type { Db } from "./db.ts";
import { lookup, preparedWrite, slots } from "./prepared.ts";
import type { SignInsTable } from "./schema/schema.ts";

export interface SignInRow<State> {
  readonly poolId: string;
  readonly id: string;
  readonly clientId: string;
  /** Undefined if the user does not exist and the sign-in is simulated. */
  readonly userId: string | undefined;
  readonly version: number;
  readonly state: State;
  readonly createdAt: number;
  readonly expiresAt: number;
}

const place = (poolId: string, id: string) => `sign_ins:state_sealed:${poolId}/${id}` as const;

const columns = [
  "pool_id",
  "sign_in_id",
  "client_id",
  "user_id",
  "version",
  "state_sealed",
  "created_at",
  "expires_at",
] as const satisfies (keyof SignInsTable)[];

const insertQuery = preparedWrite<SignInsTable>((kysely, slot) =>
  kysely.insertInto("sign_ins").values(slots(slot, columns)),
);

/** A sign-in, and a row under its alias that names it. */
const insertAliasedQuery = preparedWrite<SignInsTable & { alias: string; alias_sealed: Uint8Array }>(
  (kysely, slot) => {
    const row = slots(slot, columns);
    const alias = { ...row, sign_in_id: slot("alias"), version: 0, state_sealed: slot("alias_sealed") };
    return kysely
      .insertInto("sign_ins")
      .values([row, alias])
      .onConflict((conflict) =>
        conflict.columns(["pool_id", "sign_in_id"]).doUpdateSet((excluded) => ({
          client_id: excluded.ref("excluded.client_id"),
          user_id: excluded.ref("excluded.user_id"),
          version: excluded.ref("excluded.version"),
          state_sealed: excluded.ref("excluded.state_sealed"),
          created_at: excluded.ref("excluded.created_at"),
          expires_at: excluded.ref("excluded.expires_at"),
        })),
      );
  },
);

/**
 * Adds a sign-in.
 * @param alias a second id by which readAliasedSignIn finds it; the newest sign-in with an alias has it
 */
export async function insertSignIn<State>(db: Db, row: SignInRow<State>, alias?: string): Promise<void> {
  const values = {
    pool_id: row.poolId,
    sign_in_id: row.id,
    client_id: row.clientId,
    user_id: row.userId ?? null,
    version: row.version,
    state_sealed: db.sealer.seal(place(row.poolId, row.id), JSON.stringify(row.state)),
    created_at: row.createdAt,
    expires_at: row.expiresAt,
  };
  if (alias === undefined) await insertQuery(db, values);
  else {
    const alias_sealed = db.sealer.seal(place(row.poolId, alias), JSON.stringify({ of: row.id }));
    await insertAliasedQuery(db, { ...values, alias, alias_sealed });
  }
}

const insertUsedQuery = preparedWrite<SignInsTable>((kysely, slot) =>
  kysely
    .insertInto("sign_ins")
    .values(slots(slot, columns))
    .onConflict((conflict) => conflict.columns(["pool_id", "sign_in_id"]).doNothing()),
);

/**
 * Records that a sign-in's start was used, for sign-ins that began without a row. Returns false if it was used before.
 * @param used `expiresAt`: when nothing with this id could be accepted any more
 */
export async function insertUsed(
  db: Db,
  used: Pick<SignInRow<unknown>, "poolId" | "id" | "clientId" | "createdAt" | "expiresAt">,
): Promise<boolean> {
  const inserted = await insertUsedQuery(db, {
    pool_id: used.poolId,
    sign_in_id: used.id,
    client_id: used.clientId,
    user_id: null,
    version: 0,
    state_sealed: db.sealer.seal(place(used.poolId, used.id), "{}"),
    created_at: used.createdAt,
    expires_at: used.expiresAt,
  });
  return inserted === 1;
}

const readQuery = lookup<{ poolId: string; id: string }, SignInsTable>((kysely, slot) =>
  kysely
    .selectFrom("sign_ins")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("sign_in_id", "=", slot("id")),
);

/** A sign-in in the state it waits in; undefined if it has ended, or never began. */
export async function readSignIn<State>(
  db: Db,
  poolId: string,
  id: string,
): Promise<SignInRow<State> | undefined> {
  const [row] = await readQuery(db, { poolId, id });
  return (
    row && {
      poolId: row.pool_id,
      id: row.sign_in_id,
      clientId: row.client_id,
      userId: row.user_id ?? undefined,
      version: row.version,
      state: JSON.parse(db.sealer.openText(place(row.pool_id, row.sign_in_id), row.state_sealed)) as State,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
    }
  );
}

/** The newest sign-in with this alias, unless it has ended. */
export async function readAliasedSignIn<State>(
  db: Db,
  poolId: string,
  alias: string,
): Promise<SignInRow<State> | undefined> {
  const named = await readSignIn<{ readonly of: string }>(db, poolId, alias);
  return named && readSignIn<State>(db, poolId, named.state.of);
}

type Move = Pick<SignInsTable, "pool_id" | "sign_in_id" | "version" | "state_sealed">;

const moveQuery = preparedWrite<Move>((kysely, slot) =>
  kysely
    .updateTable("sign_ins")
    .set((row) => ({ version: row("version", "+", 1), state_sealed: slot("state_sealed") }))
    .where("pool_id", "=", slot("pool_id"))
    .where("sign_in_id", "=", slot("sign_in_id"))
    .where("version", "=", slot("version")),
);

/**
 * Writes the next state if the row still has the version it was read with. Returns false if it was already answered.
 */
export async function moveSignIn<State>(db: Db, row: SignInRow<State>, state: State): Promise<boolean> {
  const moved = await moveQuery(db, {
    pool_id: row.poolId,
    sign_in_id: row.id,
    version: row.version,
    state_sealed: db.sealer.seal(place(row.poolId, row.id), JSON.stringify(state)),
  });
  return moved === 1;
}

const deleteQuery = preparedWrite<{ poolId: string; id: string }>((kysely, slot) =>
  kysely.deleteFrom("sign_ins").where("pool_id", "=", slot("poolId")).where("sign_in_id", "=", slot("id")),
);

/** Voids a sign-in, whatever it waits for. */
export async function deleteSignIn(db: Db, poolId: string, id: string): Promise<void> {
  await deleteQuery(db, { poolId, id });
}

const takeQuery = preparedWrite<{ poolId: string; id: string; version: number }>((kysely, slot) =>
  kysely
    .deleteFrom("sign_ins")
    .where("pool_id", "=", slot("poolId"))
    .where("sign_in_id", "=", slot("id"))
    .where("version", "=", slot("version")),
);

/** Ends a sign-in. Returns false if it was already answered. */
export async function takeSignIn(
  db: Db,
  row: Pick<SignInRow<unknown>, "poolId" | "id" | "version">,
): Promise<boolean> {
  return (await takeQuery(db, { poolId: row.poolId, id: row.id, version: row.version })) === 1;
}
