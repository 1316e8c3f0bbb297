/** Rows of the classic branding (SetUICustomization), for a client or for `ALL`, and of its logos. */
import { sql } from "kysely";
import { holdClient } from "./clients.ts";
import { type Db, inTransaction } from "./db.ts";
import type { UiCustomizationsTable, UiImagesTable } from "./schema/schema-hosting.ts";
import { holdPool } from "./user-pools.ts";

/** Used in place of a client id: applies to all clients without their own customization. */
export const allClients = "ALL";

export interface UiCustomization {
  readonly poolId: string;
  readonly clientId: string;
  readonly css: string | undefined;
  /** YYYYMMDDhhmmss. */
  readonly cssVersion: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface UiImage {
  readonly mediaType: UiImagesTable["media_type"];
  readonly bytes: Uint8Array;
}

function fromRow(row: UiCustomizationsTable): UiCustomization {
  return {
    poolId: row.pool_id,
    clientId: row.client_id,
    css: row.css ?? undefined,
    cssVersion: row.css_version,
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}

/** Replaces the customization. Undefined if the client, or for `ALL` the pool, is gone. */
export function putUiCustomization(
  db: Db,
  customization: UiCustomization,
  image: UiImage | undefined,
): Promise<UiCustomization | undefined> {
  const { poolId, clientId, css, cssVersion, createdAt, updatedAt } = customization;
  const values = { css: css ?? null, css_version: cssVersion };
  // Distinguishes successive states even if two are set within a millisecond or a clock is set back.
  const later = sql<number>`case when ui_customizations.updated_at < ${updatedAt} then ${updatedAt}
    else ui_customizations.updated_at + 1 end`;
  return inTransaction(db, async (tx) => {
    const held =
      clientId === allClients ? await holdPool(tx, poolId) : await holdClient(tx, poolId, clientId);
    if (!held) return undefined;
    const row = await tx.kysely
      .insertInto("ui_customizations")
      .values({
        pool_id: poolId,
        client_id: clientId,
        created_at: createdAt,
        updated_at: updatedAt,
        ...values,
      })
      .onConflict((conflict) =>
        conflict.columns(["pool_id", "client_id"]).doUpdateSet({ ...values, updated_at: later }),
      )
      .returningAll()
      .executeTakeFirstOrThrow();
    await tx.kysely
      .deleteFrom("ui_images")
      .where("pool_id", "=", poolId)
      .where("client_id", "=", clientId)
      .execute();
    if (image !== undefined) {
      await tx.kysely
        .insertInto("ui_images")
        .values({ pool_id: poolId, client_id: clientId, media_type: image.mediaType, bytes: image.bytes })
        .execute();
    }
    return fromRow(row);
  });
}

/** The customizations of these ids: client ids, or `ALL`. */
export async function readUiCustomizations(
  db: Db,
  poolId: string,
  clientIds: readonly string[],
): Promise<UiCustomization[]> {
  const rows = await db.kysely
    .selectFrom("ui_customizations")
    .selectAll()
    .where("pool_id", "=", poolId)
    .where("client_id", "in", clientIds)
    .execute();
  return rows.map(fromRow);
}

/** The logo of exactly this client, or of `ALL`. */
export async function readUiImage(db: Db, poolId: string, clientId: string): Promise<UiImage | undefined> {
  const row = await db.kysely
    .selectFrom("ui_images")
    .select(["media_type", "bytes"])
    .where("pool_id", "=", poolId)
    .where("client_id", "=", clientId)
    .executeTakeFirst();
  return row && { mediaType: row.media_type, bytes: row.bytes };
}
