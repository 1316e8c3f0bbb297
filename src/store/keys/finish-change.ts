/** A change of the master key's file that was cut short is finished. */
import type { Kysely } from "kysely";
import { keyRotationLease, LeaseTaken, underLease } from "../engine/lease.ts";
import type { Schema } from "../schema/schema.ts";
import { isWrappedUnder, readDataKeys } from "./data-keys.ts";
import { adoptStagedMasterKey, type MasterKeySet } from "./master-key.ts";

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

/** Where nothing is wrapped under the key in use any more, the staged one takes its place. */
export async function adoptIfInUse(kysely: Kysely<Schema>, { folder, all }: MasterKeySet): Promise<void> {
  const [key, staged] = all();
  if (folder === undefined || staged === undefined) return;
  const rows = await readDataKeys(kysely);
  if (!rows.some((row) => isWrappedUnder(key!, row))) adoptStagedMasterKey(folder);
}
