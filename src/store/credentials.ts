/** A user's password hash and SRP verifier, both sealed; written together whenever the clear password is available. */
import { sql } from "kysely";
import { packPhc, unpackPhc } from "../lib/phc.ts";
import type { Db } from "./db.ts";
import { blobType } from "./engine/sql.ts";
import { affected } from "./engine/transaction.ts";
import { prepared } from "./prepared.ts";
import type { CredentialsTable } from "./schema/schema.ts";
import { decoyOf, userNumber } from "./users.ts";

export interface Credential {
  readonly version: number;
  /** The argon2id hash as a PHC string. */
  readonly phc: string | undefined;
  /** Salt and verifier; absent for users imported with a hash only. */
  readonly srp: { readonly salt: Uint8Array; readonly verifier: Uint8Array } | undefined;
  /** Earlier PHC strings, newest first, without the current one. */
  readonly history: readonly string[];
  /** When a temporary password expires, in epoch milliseconds. */
  readonly temporaryUntil: number | undefined;
}

export type NewCredential = Omit<Credential, "version">;

const saltBytes = 16;
const place = (column: string, poolId: string, userId: string) =>
  `credentials:${column}:${poolId}/${userId}` as const;

const credentialQuery = prepared<{ poolId: string; userId: string }, CredentialsTable>((kysely, slot) =>
  kysely
    .selectFrom("credentials")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    // Not a join, which would take PostgreSQL twice as long to plan.
    .where("user_number", "=", userNumber(kysely, slot("poolId"), slot("userId"))),
);

/** A user's credential. Without a user, as much is read and unsealed for a dummy, so that it takes equally long. */
export async function readCredential(
  db: Db,
  poolId: string,
  userId: string | undefined,
): Promise<Credential | undefined> {
  const [row] = await credentialQuery(db, { poolId, userId: userId ?? decoyOf(db, poolId) });
  if (row === undefined || userId === undefined) {
    openNothing(db);
    return undefined;
  }
  const open = (column: string, sealed: Uint8Array) => db.sealer.open(place(column, poolId, userId), sealed);
  const srp = row.srp_sealed && open("srp_sealed", row.srp_sealed);
  return {
    version: row.version,
    phc: row.password_sealed === null ? undefined : unpackPhc(open("password_sealed", row.password_sealed)),
    srp: srp ? { salt: srp.subarray(0, saltBytes), verifier: srp.subarray(saltBytes) } : undefined,
    history: row.history_sealed === null ? [] : JSON.parse(text(open("history_sealed", row.history_sealed))),
    temporaryUntil: row.temporary_until ?? undefined,
  };
}

const nothing = "credentials:nothing:nobody";

/** Unseals a dummy of the size of a hash and a verifier. */
function openNothing({ sealer, decoys }: Db): void {
  let sealed = decoys.credential;
  // Made anew after the data key has been rotated, since the former one will be deleted.
  if (sealed?.keyId !== sealer.currentKeyId) {
    sealed = {
      keyId: sealer.currentKeyId,
      phc: sealer.seal(nothing, new Uint8Array(56)),
      srp: sealer.seal(nothing, new Uint8Array(400)),
    };
    decoys.credential = sealed;
  }
  sealer.open(nothing, sealed.phc);
  sealer.open(nothing, sealed.srp);
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");

function columns(db: Db, poolId: string, userId: string, credential: NewCredential) {
  const seal = (column: string, value: Uint8Array | string) =>
    db.sealer.seal(place(column, poolId, userId), value);
  return {
    password_sealed: credential.phc === undefined ? null : seal("password_sealed", packPhc(credential.phc)),
    srp_sealed:
      credential.srp === undefined
        ? null
        : seal("srp_sealed", Buffer.concat([credential.srp.salt, credential.srp.verifier])),
    history_sealed:
      credential.history.length === 0 ? null : seal("history_sealed", JSON.stringify(credential.history)),
    temporary_until: credential.temporaryUntil ?? null,
  };
}

/** The row of a user's first credential, without its key. */
export function credentialRow(
  db: Db,
  poolId: string,
  userId: string,
  credential: NewCredential,
  now: number,
): Omit<CredentialsTable, "pool_id" | "user_number"> {
  return { version: 1, updated_at: now, ...columns(db, poolId, userId, credential) };
}

/**
 * Inserts the row of a user's credentials if the user exists, whose number cannot belong to anybody else. On PostgreSQL
 * the user cannot be deleted until the transaction ends.
 */
function insertFor(
  { kysely, kind }: Db,
  poolId: string,
  userId: string,
  row: ReturnType<typeof credentialRow>,
) {
  // In a select list PostgreSQL cannot infer the type of a parameter.
  const typed = (value: unknown, type: string) => sql`cast(${value} as ${sql.raw(type)})`;
  const blob = blobType(kind);
  const user = kysely
    .selectFrom("users")
    .select([
      "pool_id",
      "number",
      typed(row.version, "integer").as("version"),
      typed(row.password_sealed, blob).as("password_sealed"),
      typed(row.srp_sealed, blob).as("srp_sealed"),
      typed(row.history_sealed, blob).as("history_sealed"),
      typed(row.temporary_until, "bigint").as("temporary_until"),
      typed(row.updated_at, "bigint").as("updated_at"),
    ])
    .where("pool_id", "=", poolId)
    .where("user_id", "=", userId)
    .$if(kind === "postgres", (select) => select.forKeyShare());
  return kysely
    .insertInto("credentials")
    .columns([
      "pool_id",
      "user_number",
      "version",
      "password_sealed",
      "srp_sealed",
      "history_sealed",
      "temporary_until",
      "updated_at",
    ])
    .expression(user);
}

/** Adds a user's first credential, inside the transaction that adds the user. */
export async function insertCredential(
  tx: Db,
  poolId: string,
  userId: string,
  credential: NewCredential,
  now: number,
): Promise<void> {
  await insertFor(tx, poolId, userId, credentialRow(tx, poolId, userId, credential, now)).execute();
}

/**
 * Adds the missing hash or verifier of the same password to a credential of `version`, without invalidating what
 * depends on that version. Returns false if it has a verifier by now, the password was changed in the meantime, or the
 * user is gone.
 */
export async function completeStored(
  db: Db,
  poolId: string,
  userId: string,
  version: number,
  credential: NewCredential,
  now: number,
): Promise<boolean> {
  const result = await db.kysely
    .updateTable("credentials")
    .set({ ...credentialRow(db, poolId, userId, credential, now), version })
    .where("pool_id", "=", poolId)
    .where("user_number", "=", userNumber(db.kysely, poolId, userId))
    .where("version", "=", version)
    .where("srp_sealed", "is", null)
    .executeTakeFirst();
  return affected(result) === 1;
}

/**
 * Replaces a credential if it still has `version` (undefined: in any case, even if there is none). Returns false if the
 * password was changed in the meantime, or the user is gone.
 */
export async function writeCredential(
  db: Db,
  poolId: string,
  userId: string,
  version: number | undefined,
  credential: NewCredential,
  now: number,
): Promise<boolean> {
  const row = credentialRow(db, poolId, userId, credential, now);
  if (version === undefined) {
    const result = await insertFor(db, poolId, userId, row)
      .onConflict((conflict) =>
        conflict
          .columns(["pool_id", "user_number"])
          .doUpdateSet((set) => ({ ...row, version: set("credentials.version", "+", 1) })),
      )
      .executeTakeFirst();
    return affected(result) === 1;
  }
  const result = await db.kysely
    .updateTable("credentials")
    .set({ ...row, version: version + 1 })
    .where("pool_id", "=", poolId)
    .where("user_number", "=", userNumber(db.kysely, poolId, userId))
    .where("version", "=", version)
    .executeTakeFirst();
  return affected(result) === 1;
}
