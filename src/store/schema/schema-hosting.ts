/** The tables of what a pool's authorization server shows and grants, as Kysely sees them; schema.ts has the rules. */

export interface ResourceServersTable {
  pool_id: string;
  identifier: string;
  name: string;
  /** JSON: the wire's list of scopes. */
  scopes: string;
  created_at: number;
  updated_at: number;
}

/** Domains by their pool; `domain_pools` finds the pool by the name alone, and makes the name unique over all. */
export interface DomainsTable {
  pool_id: string;
  /** A prefix, or a whole host name: lower case, ASCII. */
  domain: string;
  kind: "prefix" | "custom";
  login_version: number;
  /** JSON: CustomDomainConfigType; null for a prefix. */
  custom_config: string | null;
  /** JSON: RoutingType. */
  routing: string | null;
  created_at: number;
  updated_at: number;
}

/** Styles of managed login, one a client. */
export interface BrandingStylesTable {
  pool_id: string;
  style_id: string;
  client_id: string;
  /** Grows with every change. */
  version: number;
  /** UseCognitoProvidedValues. */
  provided: number;
  /** The wire document; null where none was given. */
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
  /** Empty where none was given. */
  resource_id: string;
  extension: string;
  bytes: Uint8Array;
}

/** What SetUICustomization set, for a client or for `ALL`. */
export interface UiCustomizationsTable {
  pool_id: string;
  client_id: string;
  css: string | null;
  /** When the style was set, as YYYYMMDDhhmmss. */
  css_version: string;
  created_at: number;
  updated_at: number;
}

/** The logos of the same. */
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
