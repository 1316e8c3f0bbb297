/**
 * The names of a device: made when a sign-in comes from one that is not known, and given to the client with its tokens
 * (NewDeviceMetadata). Nothing is stored until the client confirms it: the key stands in the token family, and the group
 * key is a MAC of it.
 */
import { randomUUID } from "node:crypto";
import type { Ctx } from "../../app.ts";
import { toBase64url } from "../../lib/bytes.ts";
import type { Pool } from "../user-pools/load-pool.ts";

/** Whether the pool keeps track of devices: any member of DeviceConfiguration turns it on. */
export function tracksDevices({ document }: Pick<Pool, "document">): boolean {
  return document.DeviceConfiguration !== undefined;
}

export function newDeviceKey(ctx: Ctx): string {
  return `${ctx.config.region}_${randomUUID()}`;
}

/** DeviceGroupKey: what the device's SRP is computed for, besides its key. */
export function deviceGroupKey(
  ctx: Ctx,
  user: { readonly poolId: string; readonly id: string },
  key: string,
): string {
  const mac = ctx.db.sealer.mac("device group", user.poolId, user.id, key);
  return `-${toBase64url(Buffer.from(mac).subarray(0, 6))}`;
}
