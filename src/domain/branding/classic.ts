/** Classic branding (SetUICustomization): CSS and a logo, for a client or for all that have none of their own. */
import type { Ctx } from "../../app.ts";
import { rasterType } from "../../lib/image-type.ts";
import {
  allClients,
  putUiCustomization,
  readUiCustomizations,
  type UiCustomization,
  type UiImage,
} from "../../store/ui-customizations.ts";
import type { SetUICustomizationRequest } from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { loadPool, loadPoolClient, noSuchPool } from "../user-pools/load-pool.ts";

/** "Your logo file can be no larger than 100 KB in size" (Amazon Cognito Developer Guide). */
const MOST_IMAGE = 100 * 1024;

/** SetUICustomization. "You can't set CSS and logo customization separately": what is omitted is removed. */
export async function setUiCustomization(
  ctx: Ctx,
  request: SetUICustomizationRequest,
): Promise<UiCustomization> {
  const { UserPoolId: poolId, CSS: css } = request;
  const clientId = await requireClient(ctx, poolId, request.ClientId);
  const { cssFault } = await import("./classic-css.ts");
  const fault = css === undefined ? undefined : cssFault(css);
  if (fault !== undefined) refuse("InvalidParameterException", fault);
  const image = request.ImageFile ? logo(Buffer.from(request.ImageFile, "base64")) : undefined;
  const cssVersion = new Date(ctx.now).toISOString().replace(/\D/g, "").slice(0, 14);
  const customization = { poolId, clientId, css, cssVersion, createdAt: ctx.now, updatedAt: ctx.now };
  const stored = await putUiCustomization(ctx.db, customization, image);
  if (stored !== undefined) {
    await logIgnored(ctx, stored);
    return stored;
  }
  return clientId === allClients
    ? noSuchPool(poolId)
    : refuse("ResourceNotFoundException", `User pool client ${clientId} does not exist.`);
}

/** Logs which parts of the CSS the pages do not follow, as the answer has no room for warnings. */
async function logIgnored(ctx: Ctx, { poolId, clientId, css }: UiCustomization): Promise<void> {
  const { uiThemeOf } = await import("./classic-theme.ts");
  const { repaired, ignored } = uiThemeOf(css ?? "");
  if (repaired.length > 0)
    ctx.log.warn({ poolId, clientId, classes: repaired }, "colors that cannot be read are shown as others");
  if (ignored.length > 0)
    ctx.log.warn({ poolId, clientId, declarations: ignored.slice(0, 20) }, "CSS that no page acts on");
}

/** The customization that applies to a client: its own, or else that of `ALL`; undefined if nothing was set. */
export async function uiCustomization(
  ctx: Ctx,
  poolId: string,
  client: string | undefined,
): Promise<UiCustomization | undefined> {
  const clientId = await requireClient(ctx, poolId, client);
  const found = await readUiCustomizations(ctx.db, poolId, [clientId, allClients]);
  return found.find((one) => one.clientId === clientId) ?? found[0];
}

async function requireClient(ctx: Ctx, poolId: string, clientId: string | undefined): Promise<string> {
  if (clientId === undefined || clientId === allClients) {
    await loadPool(ctx, poolId);
    return allClients;
  }
  return (await loadPoolClient(ctx, poolId, clientId)).client.id;
}

function logo(bytes: Uint8Array): UiImage {
  if (bytes.length > MOST_IMAGE)
    refuse("InvalidParameterException", `ImageFile must not have more than ${MOST_IMAGE} bytes.`);
  switch (rasterType(bytes)) {
    case "PNG":
      return { mediaType: "image/png", bytes };
    case "JPEG":
      return { mediaType: "image/jpeg", bytes };
    default:
      return refuse("InvalidParameterException", "ImageFile must be a PNG or JPEG image.");
  }
}
