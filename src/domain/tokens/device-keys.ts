/**
 * The keys of a device: created when a sign-in comes from an unknown device, and returned to the client with its tokens
 * (NewDeviceMetadata). Nothing is stored until the client confirms the device: the key is in the token family, and the
 * group key is a MAC of it.
 */
import { randomUUID } from "node:crypto";
import type { Ctx } from "../../app.ts";
import { toBase64url } from "../../lib/bytes.ts";
import type { Pool } from "../user-pools/load-pool.ts";

/** Whether the pool tracks devices: any member of DeviceConfiguration turns it on. */
export function tracksDevices({ document }: Pick<Pool, "document">): boolean {
  return document.DeviceConfiguration !== undefined;
}

export function newDeviceKey(ctx: Ctx): string {
  return `${ctx.config.region}_${randomUUID()}`;
}

/** DeviceGroupKey: besides its key, an input to the device's SRP. */
export function deviceGroupKey(
  ctx: Ctx,
  user: { readonly poolId: string; readonly id: string },
  key: string,
): string {
  const mac = ctx.db.sealer.mac("device group", user.poolId, user.id, key);
  return `-${toBase64url(Buffer.from(mac).subarray(0, 6))}`;
}
