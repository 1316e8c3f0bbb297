/**
 * Replaces the data key next to running servers. Each step is recorded in the database, so that an interrupted rotation
 * continues where it stopped:
 * 1. a new key is added (`next-seal`), which every server loads before anything is sealed under it;
 * 2. it becomes the `seal` key, and the former one is retired: it opens values but seals none;
 * 3. once no server can still seal under the retired key, every stored value is resealed;
 * 4. once the Sessions and SECRET_BLOCKs sealed under it and given to clients have expired, a last pass makes sure that
 *    nothing is left, and the retired key is deleted.
 * The `mac` key stays: fake salts, HMACs of codes, page tokens and the kids of first signing keys depend on it.
 */

import { OperatorError } from "../../lib/operator-error.ts";
import type { Random } from "../../lib/seal.ts";
import type { Db } from "../db.ts";
import { keyRotationLease, underLease } from "../engine/lease.ts";
import { affected, runTransaction } from "../engine/transaction.ts";
import { isWrappedUnder, makeDataKey, readDataKeys } from "../keys/data-keys.ts";
import type { OpenedDatabase } from "../open.ts";
import type { DataKeysTable } from "../schema/schema.ts";
import { refreshEvery } from "./refresh-keys.ts";
import { reseal } from "./reseal.ts";

/** How long to wait after each step. Milliseconds. */
const waits = {
  /** Until every server has loaded the new key: three times the interval. */
  loaded: 3 * refreshEvery,
  /** Until every server knows that the former key is retired. */
  settled: 3 * refreshEvery,
  /**
   * Until Sessions, which last at most 15 minutes (AuthSessionValidity), have expired, with some margin for clock skew.
   */
  sessionsEnded: 20 * 60_000,
} as const;

export interface RotateOptions {
  readonly clock: () => number;
  readonly random: Random;
  /** Resolves after this many milliseconds. */
  readonly wait: (milliseconds: number) => Promise<void>;
  /** Reports progress to the operator. */
  readonly report: (text: string) => void;
}

export interface RotatedDataKey {
  readonly keyId: string;
  readonly resealed: number;
}

/** Starts a rotation, or continues an interrupted one. Throws LeaseTaken, or an Error if a value cannot be opened. */
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

/** Whether a rotation was started and is not finished. */
export function isRotating(rows: readonly DataKeysTable[]): boolean {
  return rows.some((row) => isNext(row) || isRetired(row));
}

async function begin({ db, masterKeys }: OpenedDatabase, options: RotateOptions): Promise<void> {
  const rows = await readDataKeys(db.kysely);
  const [masterKey] = masterKeys.all();
  if (!rows.every((row) => isWrappedUnder(masterKey!, row))) {
    throw new OperatorError(
      "The data keys are still wrapped under the previous master key: run `poolhouse keys rotate master` first.",
    );
  }
  if (isRotating(rows)) {
    options.report("Going on with the rotation that was begun.");
    return;
  }
  const next = makeDataKey("next-seal", {
    masterKey: masterKey!,
    random: options.random,
    now: options.clock(),
  });
  await db.kysely.insertInto("data_keys").values(next.row).execute();
  options.report(`Made the data key ${next.row.key_id}.`);
}

async function promote({ db, refreshKeys }: OpenedDatabase, options: RotateOptions): Promise<void> {
  const next = (await readDataKeys(db.kysely)).find(isNext);
  if (next !== undefined) {
    options.report("Waiting until every server knows it.");
    await waitUntil(next.created_at + waits.loaded, options);
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
        throw new OperatorError("The data keys were changed by somebody else meanwhile.");
    });
    options.report(`${next.key_id} is in use.`);
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
  options.report(`Sealed ${resealed} values anew. Waiting until running sign-ins have ended.`);
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
  options.report(`Deleted the former data key ${ids.join(", ")}.`);
  return { keyId: rows.find(isSealing)!.key_id, resealed };
}

/**
 * One pass of resealing. Returns how many values were found under a retired key; all of them have been resealed, or
 * changed by a server, when it resolves.
 */
async function pass(db: Db, retired: readonly string[], { report }: RotateOptions): Promise<number> {
  let reported = 0;
  const { found, broken } = await reseal(db, retired, (soFar) => {
    if (soFar - reported < 10_000) return;
    reported = soFar;
    report(`${soFar} values so far.`);
  });
  if (broken.length === 0) return found;
  const shown = broken.slice(0, 10).join(", ");
  throw new OperatorError(
    `${broken.length} sealed values do not open where they stand, so the former data key is kept: ${shown}`,
  );
}

async function waitUntil(time: number, { clock, wait }: RotateOptions): Promise<void> {
  const left = time - clock();
  if (left > 0) await wait(left);
}
