/**
 * Replaces the data key, beside running servers, in steps that each stand in the database, so that a rotation which
 * was cut short goes on where it stopped:
 * 1. a new key is added (`next-seal`), which every server learns before anything is sealed under it;
 * 2. it becomes the `seal` key and the former one is retired: it opens, but seals nothing more;
 * 3. once no server can still seal under the retired key, every stored value is sealed anew;
 * 4. once the Sessions and SECRET_BLOCKs sealed under it and given to clients have run out, a last pass makes sure that
 *    nothing is left, and the retired key is deleted.
 * The `mac` key stays: fake salts, the HMACs of codes, page tokens and the kids of first signing keys rest on it.
 */
import type { Random } from "../../lib/seal.ts";
import type { Db } from "../db.ts";
import { keyRotationLease, underLease } from "../engine/lease.ts";
import { affected, runTransaction } from "../engine/transaction.ts";
import { isWrappedUnder, makeDataKey, readDataKeys } from "../keys/data-keys.ts";
import type { OpenedDatabase } from "../open.ts";
import type { DataKeysTable } from "../schema/schema.ts";
import { refreshEvery } from "./refresh-keys.ts";
import { reseal } from "./reseal.ts";

/** After each step, how long until the next may follow. Milliseconds. */
const waits = {
  /** Every server reads the new key in this time, three times over. */
  learned: 3 * refreshEvery,
  /** Every server knows that the former key is retired. */
  settled: 3 * refreshEvery,
  /** Sessions last 15 minutes at most (AuthSessionValidity); some more for clocks that differ. */
  sessionsEnded: 20 * 60_000,
} as const;

export interface RotateOptions {
  readonly clock: () => number;
  readonly random: Random;
  /** Resolves after so many milliseconds. */
  readonly wait: (milliseconds: number) => Promise<void>;
  /** What is being done, for the operator. */
  readonly tell: (text: string) => void;
}

export interface RotatedDataKey {
  readonly keyId: string;
  readonly resealed: number;
}

/** Begins a rotation, or goes on with one that was begun. Throws LeaseTaken; throws when a value does not open. */
export function rotateDataKey(opened: OpenedDatabase, options: RotateOptions): Promise<RotatedDataKey> {
  return underLease(opened.db.kysely, keyRotationLease, async () => {
    await begin(opened, options);
    await promote(opened, options);
    return finish(opened, options);
  });
}

const isSealing = (row: DataKeysTable) => row.purpose === "seal" && row.retired_at === null;
const isNext = (row: DataKeysTable) => row.purpose === "next-seal";
const isRetired = (row: DataKeysTable) => row.retired_at !== null;

/** Whether a rotation was begun and not finished. */
export function isRotating(rows: readonly DataKeysTable[]): boolean {
  return rows.some((row) => isNext(row) || isRetired(row));
}

async function begin({ db, masterKeys }: OpenedDatabase, options: RotateOptions): Promise<void> {
  const rows = await readDataKeys(db.kysely);
  const [masterKey] = masterKeys.all();
  if (!rows.every((row) => isWrappedUnder(masterKey!, row))) {
    throw new Error(
      "The data keys are still wrapped under the previous master key: run `poolhouse keys rotate master` first.",
    );
  }
  if (isRotating(rows)) {
    options.tell("Going on with the rotation that was begun.");
    return;
  }
  const next = makeDataKey("next-seal", {
    masterKey: masterKey!,
    random: options.random,
    now: options.clock(),
  });
  await db.kysely.insertInto("data_keys").values(next.row).execute();
  options.tell(`Made the data key ${next.row.key_id}.`);
}

async function promote({ db, refreshKeys }: OpenedDatabase, options: RotateOptions): Promise<void> {
  const next = (await readDataKeys(db.kysely)).find(isNext);
  if (next !== undefined) {
    options.tell("Waiting until every server knows it.");
    await waitUntil(next.created_at + waits.learned, options);
    await runTransaction(db.kysely, async (tx) => {
      const retired = await tx
        .updateTable("data_keys")
        .set({ retired_at: options.clock() })
        .where("purpose", "=", "seal")
        .where("retired_at", "is", null)
        .executeTakeFirst();
      const promoted = await tx
        .updateTable("data_keys")
        .set({ purpose: "seal" })
        .where("key_id", "=", next.key_id)
        .where("purpose", "=", "next-seal")
        .executeTakeFirst();
      if (affected(retired) !== 1 || affected(promoted) !== 1)
        throw new Error("The data keys were changed by somebody else meanwhile.");
    });
    options.tell(`${next.key_id} is in use.`);
  }
  await refreshKeys();
}

async function finish({ db }: OpenedDatabase, options: RotateOptions): Promise<RotatedDataKey> {
  const rows = await readDataKeys(db.kysely);
  const retired = rows.filter(isRetired);
  const ids = retired.map((row) => row.key_id);
  const since = Math.max(...retired.map((row) => row.retired_at!));
  await waitUntil(since + waits.settled, options);
  let resealed = await pass(db, ids, options);
  options.tell(`Sealed ${resealed} values anew. Waiting until running sign-ins have ended.`);
  await waitUntil(since + waits.sessionsEnded, options);
  for (;;) {
    const late = await pass(db, ids, options);
    if (late === 0) break;
    resealed += late;
  }
  await db.kysely
    .deleteFrom("data_keys")
    .where("key_id", "in", ids)
    .where("retired_at", "is not", null)
    .execute();
  options.tell(`Deleted the former data key ${ids.join(", ")}.`);
  return { keyId: rows.find(isSealing)!.key_id, resealed };
}

/** How many values were found under a retired key; all of them are sealed anew, or changed by a server, by now. */
async function pass(db: Db, retired: readonly string[], { tell }: RotateOptions): Promise<number> {
  let told = 0;
  const { found, broken } = await reseal(db, retired, (soFar) => {
    if (soFar - told < 10_000) return;
    told = soFar;
    tell(`${soFar} values so far.`);
  });
  if (broken.length === 0) return found;
  const shown = broken.slice(0, 10).join(", ");
  throw new Error(
    `${broken.length} sealed values do not open where they stand, so the former data key is kept: ${shown}`,
  );
}

async function waitUntil(time: number, { clock, wait }: RotateOptions): Promise<void> {
  const left = time - clock();
  if (left > 0) await wait(left);
}
