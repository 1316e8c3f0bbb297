/** Tables of the results of sign-ins: tokens, browser sessions and codes (schema.ts has the rules). */

/** Refresh token families, one per sign-in. The id is the `event_id` claim of all tokens of that sign-in. */
export interface TokenFamiliesTable {
  pool_id: string;
  family_id: string;
  user_id: string;
  client_id: string;
  origin_jti: string;
  /** The sealed 32 bytes that authenticate each generation of the refresh token. */
  key_sealed: Uint8Array;
  generation: number;
  /** When the current generation replaced its predecessor; null before the first rotation. */
  rotated_at: number | null;
  auth_time: number;
  scope: string;
  device_key: string | null;
  created_at: number;
  expires_at: number;
  revoked_at: number | null;
  /** `oauth` for tokens of the authorization server, null for those of the API. */
  origin: string | null;
  /** The resource (RFC 8707) that the access tokens are for. */
  resource: string | null;
  /** 1 if two factors were proven in its sign-in at the API. */
  two_factors: number | null;
  /** The identity provider that the user signed in with; null for none. */
  provider_name: string | null;
}

/** Browser sessions at the hosted pages. */
export interface BrowserSessionsTable {
  pool_id: string;
  /** Hash of the cookie. */
  session_hash: string;
  /**
   * Hash of the part of the cookie that names the browser and survives the next sign-in. Null if an earlier version
   * wrote the row.
   */
  browser_hash: string | null;
  user_id: string;
  /** JSON list of the methods that were proven. */
  methods: string;
  sign_outs: number;
  /** The version of the user's password at the sign-in; 0 for none. */
  credential_version: number | null;
  /** When the user authenticated, here or at the identity provider. */
  auth_time: number;
  /** When the user has signed in here; null if an earlier version wrote the row, and it was at `auth_time`. */
  signed_in_at: number | null;
  created_at: number;
  expires_at: number;
  /**
   * The id, `sso…`, if the pool tracks sessions. Null here and in the columns below if it did not when the session
   * began.
   */
  session_id: string | null;
  /** The client that it began at. It is valid for every client of the pool, and outlives this one. */
  entry_client: string | null;
  device_type: string | null;
  address: string | null;
  active_at: number | null;
}

/** Tracked sessions of token families, in pools that track sessions: to list them and to revoke the family. */
export interface TokenSessionsTable {
  pool_id: string;
  /** The id, `tkn…`. */
  session_id: string;
  user_id: string;
  client_id: string;
  family_id: string;
  /** The `session_id` of the browser session that it came through, which may have ended. */
  origin_id: string | null;
  device_type: string;
  address: string | null;
  created_at: number;
  active_at: number;
  expires_at: number;
}

/** Authorization codes. Used ones are kept until they would have expired, so that their reuse is recognized. */
export interface AuthorizationCodesTable {
  pool_id: string;
  code_hash: string;
  client_id: string;
  user_id: string;
  /** Redirect URI, scopes, nonce, code challenge and resource as JSON. */
  grant_json: string;
  methods: string;
  sign_outs: number;
  credential_version: number;
  auth_time: number;
  created_at: number;
  expires_at: number;
  /** The family of the tokens issued for it; empty if it was used up without any, null while unused. */
  family_id: string | null;
  /** The `session_id` of the browser session, if it is tracked. */
  session_id: string | null;
  /** The browser session that it was issued in; the code is valid only while that exists. */
  browser_hash: string | null;
}
