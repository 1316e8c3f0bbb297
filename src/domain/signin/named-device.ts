/** The device that a request names by DEVICE_KEY (AWS: "Working with user devices in your user pool"). */
import type { Ctx } from "../../app.ts";
import { type Device, findDevice } from "../../store/devices.ts";
import { tracksDevices } from "../tokens/device-keys.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { noSuchDevice } from "../users/devices.ts";

/**
 * The device that a request names. A name that is not the user's, or nobody's, is refused before anything is used up, so
 * that the client can come again without it. Undefined: none named, or the pool keeps track of none.
 * Throws ResourceNotFoundException.
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
