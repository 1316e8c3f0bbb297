/** Rows of managed login styles, and of their images, which belong to the style's client. */
import { sql } from "kysely";
import { holdClient } from "./clients.ts";
import { type Db, inTransaction } from "./db.ts";
import { affected } from "./engine/transaction.ts";
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

/** Adds a style. `exists`: the client already has one. `no-client`: the client is gone. */
export function insertStyle(
  db: Db,
  style: Style,
  assets: readonly Asset[],
): Promise<"added" | "exists" | "no-client"> {
  return inTransaction(db, async (tx) => {
    if (!(await holdClient(tx, style.poolId, style.clientId))) return "no-client";
    const result = await tx.kysely
      .insertInto("branding_styles")
      .values({
        pool_id: style.poolId,
        style_id: style.styleId,
        client_id: style.clientId,
        version: style.version,
        provided: style.provided ? 1 : 0,
        settings: settingsText(style),
        created_at: style.createdAt,
        updated_at: style.updatedAt,
      })
      .onConflict((conflict) => conflict.columns(["pool_id", "client_id"]).doNothing())
      .executeTakeFirst();
    if (affected(result) === 0) return "exists";
    await putAssets(tx, style, assets);
    return "added";
  });
}

/** Reads a style by its own id or by its client. */
export async function readStyle(
  db: Db,
  poolId: string,
  by: { readonly styleId: string } | { readonly clientId: string },
): Promise<Style | undefined> {
  const [column, id] =
    "styleId" in by ? (["style_id", by.styleId] as const) : (["client_id", by.clientId] as const);
  const row = await db.kysely
    .selectFrom("branding_styles")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where(column, "=", id)
    .executeTakeFirst();
  return row && styleFromRow(row);
}

/** The images of a client's style, in the order of their keys. */
export async function readAssets(db: Db, poolId: string, clientId: string): Promise<Asset[]> {
  const rows = await db.kysely
    .selectFrom("branding_assets")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where("client_id", "=", clientId)
    .orderBy("category")
    .orderBy("color_mode")
    .orderBy("resource_id")
    .execute();
  return rows.map((row) => ({ ...keyFromRow(row), extension: row.extension, bytes: row.bytes }));
}

/** One image of a client's style. */
export async function readAsset(
  db: Db,
  poolId: string,
  clientId: string,
  key: AssetKey,
): Promise<Uint8Array | undefined> {
  const row = await db.kysely
    .selectFrom("branding_assets")
    .select("bytes")
    .where("pool_id", "=", poolId)
    .where("client_id", "=", clientId)
    .where("category", "=", key.category)
    .where("color_mode", "=", key.colorMode)
    .where("resource_id", "=", key.resourceId)
    .executeTakeFirst();
  return row?.bytes;
}

/** The images of a client's style without their bytes. */
export async function readAssetSizes(
  db: Db,
  poolId: string,
  clientId: string,
): Promise<(AssetKey & { readonly size: number })[]> {
  const rows = await db.kysely
    .selectFrom("branding_assets")
    .select(["category", "color_mode", "resource_id", sql<number>`length(bytes)`.as("size")])
    .where("pool_id", "=", poolId)
    .where("client_id", "=", clientId)
    .execute();
  return rows.map((row) => ({ ...keyFromRow(row), size: Number(row.size) }));
}

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
    const result = await tx.kysely
      .updateTable("branding_styles")
      .set({
        version: style.version + 1,
        provided: style.provided ? 1 : 0,
        settings: settingsText(style),
        updated_at: style.updatedAt,
      })
      .where("pool_id", "=", style.poolId)
      .where("style_id", "=", style.styleId)
      .where("version", "=", style.version)
      .executeTakeFirst();
    if (affected(result) === 0) return false;
    if (assets.removeAll) await removeAssets(tx, style);
    await putAssets(tx, style, assets.put);
    return true;
  });
}

/** Deletes a style. Returns false if there was none. */
export function deleteStyle(db: Db, poolId: string, styleId: string): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const row = await tx.kysely
      .deleteFrom("branding_styles")
      .where("pool_id", "=", poolId)
      .where("style_id", "=", styleId)
      .returning("client_id")
      .executeTakeFirst();
    if (row === undefined) return false;
    await removeAssets(tx, { poolId, clientId: row.client_id });
    return true;
  });
}

type Owner = Pick<Style, "poolId" | "clientId">;

async function removeAssets(tx: Db, { poolId, clientId }: Owner): Promise<void> {
  await tx.kysely
    .deleteFrom("branding_assets")
    .where("pool_id", "=", poolId)
    .where("client_id", "=", clientId)
    .execute();
}

async function putAssets(tx: Db, { poolId, clientId }: Owner, assets: readonly Asset[]): Promise<void> {
  for (const { category, colorMode, resourceId, extension, bytes } of assets) {
    const key = { pool_id: poolId, client_id: clientId, category, color_mode: colorMode };
    await tx.kysely
      .insertInto("branding_assets")
      .values({ ...key, resource_id: resourceId, extension, bytes })
      .onConflict((conflict) =>
        conflict
          .columns(["pool_id", "client_id", "category", "color_mode", "resource_id"])
          .doUpdateSet({ extension, bytes }),
      )
      .execute();
  }
}
