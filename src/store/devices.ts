/** Users' devices, from their confirmation on. */

import type { Db } from "./db.ts";
import { affected } from "./engine/transaction.ts";
import type { DevicesTable } from "./schema/schema.ts";

export interface Device {
  readonly poolId: string;
  readonly userId: string;
  readonly key: string;
  readonly groupKey: string;
  readonly name: string | undefined;
  readonly srp: { readonly salt: Uint8Array; readonly verifier: Uint8Array };
  readonly remembered: boolean;
  /** Whether it was confirmed, or used, in a sign-in with two factors. */
  readonly twoFactors: boolean;
  readonly lastAddress: string | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly authenticatedAt: number;
}

const place = (poolId: string, userId: string, key: string) =>
  `devices:srp_sealed:${poolId}/${userId}/${key}` as const;

function fromRow(db: Db, row: DevicesTable): Device {
  const srp = db.sealer.open(place(row.pool_id, row.user_id, row.device_key), row.srp_sealed);
  // The salt is preceded by its length, since clients choose it.
  const end = 1 + srp[0]!;
  return {
    poolId: row.pool_id,
    userId: row.user_id,
    key: row.device_key,
    groupKey: row.group_key,
    name: row.name ?? undefined,
    srp: { salt: srp.subarray(1, end), verifier: srp.subarray(end) },
    remembered: row.remembered === 1,
    twoFactors: row.two_factors === 1,
    lastAddress: row.last_address ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    authenticatedAt: row.authenticated_at,
  };
}

/** Adds a device. Returns false if it was confirmed before. */
export async function insertDevice(tx: Db, device: Device): Promise<boolean> {
  const { salt, verifier } = device.srp;
  const secret = Buffer.concat([Uint8Array.of(salt.length), salt, verifier]);
  const result = await tx.kysely
    .insertInto("devices")
    .values({
      pool_id: device.poolId,
      user_id: device.userId,
      device_key: device.key,
      group_key: device.groupKey,
      name: device.name ?? null,
      srp_sealed: tx.sealer.seal(place(device.poolId, device.userId, device.key), secret),
      remembered: device.remembered ? 1 : 0,
      last_address: device.lastAddress ?? null,
      created_at: device.createdAt,
      updated_at: device.updatedAt,
      authenticated_at: device.authenticatedAt,
      two_factors: device.twoFactors ? 1 : null,
    })
    .onConflict((conflict) => conflict.columns(["pool_id", "user_id", "device_key"]).doNothing())
    .executeTakeFirst();
  return affected(result) === 1;
}

export async function readDevice(
  db: Db,
  poolId: string,
  userId: string,
  key: string,
): Promise<Device | undefined> {
  const row = await db.kysely
    .selectFrom("devices")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where("user_id", "=", userId)
    .where("device_key", "=", key)
    .executeTakeFirst();
  return row && fromRow(db, row);
}

/** A user's device without its sealed secret, or undefined. */
export async function findDevice(
  db: Db,
  poolId: string,
  userId: string,
  key: string,
): Promise<Pick<Device, "key" | "remembered" | "twoFactors"> | undefined> {
  const row = await db.kysely
    .selectFrom("devices")
    .select(["remembered", "two_factors"])
    .where("pool_id", "=", poolId)
    .where("user_id", "=", userId)
    .where("device_key", "=", key)
    .executeTakeFirst();
  return row && { key, remembered: row.remembered === 1, twoFactors: row.two_factors === 1 };
}

/** A user's devices in the order of their keys. */
export async function listDevices(
  db: Db,
  poolId: string,
  userId: string,
  page: { after: string; limit: number },
): Promise<Device[]> {
  const rows = await db.kysely
    .selectFrom("devices")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where("user_id", "=", userId)
    .where("device_key", ">", page.after)
    .orderBy("device_key")
    .limit(page.limit)
    .execute();
  return rows.map((row) => fromRow(db, row));
}

/** Updates a device. Returns false if the user has no such device. */
export async function updateDevice(
  tx: Db,
  device: Pick<Device, "poolId" | "userId" | "key">,
  change: {
    remembered?: boolean;
    /** `twoFactors`: whether it was used in a sign-in with two factors. */
    seen?: { address: string; twoFactors: boolean };
    now: number;
  },
): Promise<boolean> {
  const result = await tx.kysely
    .updateTable("devices")
    .set({
      updated_at: change.now,
      ...(change.remembered !== undefined && { remembered: change.remembered ? 1 : 0 }),
      ...(change.seen !== undefined && { last_address: change.seen.address, authenticated_at: change.now }),
      ...(change.seen?.twoFactors === true && { two_factors: 1 }),
    })
    .where("pool_id", "=", device.poolId)
    .where("user_id", "=", device.userId)
    .where("device_key", "=", device.key)
    .executeTakeFirst();
  return affected(result) === 1;
}

/** Deletes a device. Returns false if there was none. */
export async function deleteDevice(
  tx: Db,
  device: Pick<Device, "poolId" | "userId" | "key">,
): Promise<boolean> {
  const result = await tx.kysely
    .deleteFrom("devices")
    .where("pool_id", "=", device.poolId)
    .where("user_id", "=", device.userId)
    .where("device_key", "=", device.key)
    .executeTakeFirst();
  return affected(result) === 1;
}

/** Deletes all devices of a user. */
export async function deleteDevices(tx: Db, poolId: string, userId: string): Promise<void> {
  await tx.kysely.deleteFrom("devices").where("pool_id", "=", poolId).where("user_id", "=", userId).execute();
}
