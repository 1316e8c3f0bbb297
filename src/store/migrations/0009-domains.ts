import { type Kysely, sql } from "kysely";
import { blobType, type DatabaseKind, keyText } from "../engine/sql.ts";
import type { Schema } from "../schema/schema.ts";

/** What a pool's authorization server shows and grants: resource servers, domains, styles, images and terms. */
export async function up(kysely: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  const key = keyText(kind);
  const blob = blobType(kind);
  const times = "created_at bigint not null, updated_at bigint not null";
  const statements = [
    `create table if not exists resource_servers (
      pool_id ${key} not null, identifier ${key} not null, name text not null, scopes text not null, ${times},
      primary key (pool_id, identifier))`,
    `create table if not exists domains (
      pool_id ${key} not null, domain ${key} not null, kind text not null, login_version integer not null,
      custom_config text, routing text, ${times}, primary key (pool_id, domain))`,
    `create table if not exists domain_pools (domain ${key} primary key, pool_id ${key} not null)`,
    `create index if not exists domain_pools_pool on domain_pools (pool_id)`,
    `create table if not exists branding_styles (
      pool_id ${key} not null, style_id ${key} not null, client_id ${key} not null, version integer not null,
      provided integer not null, settings text, ${times}, primary key (pool_id, style_id))`,
    `create unique index if not exists branding_styles_client on branding_styles (pool_id, client_id)`,
    `create table if not exists branding_assets (
      pool_id ${key} not null, client_id ${key} not null, category ${key} not null, color_mode ${key} not null,
      resource_id ${key} not null, extension text not null, bytes ${blob} not null,
      primary key (pool_id, client_id, category, color_mode, resource_id))`,
    `create table if not exists ui_customizations (
      pool_id ${key} not null, client_id ${key} not null, css text, css_version text not null, ${times},
      primary key (pool_id, client_id))`,
    `create table if not exists ui_images (
      pool_id ${key} not null, client_id ${key} not null, media_type text not null, bytes ${blob} not null,
      primary key (pool_id, client_id))`,
    `create table if not exists terms (
      pool_id ${key} not null, terms_id ${key} not null, client_id ${key} not null, name ${key} not null,
      source text not null, enforcement text not null, links text not null, ${times},
      primary key (pool_id, terms_id))`,
    `create unique index if not exists terms_name on terms (pool_id, client_id, name)`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(kysely);
}
