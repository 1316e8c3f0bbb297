/** Replaces the master key: the data keys are rewrapped, and no sealed value changes. */
import type { Random } from "../../lib/seal.ts";
import { keyRotationLease, underLease } from "../engine/lease.ts";
import { rewrapDataKeys } from "../keys/data-keys.ts";
import { adoptIfInUse } from "../keys/finish-change.ts";
import { adoptStagedMasterKey, stageMasterKey } from "../keys/master-key.ts";
import type { OpenedDatabase } from "../open.ts";

/**
 * Replaces the master key. If it is configured, rewraps under it what the previous key wraps; if it is in the embedded
 * store's file, creates a new key and replaces the file. Returns how many data keys were rewrapped, and the folder of
 * the file if there is one. Throws LeaseTaken.
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
