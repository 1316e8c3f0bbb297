/** Users' devices, from their confirmation on. */

import type { Db } from "./db.ts";
import { orUnchanged } from "./engine/sql.ts";
import { lookup, prepared, preparedWrite, slots } from "./prepared.ts";
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

type DeviceKey = Pick<Device, "poolId" | "userId" | "key">;

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

const insertQuery = preparedWrite<DevicesTable>((kysely, slot) =>
  kysely
    .insertInto("devices")
    .values(
      slots(slot, [
        "pool_id",
        "user_id",
        "device_key",
        "group_key",
        "name",
        "srp_sealed",
        "remembered",
        "last_address",
        "created_at",
        "updated_at",
        "authenticated_at",
        "two_factors",
      ]),
    )
    .onConflict((conflict) => conflict.columns(["pool_id", "user_id", "device_key"]).doNothing()),
);

/** Adds a device. Returns false if it was confirmed before. */
export async function insertDevice(tx: Db, device: Device): Promise<boolean> {
  const { salt, verifier } = device.srp;
  const secret = Buffer.concat([Uint8Array.of(salt.length), salt, verifier]);
  const inserted = await insertQuery(tx, {
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
  });
  return inserted === 1;
}

const readQuery = lookup<DeviceKey, DevicesTable>((kysely, slot) =>
  kysely
    .selectFrom("devices")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where("device_key", "=", slot("key")),
);

/** A user's device with its secret; undefined if the user has none of this key. */
export async function readDevice(
  db: Db,
  poolId: string,
  userId: string,
  key: string,
): Promise<Device | undefined> {
  const [row] = await readQuery(db, { poolId, userId, key });
  return row && fromRow(db, row);
}

const findQuery = lookup<DeviceKey, Pick<DevicesTable, "remembered" | "two_factors">>((kysely, slot) =>
  kysely
    .selectFrom("devices")
    .select(["remembered", "two_factors"])
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where("device_key", "=", slot("key")),
);

/** A user's device without its sealed secret, or undefined. */
export async function findDevice(
  db: Db,
  poolId: string,
  userId: string,
  key: string,
): Promise<Pick<Device, "key" | "remembered" | "twoFactors"> | undefined> {
  const [row] = await findQuery(db, { poolId, userId, key });
  return row && { key, remembered: row.remembered === 1, twoFactors: row.two_factors === 1 };
}

const listQuery = prepared<{ poolId: string; userId: string; after: string; limit: number }, DevicesTable>(
  (kysely, slot) =>
    kysely
      .selectFrom("devices")
      .selectAll()
      .where("pool_id", "=", slot("poolId"))
      .where("user_id", "=", slot("userId"))
      .where("device_key", ">", slot("after"))
      .orderBy("device_key")
      .limit(slot("limit")),
);

/** A user's devices in the order of their keys. */
export async function listDevices(
  db: Db,
  poolId: string,
  userId: string,
  page: { after: string; limit: number },
): Promise<Device[]> {
  const rows = await listQuery(db, { poolId, userId, ...page });
  return rows.map((row) => fromRow(db, row));
}

/** What is null stays as it is. */
interface DeviceChange {
  readonly now: number;
  readonly remembered: number | null;
  readonly address: string | null;
  readonly authenticatedAt: number | null;
  readonly twoFactors: number | null;
}

const updateQuery = preparedWrite<DeviceKey & DeviceChange>((kysely, slot) =>
  kysely
    .updateTable("devices")
    .set({
      updated_at: slot("now"),
      remembered: orUnchanged(slot("remembered"), "remembered"),
      last_address: orUnchanged(slot("address"), "last_address"),
      authenticated_at: orUnchanged(slot("authenticatedAt"), "authenticated_at"),
      two_factors: orUnchanged(slot("twoFactors"), "two_factors"),
    })
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where("device_key", "=", slot("key")),
);

/** Updates a device. Returns false if the user has no such device. */
export async function updateDevice(
  tx: Db,
  device: DeviceKey,
  change: {
    remembered?: boolean;
    /** `twoFactors`: whether it was used in a sign-in with two factors. */
    seen?: { address: string; twoFactors: boolean };
    now: number;
  },
): Promise<boolean> {
  const { poolId, userId, key } = device;
  const { now, remembered, seen } = change;
  const updated = await updateQuery(tx, {
    poolId,
    userId,
    key,
    now,
    remembered: remembered === undefined ? null : Number(remembered),
    address: seen?.address ?? null,
    authenticatedAt: seen === undefined ? null : now,
    twoFactors: seen?.twoFactors === true ? 1 : null,
  });
  return updated === 1;
}

const deleteQuery = preparedWrite<DeviceKey>((kysely, slot) =>
  kysely
    .deleteFrom("devices")
    .where("pool_id", "=", slot("poolId"))
    .where("user_id", "=", slot("userId"))
    .where("device_key", "=", slot("key")),
);

/** Deletes a device. Returns false if there was none. */
export async function deleteDevice(tx: Db, { poolId, userId, key }: DeviceKey): Promise<boolean> {
  const deleted = await deleteQuery(tx, { poolId, userId, key });
  return deleted === 1;
}

const deleteAllQuery = preparedWrite<{ poolId: string; userId: string }>((kysely, slot) =>
  kysely.deleteFrom("devices").where("pool_id", "=", slot("poolId")).where("user_id", "=", slot("userId")),
);

/** Deletes all devices of a user. */
export async function deleteDevices(tx: Db, poolId: string, userId: string): Promise<void> {
  await deleteAllQuery(tx, { poolId, userId });
}
