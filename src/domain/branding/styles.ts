/** Styles of managed login: one per client, with settings as the branding editor writes them, and images. */
import type { Ctx } from "../../app.ts";
import { rasterType } from "../../lib/image-type.ts";
import { svgFault } from "../../lib/svg.ts";
import { uuid4 } from "../../lib/uuid.ts";
import {
  type Asset,
  type AssetKey,
  deleteStyle,
  insertStyle,
  readAssetSizes,
  readAssets,
  readStyle,
  type Style,
  updateStyle,
} from "../../store/branding.ts";
import type {
  AssetType,
  CreateManagedLoginBrandingRequest,
  UpdateManagedLoginBrandingRequest,
} from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { noteTarget } from "../audit/call.ts";
import { loadPool, loadPoolClient } from "../user-pools/load-pool.ts";
import { defaultSettings } from "./defaults.ts";

/** Our own limit: what one style may take in the database and in one answer. */
const MOST_SETTINGS = 256 * 1024;
const MOST_BYTES = 10_000_000;
/** "Array Members: Maximum number of 40 items." (ManagedLoginBrandingType) */
const MOST_ASSETS = 40;
const MOST_ATTEMPTS = 10;

export interface StyleWithAssets {
  readonly style: Style;
  readonly assets: readonly Asset[];
}

/** CreateManagedLoginBranding. "Each style is linked to an app client until you delete it." */
export async function createStyle(
  ctx: Ctx,
  request: CreateManagedLoginBrandingRequest,
): Promise<StyleWithAssets> {
  const { client } = await loadPoolClient(ctx, request.UserPoolId, request.ClientId);
  checkChoice(request);
  const assets = (request.Assets ?? []).map((asset) => newAsset(asset));
  checkKeys(assets);
  checkExtent(assets.map(({ bytes }) => bytes.length));
  const style: Style = {
    poolId: client.poolId,
    styleId: uuid4(ctx.random),
    clientId: client.id,
    version: 1,
    provided: request.UseCognitoProvidedValues ?? false,
    settings: settingsOf(request.Settings),
    createdAt: ctx.now,
    updatedAt: ctx.now,
  };
  noteTarget(ctx, { target: style.styleId });
  switch (await insertStyle(ctx.db, style, assets)) {
    case "added":
      return withRepairsLogged(ctx, style);
    case "exists":
      return refuse(
        "ManagedLoginBrandingExistsException",
        `User pool client ${client.id} already has a managed login branding style.`,
      );
    case "no-client":
      return refuse("ResourceNotFoundException", `User pool client ${client.id} does not exist.`);
  }
}

/**
 * UpdateManagedLoginBranding, which "preserves existing style settings that you don't specify": given Settings replace
 * the former ones, and given images those of the same category, mode and id.
 */
export async function changeStyle(
  ctx: Ctx,
  request: UpdateManagedLoginBrandingRequest,
): Promise<StyleWithAssets> {
  const { UserPoolId: poolId, ManagedLoginBrandingId: styleId } = request;
  // The model requires neither; with neither, nothing is named.
  if (poolId === undefined || styleId === undefined) return noSuchStyle();
  checkChoice(request);
  const given = request.Assets ?? [];
  const put = given.filter(({ Bytes }) => Bytes !== undefined).map((asset) => newAsset(asset));
  checkKeys(given.map(keyOf));
  const settings = settingsOf(request.Settings);
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    const style = await requireStyle(ctx, poolId, { styleId });
    const provided = request.UseCognitoProvidedValues ?? (style.provided && !settings && put.length === 0);
    const kept = provided ? [] : await readAssetSizes(ctx.db, poolId, style.clientId);
    checkKept(given, kept);
    const putNames = new Set(put.map(nameOf));
    checkExtent([
      ...kept.filter((asset) => !putNames.has(nameOf(asset))).map(({ size }) => size),
      ...put.map(({ bytes }) => bytes.length),
    ]);
    const next = {
      ...style,
      provided,
      settings: provided ? undefined : (settings ?? style.settings),
      updatedAt: ctx.now,
    };
    if (await updateStyle(ctx.db, next, { removeAll: provided, put })) return withRepairsLogged(ctx, next);
  }
  return refuse(
    "ConcurrentModificationException",
    "The style was changed by another request at the same time. Please try again.",
  );
}

/** Logs which colors the pages replace for legibility, as the answer has no room for warnings; returns the style. */
async function withRepairsLogged(ctx: Ctx, style: Style): Promise<StyleWithAssets> {
  const assets = await readAssets(ctx.db, style.poolId, style.clientId);
  const { repairsOf, themeOf } = await import("./theme.ts");
  const repairs = repairsOf(themeOf(style.settings, assets));
  if (!style.provided && repairs.length > 0) {
    const settings = repairs.map(
      ({ setting, contrast, least }) => `${setting} ${contrast.toFixed(1)}:1 < ${least}:1`,
    );
    const { poolId, clientId } = style;
    ctx.log.warn(
      { poolId, clientId, settings: [...new Set(settings)] },
      "colors that cannot be read are shown as others",
    );
  }
  return { style, assets };
}

export async function styleOf(
  ctx: Ctx,
  poolId: string,
  by: { readonly styleId: string } | { readonly clientId: string },
): Promise<StyleWithAssets> {
  const style = await requireStyle(ctx, poolId, by);
  return { style, assets: await readAssets(ctx.db, poolId, style.clientId) };
}

export async function removeStyle(ctx: Ctx, poolId: string, styleId: string): Promise<void> {
  await loadPool(ctx, poolId);
  if (!(await deleteStyle(ctx.db, poolId, styleId.toLowerCase()))) noSuchStyle();
}

/** The settings, with defaults for whatever they leave out, as a page shows them. */
export function mergedSettings(style: Pick<Style, "settings">): object {
  return merge(defaultSettings, style.settings ?? {}) as object;
}

/** Merges objects; a list, like any other value, replaces the default. */
function merge(base: unknown, over: unknown): unknown {
  if (!isObject(base) || !isObject(over)) return over;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over))
    merged[key] = Object.hasOwn(base, key) ? merge(base[key], value) : value;
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function requireStyle(
  ctx: Ctx,
  poolId: string,
  by: { readonly styleId: string } | { readonly clientId: string },
): Promise<Style> {
  if ("clientId" in by) await loadPoolClient(ctx, poolId, by.clientId);
  else await loadPool(ctx, poolId);
  const key = "styleId" in by ? { styleId: by.styleId.toLowerCase() } : by;
  return (await readStyle(ctx.db, poolId, key)) ?? noSuchStyle();
}

function noSuchStyle(): never {
  return refuse("ResourceNotFoundException", "Managed login branding style does not exist.");
}

type Choice = Pick<UpdateManagedLoginBrandingRequest, "UseCognitoProvidedValues" | "Settings" | "Assets">;

/** Checks: "When you specify true for this option, you must also omit values for Settings and Assets." */
function checkChoice({ UseCognitoProvidedValues, Settings, Assets }: Choice): void {
  if (UseCognitoProvidedValues === true && (Settings !== undefined || (Assets?.length ?? 0) > 0))
    invalid("Settings and Assets must be omitted when UseCognitoProvidedValues is true.");
}

function settingsOf(given: unknown): object | undefined {
  if (given === undefined) return undefined;
  if (!isObject(given)) return invalid("Settings must be a JSON object.");
  if (Buffer.byteLength(JSON.stringify(given)) > MOST_SETTINGS)
    invalid(`Settings must not have more than ${MOST_SETTINGS} bytes.`);
  return given;
}

const keyOf = ({ Category, ColorMode, ResourceId }: AssetType): AssetKey => ({
  category: Category,
  colorMode: ColorMode,
  resourceId: ResourceId ?? "",
});

const nameOf = ({ category, colorMode, resourceId }: AssetKey) =>
  [category, colorMode, ...(resourceId === "" ? [] : [resourceId])].join(" ");

function newAsset(given: AssetType): Asset {
  const key = keyOf(given);
  const { Extension: extension, Bytes } = given;
  if (Bytes === undefined) return invalid(`The asset ${nameOf(key)} has no Bytes.`);
  const bytes = Buffer.from(Bytes, "base64");
  // Favicons have a category per format; nothing else is an icon file.
  if ((key.category === "FAVICON_ICO") !== (extension === "ICO"))
    invalid(`The asset ${nameOf(key)} cannot have the extension ${extension}.`);
  if (key.category === "FAVICON_SVG" && extension !== "SVG")
    invalid(`The asset ${nameOf(key)} must have the extension SVG.`);
  if (extension === "SVG") {
    const fault = svgFault(bytes);
    if (fault !== undefined) invalid(`The SVG image of the asset ${nameOf(key)} ${fault}`);
  } else if (rasterType(bytes) !== extension) {
    invalid(`The asset ${nameOf(key)} is not a ${extension} file.`);
  }
  return { ...key, extension, bytes };
}

function checkKeys(keys: readonly AssetKey[]): void {
  const seen = new Set<string>();
  for (const name of keys.map(nameOf)) {
    if (seen.has(name)) invalid(`The asset ${name} is given more than once.`);
    seen.add(name);
  }
}

/** Checks assets without Bytes: each, copied from an earlier description, stands for the existing one. */
function checkKept(given: readonly AssetType[], kept: readonly AssetKey[]): void {
  const names = new Set(kept.map(nameOf));
  for (const asset of given) {
    const name = nameOf(keyOf(asset));
    if (asset.Bytes === undefined && !names.has(name)) invalid(`The asset ${name} has no Bytes.`);
  }
}

function checkExtent(sizes: readonly number[]): void {
  if (sizes.length > MOST_ASSETS) invalid(`A style has at most ${MOST_ASSETS} assets.`);
  if (sizes.reduce((sum, size) => sum + size, 0) > MOST_BYTES)
    invalid(`The assets of a style have at most ${MOST_BYTES} bytes together.`);
}

function invalid(message: string): never {
  return refuse("InvalidParameterException", message);
}
