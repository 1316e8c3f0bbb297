/** Tables of sign-in with other identity providers (schema.ts has the rules). */

/** Identity providers of a pool. */
export interface IdentityProvidersTable {
  pool_id: string;
  provider_name: string;
  /** The name in lower case, unique in the pool: users of this provider are named `<name>_<subject>`. */
  prefix_key: string;
  type: "SAML" | "Facebook" | "Google" | "LoginWithAmazon" | "SignInWithApple" | "OIDC";
  /** Incremented with every change; caches are keyed by it. */
  version: number;
  /** JSON object: ProviderDetails without secrets, AttributeMapping and IdpIdentifiers, as on the wire. */
  document: string;
  /** Sealed JSON object: the secret members of ProviderDetails. */
  secrets_sealed: Uint8Array;
  created_at: number;
  updated_at: number;
}

/** The identifiers of providers (IdpIdentifiers), in lower case; each names one provider of the pool. */
export interface ProviderIdentifiersTable {
  pool_id: string;
  identifier_key: string;
  provider_name: string;
}

/** Identities at providers, and the user that each of them signs in as. */
export interface LinkedIdentitiesTable {
  pool_id: string;
  provider_name: string;
  /** A hash of the issuer, of the attribute, and of its value. */
  identity_key: string;
  user_id: string;
  /** `Cognito_Subject`, or the claim that an administrator linked by before the first sign-in. */
  attribute: string;
  value: string;
  /** A hash of the attribute and of its value: the identities that an administrator names, who names no issuer. */
  value_key: string;
  /** 1 for the identity that the user was created for. */
  is_primary: number;
  created_at: number;
}

/** Sign-ins that wait for a provider's answer, or for the browser to return with it. One row is good for one step. */
export interface FederatedSignInsTable {
  pool_id: string;
  /** Hash of the state, or of the handle by which the browser comes back. */
  handle_hash: string;
  provider_name: string;
  client_id: string;
  /** Sealed JSON: the authorization request, what binds it to the browser, and what its protocol must remember. */
  state_sealed: Uint8Array;
  created_at: number;
  expires_at: number;
}

/** What a provider may say only once: ids of assertions and of logout tokens, until they would have expired. */
export interface ConsumedIdsTable {
  pool_id: string;
  id_hash: string;
  expires_at: number;
}

/** What a browser's session knows of the session at the provider, for logout in either direction. */
export interface ProviderSessionsTable {
  pool_id: string;
  browser_hash: string;
  user_id: string;
  provider_name: string;
  identity_key: string;
  /** Hash of the provider's name of its session (`sid`, SessionIndex); empty if it gave none. */
  session_key: string;
  /** Sealed JSON: id_token, or NameID and SessionIndex. */
  details_sealed: Uint8Array;
  created_at: number;
  expires_at: number;
}

/** Key pairs for SAML: the one that signs a pool's requests, and those that providers encrypt to. */
export interface SamlKeysTable {
  pool_id: string;
  /** Empty for the key that signs. */
  provider_name: string;
  /** X.509, DER in base64. */
  certificate: string;
  /** PKCS8 PEM. */
  private_sealed: Uint8Array;
  created_at: number;
}

/** The metadata of SAML providers that name a URL for it, as last fetched. */
export interface SamlMetadataTable {
  /** `identity-pools` for a provider that these trust; its ARN is the name then. */
  pool_id: string;
  provider_name: string;
  url: string;
  document: string;
  fetched_at: number;
  /** When to fetch it again. */
  refresh_at: number;
  /** After which it must not be used (validUntil); null for never. */
  valid_until: number | null;
}
