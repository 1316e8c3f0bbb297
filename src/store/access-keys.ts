/** Access keys of administrators and applications. The secret is sealed, not hashed: Signature V4 needs it. */
import { affected, type Db } from "./db.ts";

export interface AccessKey {
  readonly id: string;
  /** `root`, or the name it was made under. */
  readonly principal: string;
  readonly secret: string;
  /** IAM policy document, JSON. */
  readonly policy: string;
  readonly status: "Active" | "Inactive";
  readonly createdAt: number;
}

const place = (id: string) => `access_keys:secret_sealed:${id}` as const;

/** False: the id is taken, or there is a root key already. */
export async function insertAccessKey(db: Db, key: AccessKey): Promise<boolean> {
  const result = await db.kysely
    .insertInto("access_keys")
    .values({
      access_key_id: key.id,
      principal: key.principal,
      secret_sealed: db.sealer.seal(place(key.id), key.secret),
      policy: key.policy,
      status: key.status,
      created_at: key.createdAt,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return affected(result) === 1;
}

export async function readAccessKey(db: Db, id: string): Promise<AccessKey | undefined> {
  const row = await db.kysely
    .selectFrom("access_keys")
    .selectAll()
    .where("access_key_id", "=", id)
    .executeTakeFirst();
  return (
    row && {
      id: row.access_key_id,
      principal: row.principal,
      secret: db.sealer.openText(place(row.access_key_id), row.secret_sealed),
      policy: row.policy,
      status: row.status,
      createdAt: row.created_at,
    }
  );
}

/** Everything but the secrets, oldest first. */
export async function listAccessKeys(db: Db): Promise<Omit<AccessKey, "secret">[]> {
  const rows = await db.kysely
    .selectFrom("access_keys")
    .select(["access_key_id", "principal", "policy", "status", "created_at"])
    .orderBy("created_at")
    .orderBy("access_key_id")
    .execute();
  return rows.map((row) => ({
    id: row.access_key_id,
    principal: row.principal,
    policy: row.policy,
    status: row.status,
    createdAt: row.created_at,
  }));
}

/** False: there is no such key. */
export async function setAccessKeyStatus(db: Db, id: string, status: AccessKey["status"]): Promise<boolean> {
  const result = await db.kysely
    .updateTable("access_keys")
    .set({ status })
    .where("access_key_id", "=", id)
    .executeTakeFirst();
  return affected(result) === 1;
}

/** False: there is no such key. */
export async function deleteAccessKey(db: Db, id: string): Promise<boolean> {
  const result = await db.kysely.deleteFrom("access_keys").where("access_key_id", "=", id).executeTakeFirst();
  return affected(result) === 1;
}
