/** Replaces the master key: the data keys are wrapped anew, and not one sealed value changes. */
import type { Kysely } from "kysely";
import type { Random } from "../../lib/seal.ts";
import { keyRotationLease, LeaseTaken, underLease } from "../engine/lease.ts";
import { isWrappedUnder, readDataKeys, rewrapDataKeys } from "../keys/data-keys.ts";
import { adoptStagedMasterKey, type MasterKeySet, stageMasterKey } from "../keys/master-key.ts";
import type { OpenedDatabase } from "../open.ts";
import type { Schema } from "../schema/schema.ts";

/**
 * With a configured key: wraps what the previous one wraps under the configured one. With the file of the embedded
 * store: makes a new key and replaces the file. Returns how many data keys were wrapped anew, and the folder of the
 * file if there is one. Throws LeaseTaken.
 */
export function rotateMasterKey(
  { db, masterKeys }: Pick<OpenedDatabase, "db" | "masterKeys">,
  { random, clock }: { random: Random; clock: () => number },
): Promise<{ rewrapped: number; folder: string | undefined }> {
  const { folder } = masterKeys;
  return underLease(db.kysely, keyRotationLease, async () => {
    await adoptIfInUse(db.kysely, masterKeys);
    const from = masterKeys.all();
    const to = folder === undefined ? from[0]! : stageMasterKey(folder, random);
    const rewrapped = await rewrapDataKeys(db.kysely, { from, to, random, now: clock() });
    if (folder !== undefined) adoptStagedMasterKey(folder);
    return { rewrapped, folder };
  });
}

/**
 * Finishes a change of the key's file that was cut short: at the opening of the database. Under the lease, so that what
 * takes the file's name is not another key, staged a moment ago.
 */
export async function finishMasterKeyChange(kysely: Kysely<Schema>, masterKeys: MasterKeySet): Promise<void> {
  if (masterKeys.folder === undefined || masterKeys.all().length === 1) return;
  try {
    await underLease(kysely, keyRotationLease, () => adoptIfInUse(kysely, masterKeys));
  } catch (error) {
    // Somebody is in the midst of it and will finish it, or was a moment ago: both keys are at hand until then.
    if (!(error instanceof LeaseTaken)) throw error;
  }
}

async function adoptIfInUse(kysely: Kysely<Schema>, { folder, all }: MasterKeySet): Promise<void> {
  const [key, staged] = all();
  if (folder === undefined || staged === undefined) return;
  const rows = await readDataKeys(kysely);
  if (!rows.some((row) => isWrappedUnder(key!, row))) adoptStagedMasterKey(folder);
}
