/** A user's password hash and SRP verifier, both sealed; written together whenever the clear password is available. */
import { type Kysely, sql } from "kysely";
import { packPhc, unpackPhc } from "../lib/phc.ts";
import type { Db } from "./db.ts";
import { blobType, type DatabaseKind } from "./engine/sql.ts";
import {
  type CallerPlaces,
  type CallerState,
  type CallerStateRow,
  type CallerStateSlots,
  callerStateColumns,
  callerStateFromRow,
  callerStateValues,
} from "./known-sources.ts";
import { lookup, type Nullable, preparedWrite, type Slots, slots } from "./prepared.ts";
import type { CredentialsTable, Schema } from "./schema/schema.ts";
import { userNumber } from "./user-numbers.ts";
import { decoyOf } from "./users.ts";

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

const credentialQuery = lookup<{ poolId: string; userId: string }, CredentialsTable>((kysely, slot) =>
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
  return credentialFromRow(db, row, userId);
}

const guessQuery = lookup<
  CallerStateSlots & { holderId: string },
  CallerStateRow & Nullable<CredentialsTable>
>((kysely, slot) =>
  kysely
    .selectFrom(kysely.selectNoFrom(sql<number>`1`.as("row")).as("one"))
    .leftJoin("credentials", (join) =>
      join
        .on("credentials.pool_id", "=", slot("poolId"))
        .on("credentials.user_number", "=", userNumber(kysely, slot("poolId"), slot("holderId"))),
    )
    .selectAll("credentials")
    .select(() => callerStateColumns(kysely, slot)),
);

/** What is read before a guess at a password. */
export interface PasswordGuess {
  readonly state: CallerState;
  /** Unseals the credential as `readCredential` does: only once the guess is admitted. */
  credential(): Credential | undefined;
}

/** Reads the limits that apply to a caller, and the credential, in one statement. */
export async function readPasswordGuess(
  db: Db,
  where: CallerPlaces,
  userId: string | undefined,
  now: number,
): Promise<PasswordGuess> {
  const { poolId } = where.source;
  const values = { ...callerStateValues(where, now), holderId: userId ?? decoyOf(db, poolId) };
  const [row] = await guessQuery(db, values);
  const found = row?.version == null ? undefined : (row as CredentialsTable);
  return { state: callerStateFromRow(row), credential: () => credentialFromRow(db, found, userId) };
}

/** @param userId undefined: the row is a decoy's, and a dummy is unsealed in its place */
function credentialFromRow(
  db: Db,
  row: CredentialsTable | undefined,
  userId: string | undefined,
): Credential | undefined {
  if (row === undefined || userId === undefined) {
    openNothing(db);
    return undefined;
  }
  const open = (column: string, sealed: Uint8Array) =>
    db.sealer.open(place(column, row.pool_id, userId), sealed);
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

/** The columns besides the key, with their types. */
const columnTypes = {
  version: "integer",
  password_sealed: "bytes",
  srp_sealed: "bytes",
  history_sealed: "bytes",
  temporary_until: "bigint",
  updated_at: "bigint",
} as const satisfies Record<keyof ReturnType<typeof credentialRow>, string>;

type Column = keyof typeof columnTypes;

const allColumns = Object.keys(columnTypes) as Column[];
const changedColumns = allColumns.filter((column) => column !== "version");

type CredentialSlots = { poolId: string; userId: string } & Pick<CredentialsTable, Column>;

/**
 * Inserts the row of a user's credentials if the user exists, whose number cannot belong to anybody else. On PostgreSQL
 * the user cannot be deleted until the transaction ends.
 */
function insertFor(kysely: Kysely<Schema>, slot: Slots<CredentialSlots>, kind: DatabaseKind) {
  // In a select list PostgreSQL cannot infer the type of a parameter.
  const typed = (column: Column) => {
    const type = columnTypes[column] === "bytes" ? blobType(kind) : columnTypes[column];
    return sql`cast(${slot(column)} as ${sql.raw(type)})`.as(column);
  };
  const user = kysely
    .selectFrom("users")
    .select(["pool_id", "number", ...allColumns.map(typed)])
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .$if(kind === "postgres", (select) => select.forKeyShare());
  return kysely
    .insertInto("credentials")
    .columns(["pool_id", "user_number", ...allColumns])
    .expression(user);
}

const insertQuery = preparedWrite<CredentialSlots>(insertFor);

const putQuery = preparedWrite<CredentialSlots>((kysely, slot, kind) =>
  insertFor(kysely, slot, kind).onConflict((conflict) =>
    conflict.columns(["pool_id", "user_number"]).doUpdateSet((set) => ({
      ...slots(slot, changedColumns),
      version: set("credentials.version", "+", 1),
    })),
  ),
);

/** An update of a credential that still has this version; the version stays as it is. */
function updateFor(kysely: Kysely<Schema>, slot: Slots<CredentialSlots>) {
  return kysely
    .updateTable("credentials")
    .set(slots(slot, changedColumns))
    .where("pool_id", "=", slot("poolId"))
    .where("user_number", "=", userNumber(kysely, slot("poolId"), slot("userId")))
    .where("version", "=", slot("version"));
}

const completeQuery = preparedWrite<CredentialSlots>((kysely, slot) =>
  updateFor(kysely, slot).where("srp_sealed", "is", null),
);

const replaceQuery = preparedWrite<CredentialSlots>((kysely, slot) =>
  updateFor(kysely, slot).set((set) => ({ version: set("version", "+", 1) })),
);

/** Adds a user's first credential, inside the transaction that adds the user. */
export async function insertCredential(
  tx: Db,
  poolId: string,
  userId: string,
  credential: NewCredential,
  now: number,
): Promise<void> {
  await insertQuery(tx, { poolId, userId, ...credentialRow(tx, poolId, userId, credential, now) });
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
  const row = credentialRow(db, poolId, userId, credential, now);
  return (await completeQuery(db, { poolId, userId, ...row, version })) === 1;
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
  const written =
    version === undefined
      ? await putQuery(db, { poolId, userId, ...row })
      : await replaceQuery(db, { poolId, userId, ...row, version });
  return written === 1;
}
