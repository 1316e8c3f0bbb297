/** Rows of the classic branding (SetUICustomization), for a client or for `ALL`, and of its logos. */
import { sql } from "kysely";
import { holdClient } from "./clients.ts";
import { type Db, inTransaction } from "./db.ts";
import { type ListSlots, listed, listValues, lookup, prepared, preparedWrite, slots } from "./prepared.ts";
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

type Owner = Pick<UiCustomization, "poolId" | "clientId">;

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

const putQuery = prepared<UiCustomizationsTable, UiCustomizationsTable>((kysely, slot) => {
  const key = ["pool_id", "client_id"] as const;
  const values = slots(slot, ["css", "css_version"]);
  return kysely
    .insertInto("ui_customizations")
    .values({ ...slots(slot, key), ...values, ...slots(slot, ["created_at", "updated_at"]) })
    .onConflict((conflict) =>
      conflict.columns(key).doUpdateSet({
        ...values,
        // Distinguishes successive states even if two are set within a millisecond or a clock is set back.
        updated_at: sql<number>`case when ui_customizations.updated_at < excluded.updated_at
          then excluded.updated_at else ui_customizations.updated_at + 1 end`,
      }),
    )
    .returningAll();
});

const deleteImageQuery = preparedWrite<Owner>((kysely, slot) =>
  kysely
    .deleteFrom("ui_images")
    .where("pool_id", "=", slot("poolId"))
    .where("client_id", "=", slot("clientId")),
);

const insertImageQuery = preparedWrite<UiImagesTable>((kysely, slot) =>
  kysely.insertInto("ui_images").values(slots(slot, ["pool_id", "client_id", "media_type", "bytes"])),
);

/** Replaces the customization. Undefined if the client, or for `ALL` the pool, is gone. */
export function putUiCustomization(
  db: Db,
  customization: UiCustomization,
  image: UiImage | undefined,
): Promise<UiCustomization | undefined> {
  const { poolId, clientId, css, cssVersion, createdAt, updatedAt } = customization;
  return inTransaction(db, async (tx) => {
    const held =
      clientId === allClients ? await holdPool(tx, poolId) : await holdClient(tx, poolId, clientId);
    if (!held) return undefined;
    const [row] = await putQuery(tx, {
      pool_id: poolId,
      client_id: clientId,
      css: css ?? null,
      css_version: cssVersion,
      created_at: createdAt,
      updated_at: updatedAt,
    });
    await deleteImageQuery(tx, { poolId, clientId });
    if (image !== undefined) {
      const { mediaType: media_type, bytes } = image;
      await insertImageQuery(tx, { pool_id: poolId, client_id: clientId, media_type, bytes });
    }
    return fromRow(row!);
  });
}

const readQuery = lookup<{ poolId: string } & ListSlots, UiCustomizationsTable>((kysely, slot) =>
  kysely
    .selectFrom("ui_customizations")
    .selectAll()
    .where("pool_id", "=", slot("poolId"))
    .where("client_id", "in", listed<string>(slot)),
);

/** The customizations of up to five ids: client ids, or `ALL`. */
export async function readUiCustomizations(
  db: Db,
  poolId: string,
  clientIds: readonly string[],
): Promise<UiCustomization[]> {
  const rows = await readQuery(db, { poolId, ...listValues(clientIds) });
  return rows.map(fromRow);
}

const readImageQuery = prepared<Owner, Pick<UiImagesTable, "media_type" | "bytes">>((kysely, slot) =>
  kysely
    .selectFrom("ui_images")
    .select(["media_type", "bytes"])
    .where("pool_id", "=", slot("poolId"))
    .where("client_id", "=", slot("clientId")),
);

/** The logo of exactly this client, or of `ALL`. */
export async function readUiImage(db: Db, poolId: string, clientId: string): Promise<UiImage | undefined> {
  const [row] = await readImageQuery(db, { poolId, clientId });
  return row && { mediaType: row.media_type, bytes: row.bytes };
}
