/** Tables of what a pool's authorization server shows and grants (schema.ts has the rules). */

export interface ResourceServersTable {
  pool_id: string;
  identifier: string;
  name: string;
  /** A JSON list of scopes in wire form. */
  scopes: string;
  created_at: number;
  updated_at: number;
}

/** Domains by pool. `domain_pools` finds the pool by the name alone, and makes names unique across pools. */
export interface DomainsTable {
  pool_id: string;
  /** A prefix or a full host name: lower case, ASCII. */
  domain: string;
  kind: "prefix" | "custom";
  login_version: number;
  /** CustomDomainConfigType as JSON; null for a prefix. */
  custom_config: string | null;
  /** RoutingType as JSON. */
  routing: string | null;
  created_at: number;
  updated_at: number;
}

/** Styles of managed login, one per client. */
export interface BrandingStylesTable {
  pool_id: string;
  style_id: string;
  client_id: string;
  /** Incremented with every change. */
  version: number;
  /** UseCognitoProvidedValues. */
  provided: number;
  /** The wire document; null if none was given. */
  settings: string | null;
  created_at: number;
  updated_at: number;
}

/** The images of a client's style. */
export interface BrandingAssetsTable {
  pool_id: string;
  client_id: string;
  category: string;
  color_mode: string;
  /** Empty if none was given. */
  resource_id: string;
  extension: string;
  bytes: Uint8Array;
}

/** Classic branding (SetUICustomization), for a client or for `ALL`. */
export interface UiCustomizationsTable {
  pool_id: string;
  client_id: string;
  css: string | null;
  /** When the style was set, as YYYYMMDDhhmmss. */
  css_version: string;
  created_at: number;
  updated_at: number;
}

/** Logos of the classic branding. */
export interface UiImagesTable {
  pool_id: string;
  client_id: string;
  media_type: "image/png" | "image/jpeg";
  bytes: Uint8Array;
}

/** Links to the terms of a client. */
export interface TermsTable {
  pool_id: string;
  terms_id: string;
  client_id: string;
  name: string;
  source: string;
  enforcement: string;
  /** JSON object language -> URL. */
  links: string;
  created_at: number;
  updated_at: number;
}
