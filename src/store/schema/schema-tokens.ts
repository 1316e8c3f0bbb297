/** Tables of what sign-ins leave behind: tokens, sessions of browsers, codes (schema.ts says the rules). */

/** One sign-in's refresh token family. Its id is the `event_id` claim of each token of that sign-in. */
export interface TokenFamiliesTable {
  pool_id: string;
  family_id: string;
  user_id: string;
  client_id: string;
  origin_jti: string;
  /** Sealed 32 bytes that authenticate each generation of the refresh token. */
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
  /** 1: two factors were proven in its sign-in at the API. */
  two_factors: number | null;
}

/** Sessions of browsers at the hosted pages. */
export interface BrowserSessionsTable {
  pool_id: string;
  /** Of the cookie. */
  session_hash: string;
  /** Of the part of it that is the browser's name, and stays at the next sign-in. Null: a program of before wrote it. */
  browser_hash: string | null;
  user_id: string;
  /** JSON list of what was proven. */
  methods: string;
  sign_outs: number;
  /** Of the password that the user had at the sign-in; 0: none. */
  credential_version: number | null;
  auth_time: number;
  created_at: number;
  expires_at: number;
  /** `sso…`, where the pool tracks sessions. Null here, and in the columns below: it did not when this one began. */
  session_id: string | null;
  /** The client it began at. It is every client's of the pool, and outlives that one. */
  entry_client: string | null;
  device_type: string | null;
  address: string | null;
  active_at: number | null;
}

/** What a pool that tracks sessions keeps of a token family, to show it and to revoke it by. */
export interface TokenSessionsTable {
  pool_id: string;
  /** `tkn…` */
  session_id: string;
  user_id: string;
  client_id: string;
  family_id: string;
  /** The `session_id` of the browser's session it came through, which may be over. */
  origin_id: string | null;
  device_type: string;
  address: string | null;
  created_at: number;
  active_at: number;
  expires_at: number;
}

/** Authorization codes, also used ones until they would have expired: who brings one again is known by it. */
export interface AuthorizationCodesTable {
  pool_id: string;
  code_hash: string;
  client_id: string;
  user_id: string;
  /** JSON: redirect URI, scopes, nonce, code challenge, resource. */
  grant_json: string;
  methods: string;
  sign_outs: number;
  credential_version: number;
  auth_time: number;
  created_at: number;
  expires_at: number;
  /** The tokens minted from it; empty where it was used up for none, null while it is unused. */
  family_id: string | null;
  /** The `session_id` of the browser's session, where it is tracked. */
  session_id: string | null;
  /** The browser in whose session it was issued: it is good only while that session is there. */
  browser_hash: string | null;
}
