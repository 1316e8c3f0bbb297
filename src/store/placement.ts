/**
 * Where each table's rows are if the database is spread over several machines: those of a pool together on one of them,
 * or all rows everywhere. A new table without an entry is a type error. See
 * docs/decisions/0021-keys-that-carry-the-pool.md.
 */
import type { Schema } from "./schema/schema.ts";

/**
 * - `pool`: with the other rows of their pool. `pool_id` leads the primary key and is compared in every statement
 * - `everywhere`: on every machine. Few rows, read by many and seldom changed: a change waits for all machines
 */
export const placement = {
  poolhouse_meta: "everywhere",
  data_keys: "everywhere",
  leases: "everywhere",
  access_keys: "everywhere",
  access_key_uses: "everywhere",
  client_pools: "everywhere",
  domain_pools: "everywhere",
  retired_names: "everywhere",
  pools: "pool",
  clients: "pool",
  client_secrets: "pool",
  signing_keys: "pool",
  users: "pool",
  login_names: "pool",
  credentials: "pool",
  groups: "pool",
  group_members: "pool",
  software_tokens: "pool",
  passkeys: "pool",
  devices: "pool",
  sign_ins: "pool",
  codes: "pool",
  attempts: "pool",
  known_sources: "pool",
  token_families: "pool",
  token_sessions: "pool",
  browser_sessions: "pool",
  authorization_codes: "pool",
  outbox: "pool",
  audit_events: "pool",
  auth_events: "pool",
  resource_servers: "pool",
  domains: "pool",
  branding_styles: "pool",
  branding_assets: "pool",
  ui_customizations: "pool",
  ui_images: "pool",
  terms: "pool",
  identity_providers: "pool",
  provider_identifiers: "pool",
  linked_identities: "pool",
  federated_sign_ins: "pool",
  consumed_ids: "pool",
  provider_sessions: "pool",
  saml_keys: "pool",
  saml_metadata: "pool",
  // Requests name an identity without its pool, which is found here by how the id begins.
  identity_pools: "everywhere",
  identities: "pool",
  identity_logins: "pool",
  roles: "everywhere",
  trusted_providers: "everywhere",
} as const satisfies Record<keyof Schema, "pool" | "everywhere">;
