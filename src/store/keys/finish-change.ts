/** Completes a change of the master key file that was interrupted. */
import type { Kysely } from "kysely";
import { keyRotationLease, LeaseTaken, underLease } from "../engine/lease.ts";
import type { Schema } from "../schema/schema.ts";
import { isWrappedUnder, readDataKeys } from "./data-keys.ts";
import { adoptStagedMasterKey, type MasterKeySet } from "./master-key.ts";

/**
 * Completes a change of the master key file that was interrupted; called when the database is opened. Runs under the
 * lease, so that it cannot put a key in place that another process has only just staged.
 */
export async function finishMasterKeyChange(kysely: Kysely<Schema>, masterKeys: MasterKeySet): Promise<void> {
  if (masterKeys.folder === undefined || masterKeys.all().length === 1) return;
  try {
    await underLease(kysely, keyRotationLease, () => adoptIfInUse(kysely, masterKeys));
  } catch (error) {
    // Another process is changing it now, or was a moment ago, and will complete that: until then both keys are
    // available.
    if (!(error instanceof LeaseTaken)) throw error;
  }
}

/** Puts the staged key in place once nothing is wrapped under the current one any more. */
export async function adoptIfInUse(kysely: Kysely<Schema>, { folder, all }: MasterKeySet): Promise<void> {
  const [key, staged] = all();
  if (folder === undefined || staged === undefined) return;
  const rows = await readDataKeys(kysely);
  if (!rows.some((row) => isWrappedUnder(key!, row))) adoptStagedMasterKey(folder);
}
