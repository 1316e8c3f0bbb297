/** The versions of a client's branding: the one statement that every page runs. */
import { sql } from "kysely";
import type { Style } from "./branding.ts";
import type { Db } from "./db.ts";
import { prepared } from "./prepared.ts";
import { allClients, type UiCustomization } from "./ui-customizations.ts";

export interface BrandingVersions {
  readonly style: Pick<Style, "styleId" | "version" | "provided"> | undefined;
  /** The client's own, or else that of `ALL`. */
  readonly customization: Pick<UiCustomization, "clientId" | "updatedAt"> | undefined;
}

interface VersionRow {
  kind: "style" | "css";
  id: string;
  version: number;
  provided: number;
}

const versions = prepared<{ poolId: string; clientId: string }, VersionRow>((kysely, slot) =>
  kysely
    .selectFrom("branding_styles")
    .select([
      sql<VersionRow["kind"]>`'style'`.as("kind"),
      "style_id as id",
      sql<number>`cast(version as bigint)`.as("version"),
      "provided",
    ])
    .where("pool_id", "=", slot("poolId"))
    .where("client_id", "=", slot("clientId"))
    .unionAll(
      kysely
        .selectFrom("ui_customizations")
        .select([
          sql<VersionRow["kind"]>`'css'`.as("kind"),
          "client_id as id",
          "updated_at as version",
          sql<number>`0`.as("provided"),
        ])
        .where("pool_id", "=", slot("poolId"))
        .where((where) =>
          where.or([where("client_id", "=", slot("clientId")), where("client_id", "=", allClients)]),
        ),
    ),
);

export async function readBrandingVersions(
  db: Db,
  poolId: string,
  clientId: string,
): Promise<BrandingVersions> {
  const rows = await versions(db, { poolId, clientId });
  const style = rows.find(({ kind }) => kind === "style");
  const set = rows.filter(({ kind }) => kind === "css");
  const css = set.find(({ id }) => id === clientId) ?? set[0];
  return {
    style: style && {
      styleId: style.id,
      version: Number(style.version),
      provided: Number(style.provided) === 1,
    },
    customization: css && { clientId: css.id, updatedAt: Number(css.version) },
  };
}
