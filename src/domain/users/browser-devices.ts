/**
 * Browsers as devices. At the hosted pages nothing in the browser computes SRP, so the server creates the device's key
 * and secret and stores what ConfirmDevice would have stored, and the browser keeps both in a cookie. From then on it
 * is a device like any other: listed, forgotten, remembered or not.
 */
import type { Ctx } from "../../app.ts";
import { equalBytes, toBase64url } from "../../lib/bytes.ts";
import { Refusal } from "../../lib/refusal.ts";
import { findDevice, readDevice, updateDevice } from "../../store/devices.ts";
import type { User } from "../../store/users.ts";
import { bounded } from "../audit/event.ts";
import { turnOf } from "../credentials/subjects.ts";
import { areTwo } from "../mfa/proofs.ts";
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

/** The device in a browser's cookies that belongs to this user. Nothing is proven yet. */
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
 * Whether the browser has the secret of a device that is still the user's; if so, records that it was seen.
 * @param twoFactors whether two factors were proven before in this sign-in
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

/** Whether users are asked to remember a device (DeviceOnlyRememberedOnUserPrompt). */
export function asksToRemember(pool: Pool): boolean {
  return isOfUse(pool) && pool.document.DeviceConfiguration?.DeviceOnlyRememberedOnUserPrompt === true;
}

/** Whether devices are useful: if they never replace a challenge, they need not be stored. */
function isOfUse({ document }: Pool): boolean {
  return document.DeviceConfiguration?.ChallengeRequiredOnNewDevice === true;
}

/** Ignores that there is no capacity to remember a device: the sign-in must not fail because of that. */
function unlessBusy(error: unknown): undefined {
  if (!(error instanceof Refusal)) throw error;
}

/**
 * Makes the browser a device of the user after a sign-in with two factors. Undefined if it already is one, or should
 * not become one.
 * @param wanted the user's choice, if users are asked
 */
export async function rememberBrowser(
  ctx: Ctx,
  { pool, user, methods, deviceKey, signOuts }: Authenticated,
  wanted: boolean,
): Promise<BrowserDevice | undefined> {
  if (!isOfUse(pool) || !areTwo(methods) || (asksToRemember(pool) && !wanted)) return undefined;
  if (deviceKey !== undefined) {
    // The user's new choice replaces an earlier one, including an administrator's.
    const device = asksToRemember(pool) && (await findDevice(ctx.db, pool.id, user.id, deviceKey));
    if (device && !device.remembered)
      await setRemembered(ctx, pool, user, { key: deviceKey, remembered: true });
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
  // With the state of the user at the start of the sign-in.
  const stored = await storeDevice(ctx, pool, { ...user, signOuts }, device);
  return stored === "stored" ? { key, secret } : undefined;
}
