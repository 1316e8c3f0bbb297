/** Access keys of administrators and applications. The secret is sealed rather than hashed: Signature V4 needs it. */

import { type Db, inTransaction } from "./db.ts";
import { lookup, prepared, preparedWrite, slots } from "./prepared.ts";
import type { AccessKeysTable } from "./schema/schema.ts";

export interface AccessKey {
  readonly id: string;
  /** `root`, or the name given when it was created. */
  readonly principal: string;
  readonly secret: string;
  /** The IAM policy document as JSON. */
  readonly policy: string;
  readonly status: "Active" | "Inactive";
  readonly createdAt: number;
}

const place = (id: string) => `access_keys:secret_sealed:${id}` as const;

const columns = (db: Db, key: AccessKey): AccessKeysTable => ({
  access_key_id: key.id,
  principal: key.principal,
  secret_sealed: db.sealer.seal(place(key.id), key.secret),
  policy: key.policy,
  status: key.status,
  created_at: key.createdAt,
});

const columnNames = [
  "access_key_id",
  "principal",
  "secret_sealed",
  "policy",
  "status",
  "created_at",
] as const satisfies (keyof AccessKeysTable)[];

const insertQuery = preparedWrite<AccessKeysTable>((kysely, slot) =>
  kysely
    .insertInto("access_keys")
    .values(slots(slot, columnNames))
    .onConflict((conflict) => conflict.doNothing()),
);

/** Adds a key. Returns false if its id is taken, or if it is a second root key. */
export async function insertAccessKey(db: Db, key: AccessKey): Promise<boolean> {
  return (await insertQuery(db, columns(db, key))) === 1;
}

const readQuery = lookup<{ id: string }, AccessKeysTable>((kysely, slot) =>
  kysely.selectFrom("access_keys").selectAll().where("access_key_id", "=", slot("id")),
);

/** A key as it is stored. */
export interface StoredAccessKey extends AccessKey {
  /** Opened when it is read. */
  readonly secret: string;
  /** Names the secret, as no other is sealed in the same bytes. */
  readonly sealedSecret: string;
}

export async function readAccessKey(db: Db, id: string): Promise<StoredAccessKey | undefined> {
  const [row] = await readQuery(db, { id });
  return (
    row && {
      id: row.access_key_id,
      principal: row.principal,
      get secret() {
        return db.sealer.openText(place(row.access_key_id), row.secret_sealed);
      },
      sealedSecret: Buffer.from(row.secret_sealed).toString("base64"),
      policy: row.policy,
      status: row.status,
      createdAt: row.created_at,
    }
  );
}

const statusQuery = lookup<{ id: string }, Pick<AccessKeysTable, "status">>((kysely, slot) =>
  kysely.selectFrom("access_keys").select("status").where("access_key_id", "=", slot("id")),
);

/** The status of a key, without unsealing its secret; undefined if there is no such key. */
export async function readAccessKeyStatus(db: Db, id: string): Promise<AccessKey["status"] | undefined> {
  const [row] = await statusQuery(db, { id });
  return row?.status;
}

/** A key without its secret. */
export interface AccessKeyInfo extends Omit<AccessKey, "secret"> {
  /** Epoch milliseconds, up to an hour behind; undefined if never used, or only by a version that did not record it. */
  readonly lastUsedAt: number | undefined;
}

type InfoRow = Omit<AccessKeysTable, "secret_sealed"> & { readonly used_at: number | null };

const listQuery = prepared<Record<never, never>, InfoRow>((kysely) =>
  kysely
    .selectFrom("access_keys")
    .leftJoin("access_key_uses", "access_key_uses.access_key_id", "access_keys.access_key_id")
    .select(["access_keys.access_key_id", "principal", "policy", "status", "created_at", "used_at"])
    .orderBy("created_at")
    .orderBy("access_keys.access_key_id"),
);

/** All keys without their secrets, oldest first. */
export async function listAccessKeys(db: Db): Promise<AccessKeyInfo[]> {
  const rows = await listQuery(db, {});
  return rows.map((row) => ({
    id: row.access_key_id,
    principal: row.principal,
    policy: row.policy,
    status: row.status,
    createdAt: row.created_at,
    lastUsedAt: row.used_at ?? undefined,
  }));
}

const noteUseQuery = preparedWrite<{ id: string; usedAt: number }>((kysely, slot) =>
  kysely
    .insertInto("access_key_uses")
    .values({ access_key_id: slot("id"), used_at: slot("usedAt") })
    .onConflict((conflict) =>
      conflict
        .column("access_key_id")
        .doUpdateSet({ used_at: slot("usedAt") })
        .where("access_key_uses.used_at", "<", slot("usedAt")),
    ),
);

/** Records when a key was last used (epoch milliseconds). An older time changes nothing. */
export async function noteAccessKeyUse(db: Db, id: string, usedAt: number): Promise<void> {
  await noteUseQuery(db, { id, usedAt });
}

const setStatusQuery = preparedWrite<{ id: string; status: AccessKey["status"] }>((kysely, slot) =>
  kysely
    .updateTable("access_keys")
    .set({ status: slot("status") })
    .where("access_key_id", "=", slot("id")),
);

/** Enables or disables a key. Returns false if there is no such key. */
export async function setAccessKeyStatus(db: Db, id: string, status: AccessKey["status"]): Promise<boolean> {
  return (await setStatusQuery(db, { id, status })) === 1;
}

const setPolicyQuery = preparedWrite<{ id: string; policy: string }>((kysely, slot) =>
  kysely
    .updateTable("access_keys")
    .set({ policy: slot("policy") })
    .where("access_key_id", "=", slot("id")),
);

/** Replaces the policy of a key. Returns false if there is no such key. */
export async function setAccessKeyPolicy(db: Db, id: string, policy: string): Promise<boolean> {
  return (await setPolicyQuery(db, { id, policy })) === 1;
}

const deleteQuery = preparedWrite<{ id: string }>((kysely, slot) =>
  kysely.deleteFrom("access_keys").where("access_key_id", "=", slot("id")),
);

const deleteUseQuery = preparedWrite<{ id: string }>((kysely, slot) =>
  kysely.deleteFrom("access_key_uses").where("access_key_id", "=", slot("id")),
);

/** Deletes a key. Returns false if there is no such key. */
export function deleteAccessKey(db: Db, id: string): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const deleted = await deleteQuery(tx, { id });
    await deleteUseQuery(tx, { id });
    return deleted === 1;
  });
}

const deleteOfPrincipalQuery = preparedWrite<{ principal: string }>((kysely, slot) =>
  kysely.deleteFrom("access_keys").where("principal", "=", slot("principal")),
);

const replaceQuery = preparedWrite<AccessKeysTable>((kysely, slot) =>
  kysely.insertInto("access_keys").values(slots(slot, columnNames)),
);

/** Replaces all keys of a principal with a new one: the former keys are refused from the next request on. */
export function replaceAccessKeys(db: Db, key: AccessKey): Promise<void> {
  return inTransaction(db, async (tx) => {
    await deleteOfPrincipalQuery(tx, { principal: key.principal });
    await replaceQuery(tx, columns(tx, key));
  });
}
