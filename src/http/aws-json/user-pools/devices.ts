/** Devices of users, for the users themselves and for administrators. */
import type { Ctx } from "../../../app.ts";
import type { Pool } from "../../../domain/user-pools/load-pool.ts";
import {
  assertTracked,
  confirmDevice,
  forgetDevice,
  requireDevice,
  setDeviceStatus,
} from "../../../domain/users/devices.ts";
import { poolAndUser } from "../../../domain/users/find-user.ts";
import { type Device, listDevices } from "../../../store/devices.ts";
import type { User } from "../../../store/users.ts";
import type { DeviceType } from "../../../wire/generated/user-pools.types.ts";
import { epochSeconds, type Handler } from "../operation.ts";
import { pageBinding, pageSize, readPage } from "../paging.ts";

function deviceType(device: Device): DeviceType {
  const attributes: Record<string, string | undefined> = {
    device_status: "valid",
    device_name: device.name,
    "dev:device_remembered_status": device.remembered ? "remembered" : "not_remembered",
    last_ip_used: device.lastAddress,
  };
  return {
    DeviceKey: device.key,
    DeviceAttributes: Object.entries(attributes).flatMap(([Name, Value]) =>
      Value === undefined ? [] : [{ Name, Value }],
    ),
    DeviceCreateDate: epochSeconds(device.createdAt),
    DeviceLastModifiedDate: epochSeconds(device.updatedAt),
    DeviceLastAuthenticatedDate: epochSeconds(device.authenticatedAt),
  };
}

interface PageRequest {
  readonly Limit?: number | undefined;
  readonly PaginationToken?: string | undefined;
}

async function devicesOf(
  ctx: Ctx,
  operation: string,
  { pool, user }: { pool: Pool; user: User },
  input: PageRequest,
) {
  assertTracked(pool);
  const { items, nextToken } = await readPage(
    ctx,
    {
      binding: pageBinding(operation, pool.id, user.id),
      token: input.PaginationToken,
      limit: pageSize(input.Limit),
    },
    (page) => listDevices(ctx.db, pool.id, user.id, page),
    (device) => device.key,
  );
  return { Devices: items.map(deviceType), PaginationToken: nextToken };
}

export const ConfirmDevice: Handler<"ConfirmDevice"> = async (ctx, input, signedIn) => {
  const request = { key: input.DeviceKey, name: input.DeviceName, secret: input.DeviceSecretVerifierConfig };
  return { UserConfirmationNecessary: await confirmDevice(ctx, signedIn, request) };
};

export const GetDevice: Handler<"GetDevice"> = async (ctx, input, { pool, user }) => ({
  Device: deviceType(await requireDevice(ctx, pool, user, input.DeviceKey)),
});

export const ListDevices: Handler<"ListDevices"> = (ctx, input, signedIn) =>
  devicesOf(ctx, "ListDevices", signedIn, input);

export const UpdateDeviceStatus: Handler<"UpdateDeviceStatus"> = async (ctx, input, { pool, user }) => {
  await setDeviceStatus(ctx, pool, user, { key: input.DeviceKey, status: input.DeviceRememberedStatus });
  return {};
};

export const ForgetDevice: Handler<"ForgetDevice"> = async (ctx, input, { pool, user }) => {
  await forgetDevice(ctx, pool, user, input.DeviceKey);
  return {};
};

export const AdminGetDevice: Handler<"AdminGetDevice"> = async (ctx, input) => {
  const { pool, user } = await poolAndUser(ctx, input);
  return { Device: deviceType(await requireDevice(ctx, pool, user, input.DeviceKey)) };
};

export const AdminListDevices: Handler<"AdminListDevices"> = async (ctx, input) =>
  devicesOf(ctx, "AdminListDevices", await poolAndUser(ctx, input), input);

export const AdminUpdateDeviceStatus: Handler<"AdminUpdateDeviceStatus"> = async (ctx, input) => {
  const { pool, user } = await poolAndUser(ctx, input);
  await setDeviceStatus(ctx, pool, user, { key: input.DeviceKey, status: input.DeviceRememberedStatus });
  return {};
};

export const AdminForgetDevice: Handler<"AdminForgetDevice"> = async (ctx, input) => {
  const { pool, user } = await poolAndUser(ctx, input);
  await forgetDevice(ctx, pool, user, input.DeviceKey);
  return {};
};
