/** Rows of managed login styles, and of their images, which belong to the style's client. */
import { sql } from "kysely";
import { holdClient } from "./clients.ts";
import { type Db, inTransaction } from "./db.ts";
import { prepared, preparedWrite, slots } from "./prepared.ts";
import type { BrandingAssetsTable, BrandingStylesTable } from "./schema/schema-hosting.ts";

export interface Style {
  readonly poolId: string;
  readonly styleId: string;
  readonly clientId: string;
  readonly version: number;
  /** Whether it is the default style (UseCognitoProvidedValues). */
  readonly provided: boolean;
  readonly settings: object | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface AssetKey {
  readonly category: string;
  readonly colorMode: string;
  /** Empty if none was given. */
  readonly resourceId: string;
}

export interface Asset extends AssetKey {
  readonly extension: string;
  readonly bytes: Uint8Array;
}

type Owner = Pick<Style, "poolId" | "clientId">;

function styleFromRow(row: BrandingStylesTable): Style {
  return {
    poolId: row.pool_id,
    styleId: row.style_id,
    clientId: row.client_id,
    version: row.version,
    provided: row.provided === 1,
    settings: row.settings === null ? undefined : JSON.parse(row.settings),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}

const keyFromRow = (row: Pick<BrandingAssetsTable, "category" | "color_mode" | "resource_id">): AssetKey => ({
  category: row.category,
  colorMode: row.color_mode,
  resourceId: row.resource_id,
});

const settingsText = ({ settings }: Pick<Style, "settings">) =>
  settings === undefined ? null : JSON.stringify(settings);

const insertQuery = preparedWrite<BrandingStylesTable>((kysely, slot) =>
  kysely
    .insertInto("branding_styles")
    .values(
      slots(slot, [
        "pool_id",
        "style_id",
        "client_id",
        "version",
        "provided",
        "settings",
        "created_at",
        "updated_at",
      ]),
    )
    .onConflict((conflict) => conflict.columns(["pool_id", "client_id"]).doNothing()),
);

/** Adds a style. `exists`: the client already has one. `no-client`: the client is gone. */
export function insertStyle(
  db: Db,
  style: Style,
  assets: readonly Asset[],
): Promise<"added" | "exists" | "no-client"> {
  return inTransaction(db, async (tx) => {
    if (!(await holdClient(tx, style.poolId, style.clientId))) return "no-client";
    const added = await insertQuery(tx, {
      pool_id: style.poolId,
      style_id: style.styleId,
      client_id: style.clientId,
      version: style.version,
      provided: style.provided ? 1 : 0,
      settings: settingsText(style),
      created_at: style.createdAt,
      updated_at: style.updatedAt,
    });
    if (added === 0) return "exists";
    await putAssets(tx, style, assets);
    return "added";
  });
}

const readBy = (column: "style_id" | "client_id") =>
  prepared<{ poolId: string; id: string }, BrandingStylesTable>((kysely, slot) =>
    kysely
      .selectFrom("branding_styles")
      .selectAll()
      .where("pool_id", "=", slot("poolId"))
      .where(column, "=", slot("id")),
  );

const readByStyle = readBy("style_id");
const readByClient = readBy("client_id");

/** Reads a style by its own id or by its client. */
export async function readStyle(
  db: Db,
  poolId: string,
  by: { readonly styleId: string } | { readonly clientId: string },
): Promise<Style | undefined> {
  const [row] =
    "styleId" in by
      ? await readByStyle(db, { poolId, id: by.styleId })
      : await readByClient(db, { poolId, id: by.clientId });
  return row && styleFromRow(row);
}

const assetsQuery = prepared<Owner, BrandingAssetsTable>((kysely, slot) =>
  kysely
    .selectFrom("branding_assets")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("client_id", "=", slot("clientId"))
    .orderBy("category")
    .orderBy("color_mode")
    .orderBy("resource_id"),
);

/** The images of a client's style, in the order of their keys. */
export async function readAssets(db: Db, poolId: string, clientId: string): Promise<Asset[]> {
  const rows = await assetsQuery(db, { poolId, clientId });
  return rows.map((row) => ({ ...keyFromRow(row), extension: row.extension, bytes: row.bytes }));
}

const assetQuery = prepared<Owner & AssetKey, { bytes: Uint8Array }>((kysely, slot) =>
  kysely
    .selectFrom("branding_assets")
    .select("bytes")
    .where("pool_id", "=", slot("poolId"))
    .where("client_id", "=", slot("clientId"))
    .where("category", "=", slot("category"))
    .where("color_mode", "=", slot("colorMode"))
    .where("resource_id", "=", slot("resourceId")),
);

/** One image of a client's style. */
export async function readAsset(
  db: Db,
  poolId: string,
  clientId: string,
  key: AssetKey,
): Promise<Uint8Array | undefined> {
  const [row] = await assetQuery(db, { poolId, clientId, ...key });
  return row?.bytes;
}

type AssetKeyRow = Pick<BrandingAssetsTable, "category" | "color_mode" | "resource_id">;

const assetSizesQuery = prepared<Owner, AssetKeyRow & { readonly size: number }>((kysely, slot) =>
  kysely
    .selectFrom("branding_assets")
    .select(["category", "color_mode", "resource_id", sql<number>`length(bytes)`.as("size")])
    .where("pool_id", "=", slot("poolId"))
    .where("client_id", "=", slot("clientId")),
);

/** The images of a client's style without their bytes. */
export async function readAssetSizes(
  db: Db,
  poolId: string,
  clientId: string,
): Promise<(AssetKey & { readonly size: number })[]> {
  const rows = await assetSizesQuery(db, { poolId, clientId });
  return rows.map((row) => ({ ...keyFromRow(row), size: Number(row.size) }));
}

type StyleChange = Pick<Style, "poolId" | "styleId" | "version"> &
  Pick<BrandingStylesTable, "provided" | "settings" | "updated_at">;

const updateQuery = preparedWrite<StyleChange>((kysely, slot) =>
  kysely
    .updateTable("branding_styles")
    .set((row) => ({
      version: row("version", "+", 1),
      ...slots(slot, ["provided", "settings", "updated_at"]),
    }))
    .where("pool_id", "=", slot("poolId"))
    .where("style_id", "=", slot("styleId"))
    .where("version", "=", slot("version")),
);

/**
 * Replaces a style's settings if it still has `version`, along with images of the same key, or all images. Returns
 * false if the style was changed in the meantime.
 */
export function updateStyle(
  db: Db,
  style: Style,
  assets: { readonly removeAll: boolean; readonly put: readonly Asset[] },
): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const updated = await updateQuery(tx, {
      poolId: style.poolId,
      styleId: style.styleId,
      version: style.version,
      provided: style.provided ? 1 : 0,
      settings: settingsText(style),
      updated_at: style.updatedAt,
    });
    if (updated === 0) return false;
    if (assets.removeAll) await removeAssets(tx, style);
    await putAssets(tx, style, assets.put);
    return true;
  });
}

const deleteQuery = prepared<{ poolId: string; styleId: string }, { client_id: string }>((kysely, slot) =>
  kysely
    .deleteFrom("branding_styles")
    .where("pool_id", "=", slot("poolId"))
    .where("style_id", "=", slot("styleId"))
    .returning("client_id"),
);

/** Deletes a style. Returns false if there was none. */
export function deleteStyle(db: Db, poolId: string, styleId: string): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const [row] = await deleteQuery(tx, { poolId, styleId });
    if (row === undefined) return false;
    await removeAssets(tx, { poolId, clientId: row.client_id });
    return true;
  });
}

const removeAssetsQuery = preparedWrite<Owner>((kysely, slot) =>
  kysely
    .deleteFrom("branding_assets")
    .where("pool_id", "=", slot("poolId"))
    .where("client_id", "=", slot("clientId")),
);

async function removeAssets(tx: Db, { poolId, clientId }: Owner): Promise<void> {
  await removeAssetsQuery(tx, { poolId, clientId });
}

const assetKey = ["pool_id", "client_id", "category", "color_mode", "resource_id"] as const;

const putAssetQuery = preparedWrite<BrandingAssetsTable>((kysely, slot) =>
  kysely
    .insertInto("branding_assets")
    .values(slots(slot, [...assetKey, "extension", "bytes"]))
    .onConflict((conflict) =>
      conflict.columns(assetKey).doUpdateSet((set) => ({
        extension: set.ref("excluded.extension"),
        bytes: set.ref("excluded.bytes"),
      })),
    ),
);

async function putAssets(tx: Db, { poolId, clientId }: Owner, assets: readonly Asset[]): Promise<void> {
  for (const { category, colorMode, resourceId, extension, bytes } of assets) {
    const key = { pool_id: poolId, client_id: clientId, category, color_mode: colorMode };
    await putAssetQuery(tx, { ...key, resource_id: resourceId, extension, bytes });
  }
}
