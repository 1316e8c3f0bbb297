/** Tables of identity pools, and of the roles whose credentials they give out (schema.ts has the rules). */

export interface IdentityPoolsTable {
  /** `<region>:<UUID>`. */
  pool_id: string;
  /**
   * The first 48 bits of the pool's UUID in hex, with which the ids of its identities begin: requests name an identity
   * without its pool.
   */
  id_prefix: string;
  /** Incremented with every change; caches are keyed by (id, version). */
  version: number;
  name: string;
  /** JSON: the wire document, with roles, role mappings and principal tags (domain/identity-pools/load-identity-pool.ts). */
  document: string;
  created_at: number;
  updated_at: number;
}

export interface IdentitiesTable {
  pool_id: string;
  /** `<region>:<UUID>`. */
  identity_id: string;
  /** The identity that this one was merged into; itself if it lost its last login. It is disabled then. */
  merged_into: string | null;
  created_at: number;
  updated_at: number;
  /** When an identity without logins is forgotten; null if it has logins, or was merged. */
  expires_at: number | null;
}

/** The logins of identities: each belongs to one identity of its pool. */
export interface IdentityLoginsTable {
  pool_id: string;
  /** A hash of provider and subject. */
  login_key: string;
  identity_id: string;
  /** As in Logins, or the developer provider's name. */
  provider_name: string;
  /** The user's id at the provider; a developer's user identifier. */
  subject: string;
  created_at: number;
}

/** Roles, for which temporary credentials are issued. */
export interface RolesTable {
  role_name: string;
  /** `AROA…`: a role of the same name that is created later is another. */
  role_id: string;
  /** `/` or `/…/`. */
  path: string;
  description: string;
  /** The trust policy as JSON. */
  trust: string;
  /** JSON object: permission policies by name, each as JSON text. */
  policies: string;
  max_session_seconds: number;
  /** Credentials issued before are refused. Epoch milliseconds. */
  not_before: number;
  created_at: number;
  updated_at: number;
}

/** OpenID and SAML providers that roles and identity pools trust (IAM identity providers). */
export interface TrustedProvidersTable {
  provider_arn: string;
  kind: "oidc" | "saml";
  /** JSON: URL and client ids, or metadata, audiences and recipients (trusted-providers.ts). */
  document: string;
  created_at: number;
  updated_at: number;
}
