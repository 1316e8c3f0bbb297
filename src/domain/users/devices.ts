/**
 * Users' devices ("Working with user devices in your user pool",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-device-tracking.html): confirmed,
 * seen, remembered, forgotten. A forgotten device loses its tokens.
 */
import type { Ctx } from "../../app.ts";
import { fromBase64, toHex } from "../../lib/bytes.ts";
import { pad, parsePublicValue } from "../../lib/srp.ts";
import { inTransaction } from "../../store/db.ts";
import { type Device, deleteDevice, insertDevice, readDevice, updateDevice } from "../../store/devices.ts";
import { revokeDeviceFamilies } from "../../store/token-families.ts";
import { queueForUser } from "../../store/token-sessions.ts";
import { readUser, type User } from "../../store/users.ts";
import type {
  DeviceRememberedStatusType,
  DeviceSecretVerifierConfigType,
} from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { recordCredentialChange } from "../audit/credential.ts";
import { noticeRememberedDevice } from "../notices/devices.ts";
import type { SignedIn } from "../tokens/access-token.ts";
import { deviceGroupKey, tracksDevices } from "../tokens/device-keys.ts";
import type { Pool } from "../user-pools/load-pool.ts";

/** The message by which amazon-cognito-identity-js and Amplify recognize a forgotten device. */
export function noSuchDevice(): never {
  return refuse("ResourceNotFoundException", "Device does not exist.");
}

/** Throws InvalidUserPoolConfigurationException if the pool does not track devices. */
export function assertTracked(pool: Pool): void {
  if (!tracksDevices(pool))
    refuse("InvalidUserPoolConfigurationException", "Device tracking is not enabled for the user pool.");
}

/**
 * ConfirmDevice, with the access token that was issued with the device's key. Returns true if the user should be asked
 * whether to remember it. Throws ResourceNotFoundException (for another key), DeviceKeyExistsException and
 * InvalidParameterException.
 */
export async function confirmDevice(
  ctx: Ctx,
  { pool, user, session }: SignedIn,
  request: { key: string; name: string | undefined; secret: DeviceSecretVerifierConfigType | undefined },
): Promise<boolean> {
  assertTracked(pool);
  const { key, name } = request;
  if (session.deviceKey !== key) return noSuchDevice();
  const onPrompt = pool.document.DeviceConfiguration?.DeviceOnlyRememberedOnUserPrompt === true;
  const { twoFactors } = session;
  const device = { key, name, srp: readSecret(request.secret), remembered: !onPrompt, twoFactors };
  const stored = await storeDevice(ctx, pool, user, device);
  if (stored === "void") refuse("NotAuthorizedException", "Access Token has been revoked");
  if (stored === "known") refuse("DeviceKeyExistsException", "The device was confirmed before.");
  return onPrompt;
}

/**
 * Stores a device. `known`: a device with this key exists. `void`: the user has been signed out everywhere since `user`
 * was read, for example by a password reset, which forgets all devices.
 */
export function storeDevice(
  ctx: Ctx,
  pool: Pool,
  user: Pick<User, "poolId" | "id" | "signOuts">,
  given: Pick<Device, "key" | "name" | "srp" | "remembered" | "twoFactors">,
): Promise<"stored" | "known" | "void"> {
  const { poolId, id: userId } = user;
  const device: Device = {
    ...given,
    poolId,
    userId,
    groupKey: deviceGroupKey(ctx, user, given.key),
    lastAddress: ctx.address,
    createdAt: ctx.now,
    updatedAt: ctx.now,
    authenticatedAt: ctx.now,
  };
  return inTransaction(ctx.db, async (tx) => {
    await queueForUser(tx, device);
    const fresh = await readUser(tx, poolId, userId);
    if (fresh === undefined || !fresh.enabled || fresh.signOuts !== user.signOuts) return "void";
    if (!(await insertDevice(tx, device))) return "known";
    if (device.remembered) await noticeRememberedDevice(tx, ctx, pool, fresh);
    await recordCredentialChange(tx, ctx, { operation: "ConfirmDevice", poolId, userId });
    return "stored";
  });
}

/**
 * Whether proving the device replaces the second factor: only if it was once used together with both. Anybody who knew
 * the password alone could have confirmed another device.
 */
export function replacesMfa(
  { document }: Pick<Pool, "document">,
  device: Pick<Device, "remembered" | "twoFactors"> | undefined,
): boolean {
  const takesDevices = document.DeviceConfiguration?.ChallengeRequiredOnNewDevice === true;
  return takesDevices && device?.remembered === true && device.twoFactors;
}

/** Decodes salt and verifier: base64 of their two's complement. */
function readSecret(config: DeviceSecretVerifierConfigType | undefined): Device["srp"] {
  const salt = fromBase64(config?.Salt ?? "");
  const bytes = fromBase64(config?.PasswordVerifier ?? "");
  const verifier = bytes && parsePublicValue(toHex(bytes));
  if (!salt || salt.length < 8 || salt.length > 64 || verifier === undefined)
    return refuse("InvalidParameterException", "Invalid device secret verifier config.");
  return { salt, verifier: pad(verifier) };
}

/** A user's device. Throws ResourceNotFoundException. */
export async function requireDevice(ctx: Ctx, pool: Pool, user: User, key: string): Promise<Device> {
  assertTracked(pool);
  return (await readDevice(ctx.db, pool.id, user.id, key)) ?? noSuchDevice();
}

/** UpdateDeviceStatus and AdminUpdateDeviceStatus. Without a status nothing changes. */
export async function setDeviceStatus(
  ctx: Ctx,
  pool: Pool,
  user: User,
  request: { key: string; status: DeviceRememberedStatusType | undefined },
): Promise<void> {
  const { key, status } = request;
  const device = await requireDevice(ctx, pool, user, key);
  if (status === undefined || device.remembered === (status === "remembered")) return;
  if (!(await setRemembered(ctx, pool, user, { key, remembered: status === "remembered" }))) noSuchDevice();
}

/** Sets whether the device may replace a second factor. Returns false if the user has no such device. */
export function setRemembered(
  ctx: Ctx,
  pool: Pool,
  user: User,
  { key, remembered }: Pick<Device, "key" | "remembered">,
): Promise<boolean> {
  const device = { poolId: user.poolId, userId: user.id, key };
  return inTransaction(ctx.db, async (tx) => {
    if (!(await updateDevice(tx, device, { remembered, now: ctx.now }))) return false;
    if (remembered) await noticeRememberedDevice(tx, ctx, pool, user);
    const { poolId, userId } = device;
    await recordCredentialChange(tx, ctx, { operation: "UpdateDeviceStatus", poolId, userId });
    return true;
  });
}

/** ForgetDevice and AdminForgetDevice. */
export async function forgetDevice(ctx: Ctx, pool: Pool, user: User, key: string): Promise<void> {
  await requireDevice(ctx, pool, user, key);
  const device = { poolId: pool.id, userId: user.id, key };
  const forgotten = await inTransaction(ctx.db, async (tx) => {
    if (!(await deleteDevice(tx, device))) return false;
    await revokeDeviceFamilies(tx, device, ctx.now);
    await recordCredentialChange(tx, ctx, { operation: "ForgetDevice", poolId: pool.id, userId: user.id });
    return true;
  });
  if (!forgotten) noSuchDevice();
}
