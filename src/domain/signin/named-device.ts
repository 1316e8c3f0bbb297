/** The device that a request names by DEVICE_KEY ("Working with user devices in your user pool"). */
import type { Ctx } from "../../app.ts";
import { type Device, findDevice } from "../../store/devices.ts";
import { tracksDevices } from "../tokens/device-keys.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { noSuchDevice } from "../users/devices.ts";

/**
 * Finds the device that a request names. An unknown key, or one of another user, is refused before anything is used up,
 * so that the client can retry without it. Undefined if none is named or the pool does not track devices. Throws
 * ResourceNotFoundException.
 */
export async function namedDevice(
  ctx: Ctx,
  pool: Pool,
  userId: string | undefined,
  key: string | undefined,
): Promise<Pick<Device, "key"> | undefined> {
  if (!key || !tracksDevices(pool)) return undefined;
  return (await findDevice(ctx.db, pool.id, userId ?? "nobody", key)) ?? noSuchDevice();
}
