/** Which logins belong to which identity: identities are added, linked, unlinked and merged. */
import { type Db, inTransaction } from "./db.ts";
import { type IdentityKey, type IdentityRow, type Login, loginKey, loginsOf } from "./identities.ts";
import { holdIdentityPool } from "./identity-pools.ts";
import { preparedWrite, slots } from "./prepared.ts";
import type { IdentitiesTable, IdentityLoginsTable } from "./schema/schema-identities.ts";

const insertQuery = preparedWrite<IdentitiesTable>((kysely, slot) =>
  kysely
    .insertInto("identities")
    .values(slots(slot, ["pool_id", "identity_id", "merged_into", "created_at", "updated_at", "expires_at"]))
    .onConflict((conflict) => conflict.doNothing()),
);

const insertLoginQuery = preparedWrite<IdentityLoginsTable>((kysely, slot) =>
  kysely
    .insertInto("identity_logins")
    .values(slots(slot, ["pool_id", "login_key", "identity_id", "provider_name", "subject", "created_at"]))
    .onConflict((conflict) => conflict.doNothing()),
);

/** The row of a login that belongs to an identity from now on. */
export const loginRow = (
  db: Db,
  { poolId, id }: IdentityKey,
  login: Login,
  now: number,
): IdentityLoginsTable => ({
  pool_id: poolId,
  login_key: loginKey(db, login),
  identity_id: id,
  provider_name: login.provider,
  subject: login.subject,
  created_at: now,
});

/** Rolls a transaction back whose answer is already known. */
class Undone<Answer> extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super("The transaction is rolled back.");
    this.answer = answer;
  }
}

/** Runs a transaction, which may throw Undone. */
async function undoable<Answer>(db: Db, work: (tx: Db) => Promise<Answer>): Promise<Answer> {
  try {
    return await inTransaction(db, work);
  } catch (error) {
    if (error instanceof Undone) return error.answer as Answer;
    throw error;
  }
}

type Added = "added" | "taken" | "no-pool" | "not-allowed";

/**
 * Adds an identity with its logins. `taken`: its id is, or another request added one of the logins meanwhile.
 * `no-pool`: the pool is gone. `not-allowed`: `allows`, which counts it in the same transaction, returned false.
 */
export function insertIdentity(
  db: Db,
  identity: IdentityKey & Pick<IdentityRow, "createdAt" | "expiresAt">,
  logins: readonly Login[],
  allows: (tx: Db) => Promise<boolean>,
): Promise<Added> {
  return undoable<Added>(db, async (tx) => {
    const { poolId, id, createdAt } = identity;
    if (!(await holdIdentityPool(tx, poolId))) return "no-pool";
    const added = await insertQuery(tx, {
      pool_id: poolId,
      identity_id: id,
      merged_into: null,
      created_at: createdAt,
      updated_at: createdAt,
      expires_at: identity.expiresAt ?? null,
    });
    if (added === 0) throw new Undone<Added>("taken");
    if (!(await addLogins(tx, identity, logins, createdAt))) throw new Undone<Added>("taken");
    // Last, for whoever comes second has found the login taken.
    if (!(await allows(tx))) throw new Undone<Added>("not-allowed");
    return "added";
  });
}

async function addLogins(
  tx: Db,
  identity: IdentityKey,
  logins: readonly Login[],
  now: number,
): Promise<boolean> {
  const rows = logins.map((login) => loginRow(tx, identity, login, now));
  // In one order, so that of two requests with the same logins one waits for the other.
  for (const row of rows.sort((one, other) => (one.login_key < other.login_key ? -1 : 1)))
    if ((await insertLoginQuery(tx, row)) === 0) return false;
  return true;
}

const touchQuery = preparedWrite<IdentityKey & { now: number; expiresAt: null }>((kysely, slot) =>
  kysely
    .updateTable("identities")
    .set({ updated_at: slot("now"), expires_at: slot("expiresAt") })
    .where("pool_id", "=", slot("poolId"))
    .where("identity_id", "=", slot("id"))
    .where("merged_into", "is", null),
);

type Linked = "linked" | "taken" | "gone";

/** Decides in the transaction that changes them, from the logins as they are then; throws to undo it. */
type Check<Args extends readonly unknown[]> = (...args: Args) => void;

/**
 * Links logins to an identity, which is kept from now on, if `check` does not throw for the logins that it has.
 * `taken`: one of them belongs to an identity already. `gone`: there is no such identity, or it is disabled.
 */
export function linkLogins(
  db: Db,
  identity: IdentityKey,
  logins: readonly Login[],
  { now, check }: { readonly now: number; readonly check: Check<[linked: readonly Login[]]> },
): Promise<Linked> {
  return undoable<Linked>(db, async (tx) => {
    // First, for this makes other changes of the identity wait.
    if ((await keep(tx, identity, now)) === 0) return "gone";
    check(await loginsOf(tx, identity.poolId, identity.id));
    if (!(await addLogins(tx, identity, logins, now))) throw new Undone<Linked>("taken");
    return "linked";
  });
}

const unlinkQuery = preparedWrite<IdentityKey & { key: string }>((kysely, slot) =>
  kysely
    .deleteFrom("identity_logins")
    .where("pool_id", "=", slot("poolId"))
    .where("login_key", "=", slot("key"))
    .where("identity_id", "=", slot("id")),
);

const closeQuery = preparedWrite<IdentityKey & { now: number; expiresAt: number }>((kysely, slot) =>
  kysely
    .updateTable("identities")
    .set({ merged_into: slot("id"), updated_at: slot("now"), expires_at: slot("expiresAt") })
    .where("pool_id", "=", slot("poolId"))
    .where("identity_id", "=", slot("id")),
);

/**
 * Removes logins from an identity: all of them, or none if one is not linked. Returns whether they were removed. Without any
 * login the identity is disabled, and forgotten at `expiresAt`.
 */
export function unlinkLogins(
  db: Db,
  identity: IdentityKey,
  logins: readonly Login[],
  { now, expiresAt }: { readonly now: number; readonly expiresAt: number },
): Promise<boolean> {
  return undoable(db, async (tx) => {
    const { poolId, id } = identity;
    // First, so that no login is added to an identity that is being disabled.
    if ((await keep(tx, identity, now)) === 0) return false;
    for (const login of logins)
      if ((await unlinkQuery(tx, { poolId, id, key: loginKey(tx, login) })) === 0) throw new Undone(false);
    const left = await loginsOf(tx, poolId, id);
    if (left.length === 0) await closeQuery(tx, { poolId, id, now, expiresAt });
    return true;
  });
}

const mergeQuery = preparedWrite<IdentityKey & { into: string; now: number }>((kysely, slot) =>
  kysely
    .updateTable("identities")
    .set({ merged_into: slot("into"), updated_at: slot("now"), expires_at: null })
    .where("pool_id", "=", slot("poolId"))
    .where("identity_id", "=", slot("id"))
    .where("merged_into", "is", null),
);

const moveLoginsQuery = preparedWrite<IdentityKey & { into: string }>((kysely, slot) =>
  kysely
    .updateTable("identity_logins")
    .set({ identity_id: slot("into") })
    .where("pool_id", "=", slot("poolId"))
    .where("identity_id", "=", slot("id")),
);

/**
 * Merges an identity into another of the pool, if `check` does not throw for the logins of the two: its logins move
 * there, and it is disabled. Returns false if one of the two does not exist or is disabled.
 */
export function mergeIdentity(
  db: Db,
  { poolId, id, into }: IdentityKey & { readonly into: string },
  {
    now,
    check,
  }: { readonly now: number; readonly check: Check<[of: readonly Login[], into: readonly Login[]]> },
): Promise<boolean> {
  return undoable(db, async (tx) => {
    // In one order, so that two merges in opposite directions wait for each other instead of dying together.
    for (const one of [id, into].sort()) {
      const change =
        one === id ? mergeQuery(tx, { poolId, id, into, now }) : keep(tx, { poolId, id: into }, now);
      if ((await change) === 0) throw new Undone(false);
    }
    check(await loginsOf(tx, poolId, id), await loginsOf(tx, poolId, into));
    await moveLoginsQuery(tx, { poolId, id, into });
    return true;
  });
}

const keep = (tx: Db, { poolId, id }: IdentityKey, now: number) =>
  touchQuery(tx, { poolId, id, now, expiresAt: null });
