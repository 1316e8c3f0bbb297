/**
 * Browsers as devices. At the hosted pages nothing in the browser computes SRP, so the server makes the device's key and
 * secret, stores what ConfirmDevice would have stored, and the browser keeps both in a cookie. From then on it is a device
 * like any other: listed, forgotten, remembered or not.
 */
import type { Ctx } from "../../app.ts";
import { equalBytes, toBase64url } from "../../lib/bytes.ts";
import { Refusal } from "../../lib/refusal.ts";
import { findDevice, readDevice, updateDevice } from "../../store/devices.ts";
import type { User } from "../../store/users.ts";
import { bounded } from "../audit/event.ts";
import { turnOf } from "../credentials/subjects.ts";
import { areTwo } from "../mfa/factors.ts";
import { deviceGroupKey, newDeviceKey } from "../tokens/device-keys.ts";
import type { Authenticated } from "../tokens/issue.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { setRemembered, storeDevice } from "./devices.ts";

export interface BrowserDevice {
  readonly key: string;
  /** 40 random bytes, base64url. */
  readonly secret: string;
}

const secretBytes = 40;

/** Which of the devices that a browser holds is this user's. It has proven nothing yet. */
export async function deviceOfBrowser(
  ctx: Ctx,
  pool: Pool,
  userId: string | undefined,
  devices: readonly BrowserDevice[],
): Promise<BrowserDevice | undefined> {
  if (!isOfUse(pool)) return undefined;
  for (const device of devices)
    if ((await findDevice(ctx.db, pool.id, userId ?? "nobody", device.key)) !== undefined) return device;
  return undefined;
}

/**
 * Whether the browser holds the secret of a device that still is the user's; it has been seen then.
 * @param twoFactors whether two were proven before it in this sign-in
 */
export async function provesDevice(
  ctx: Ctx,
  pool: Pool,
  user: User,
  { key, secret }: BrowserDevice,
  twoFactors: boolean,
): Promise<boolean> {
  const device = await readDevice(ctx.db, pool.id, user.id, key);
  if (device === undefined) return false;
  const { salt, verifier } = device.srp;
  const values = { group: device.groupKey, identity: key, password: secret, salt };
  if (!equalBytes(await ctx.app.srp.makeVerifier(values, turnOf(ctx, pool)), verifier)) return false;
  const place = { poolId: pool.id, userId: user.id, key };
  return updateDevice(ctx.db, place, { seen: { address: ctx.address, twoFactors }, now: ctx.now });
}

/** Whether the user is asked if the device is to be remembered (DeviceOnlyRememberedOnUserPrompt). */
export function asksToRemember(pool: Pool): boolean {
  return isOfUse(pool) && pool.document.DeviceConfiguration?.DeviceOnlyRememberedOnUserPrompt === true;
}

/** Devices for which no challenge is ever left out need not be known. */
function isOfUse({ document }: Pool): boolean {
  return document.DeviceConfiguration?.ChallengeRequiredOnNewDevice === true;
}

/** Nobody who has signed in is turned away because there is no time to remember them. */
function unlessBusy(error: unknown): undefined {
  if (!(error instanceof Refusal)) throw error;
}

/**
 * After a sign-in with two factors: makes the browser a device of the user. Undefined: it is one, or is not to be.
 * @param wanted what the user said, where users are asked
 */
export async function rememberBrowser(
  ctx: Ctx,
  { pool, user, methods, deviceKey, signOuts }: Authenticated,
  wanted: boolean,
): Promise<BrowserDevice | undefined> {
  if (!isOfUse(pool) || !areTwo(methods) || (asksToRemember(pool) && !wanted)) return undefined;
  if (deviceKey !== undefined) {
    // The user says anew what they, or an administrator, have said otherwise.
    const device = asksToRemember(pool) && (await findDevice(ctx.db, pool.id, user.id, deviceKey));
    if (device && !device.remembered)
      await setRemembered(ctx, { poolId: pool.id, userId: user.id, key: deviceKey }, true);
    return undefined;
  }
  const key = newDeviceKey(ctx);
  const secret = toBase64url(ctx.random(secretBytes));
  const salt = ctx.random(16);
  const group = deviceGroupKey(ctx, user, key);
  const values = { group, identity: key, password: secret, salt };
  const verifier = await ctx.app.srp.makeVerifier(values, turnOf(ctx, pool)).catch(unlessBusy);
  if (verifier === undefined) return undefined;
  const name = bounded(ctx.userAgent, 256);
  const device = { key, name, srp: { salt, verifier }, remembered: true, twoFactors: true };
  // As the user was when the sign-in began.
  const stored = await storeDevice(ctx, { ...user, signOuts }, device);
  return stored === "stored" ? { key, secret } : undefined;
}
