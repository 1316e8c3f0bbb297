import type { AuditEventsTable, AuthEventsTable } from "./schema-events.ts";
import type {
  ConsumedIdsTable,
  FederatedSignInsTable,
  IdentityProvidersTable,
  LinkedIdentitiesTable,
  ProviderIdentifiersTable,
  ProviderSessionsTable,
  SamlKeysTable,
  SamlMetadataTable,
} from "./schema-federation.ts";
import type {
  BrandingAssetsTable,
  BrandingStylesTable,
  DomainsTable,
  ResourceServersTable,
  TermsTable,
  UiCustomizationsTable,
  UiImagesTable,
} from "./schema-hosting.ts";
import type {
  IdentitiesTable,
  IdentityLoginsTable,
  IdentityPoolsTable,
  RolesTable,
  TrustedProvidersTable,
} from "./schema-identities.ts";
import type { AttemptsTable, KnownSourcesTable } from "./schema-limits.ts";
import type {
  AuthorizationCodesTable,
  BrowserSessionsTable,
  TokenFamiliesTable,
  TokenSessionsTable,
} from "./schema-tokens.ts";

/**
 * The tables as Kysely sees them. Rules (docs/the-house.md, Storage): `pool_id` leads every key of pool data (in the
 * largest tables, a number replaces the user's id: docs/decisions/0021-keys-that-carry-the-pool.md); times are epoch
 * milliseconds; flags are 0/1; names are case-folded once, in TypeScript, into a `*_key` column; `*_sealed` columns hold
 * the result of `Sealer.seal`; settings are stored as the wire document in JSON.
 */
export interface Schema {
  poolhouse_meta: { key: string; value: string };
  data_keys: DataKeysTable;
  leases: { name: string; holder: string; expires_at: number };
  access_keys: AccessKeysTable;
  access_key_uses: { access_key_id: string; used_at: number };
  pools: PoolsTable;
  clients: ClientsTable;
  client_pools: { client_id: string; pool_id: string };
  client_secrets: ClientSecretsTable;
  signing_keys: SigningKeysTable;
  users: UsersTable;
  login_names: LoginNamesTable;
  credentials: CredentialsTable;
  groups: GroupsTable;
  group_members: GroupMembersTable;
  software_tokens: SoftwareTokensTable;
  passkeys: PasskeysTable;
  devices: DevicesTable;
  sign_ins: SignInsTable;
  codes: CodesTable;
  attempts: AttemptsTable;
  known_sources: KnownSourcesTable;
  token_families: TokenFamiliesTable;
  outbox: OutboxTable;
  audit_events: AuditEventsTable;
  auth_events: AuthEventsTable;
  browser_sessions: BrowserSessionsTable;
  authorization_codes: AuthorizationCodesTable;
  token_sessions: TokenSessionsTable;
  resource_servers: ResourceServersTable;
  domains: DomainsTable;
  domain_pools: { domain: string; pool_id: string };
  retired_names: RetiredNamesTable;
  branding_styles: BrandingStylesTable;
  branding_assets: BrandingAssetsTable;
  ui_customizations: UiCustomizationsTable;
  ui_images: UiImagesTable;
  terms: TermsTable;
  identity_providers: IdentityProvidersTable;
  provider_identifiers: ProviderIdentifiersTable;
  linked_identities: LinkedIdentitiesTable;
  federated_sign_ins: FederatedSignInsTable;
  consumed_ids: ConsumedIdsTable;
  provider_sessions: ProviderSessionsTable;
  saml_keys: SamlKeysTable;
  saml_metadata: SamlMetadataTable;
  identity_pools: IdentityPoolsTable;
  identities: IdentitiesTable;
  identity_logins: IdentityLoginsTable;
  roles: RolesTable;
  trusted_providers: TrustedProvidersTable;
}

/** Data keys, wrapped by the master key (keys/sealer.ts, rotation/rotate-data-key.ts). */
export interface DataKeysTable {
  key_id: string;
  /** All servers know `next-seal` before it becomes the `seal` key. */
  purpose: "seal" | "next-seal" | "mac";
  wrapped: Uint8Array;
  created_at: number;
  /** Since when it seals nothing more; null while active. There is one active key per purpose. */
  retired_at: number | null;
}

/** Access keys of administrators and applications (Signature V4), each with an IAM-style policy. */
export interface AccessKeysTable {
  access_key_id: string;
  /** `root` exists once: its unique index makes two servers that start at once agree on one root key. */
  principal: string;
  secret_sealed: Uint8Array;
  policy: string;
  status: "Active" | "Inactive";
  created_at: number;
}

export interface PoolsTable {
  pool_id: string;
  /** Incremented with every change; caches are keyed by (id, version). */
  version: number;
  name: string;
  /** The wire document: UserPoolType as DescribeUserPool returns it, with the MFA settings under `MfaConfig`. */
  document: string;
  /**
   * 32 random bytes that no rotation changes: fake salts and the ids of users who do not exist are derived from them.
   */
  fake_secret_sealed: Uint8Array;
  created_at: number;
  updated_at: number;
}

export interface ClientsTable {
  pool_id: string;
  client_id: string;
  version: number;
  name: string;
  /** The wire document: UserPoolClientType without the secret. */
  document: string;
  /** SSOSession.MaxValidityMinutes; null if it was never set. */
  sso_minutes: number | null;
  created_at: number;
  updated_at: number;
}

/** Names that a pool gave up, until others may take them (retired-names.ts). */
export interface RetiredNamesTable {
  kind: "client" | "domain" | "pool";
  name: string;
  /** The pool that gave it up. */
  pool_id: string;
  retired_at: number;
  expires_at: number;
}

export interface ClientSecretsTable {
  pool_id: string;
  client_id: string;
  secret_id: string;
  secret_sealed: Uint8Array;
  created_at: number;
}

export interface SigningKeysTable {
  pool_id: string;
  kid: string;
  token_use: "id" | "access";
  /** The public JWK as published. */
  public_jwk: string;
  /** PKCS8 PEM; a single zero byte once the key no longer signs and its private half was destroyed. */
  private_sealed: Uint8Array;
  created_at: number;
  /** Since when it signs, until a newer key does. It is published as soon as it exists. */
  active_from: number;
  /** When it is no longer published and nothing it signed is accepted; null while it has no successor. */
  retired_at: number | null;
}

export interface UsersTable {
  pool_id: string;
  /** Replaces the id in rows that refer to the user. Unique within the pool, and never exposed. */
  number: number;
  /** The `sub`. */
  user_id: string;
  username: string;
  version: number;
  status: UserStatus;
  enabled: number;
  /** Incremented with every sign-out, disabling and reset: a sign-in that began before is invalid. */
  sign_outs: number;
  /** JSON object name -> text: the attributes except `sub`, and except those whose search column holds the very text. */
  attributes: string;
  /** JSON object name -> text: new values that wait for VerifyUserAttribute. */
  pending_attributes: string | null;
  /** JSON of the factors that the user has turned on; null if nothing was ever set. */
  mfa: string | null;
  created_at: number;
  updated_at: number;
  // The values ListUsers filters by, case-folded; null if the user has none.
  email_key: string | null;
  phone_number_key: string | null;
  name_key: string | null;
  given_name_key: string | null;
  family_name_key: string | null;
  preferred_username_key: string | null;
}

export type UserStatus =
  | "UNCONFIRMED"
  | "CONFIRMED"
  | "FORCE_CHANGE_PASSWORD"
  | "RESET_REQUIRED"
  | "EXTERNAL_PROVIDER";

/** Every name a user can sign in with: the username and its aliases. One primary key makes all of them unique. */
export interface LoginNamesTable {
  pool_id: string;
  name_key: string;
  kind: "username" | "email" | "phone_number" | "preferred_username";
  /** Deleted with the user, by a cascading foreign key. */
  user_number: number;
}

export interface CredentialsTable {
  pool_id: string;
  /** Deleted with the user, by a cascading foreign key. */
  user_number: number;
  /** Changes whenever the password does: a sign-in that began before is invalid. */
  version: number;
  /** Sealed PHC string (argon2id), packed by lib/phc.ts. */
  password_sealed: Uint8Array | null;
  /** Sealed SRP salt (16 bytes) and verifier. */
  srp_sealed: Uint8Array | null;
  /** Sealed JSON list of earlier PHC strings, newest first; null if the pool keeps no history. */
  history_sealed: Uint8Array | null;
  /** When a temporary password expires; null for a permanent one. */
  temporary_until: number | null;
  updated_at: number;
}

/** Users' software tokens (TOTP). */
export interface SoftwareTokensTable {
  pool_id: string;
  user_id: string;
  version: number;
  /** The sealed seed; null if none has been verified. */
  seed_sealed: Uint8Array | null;
  /** The sealed seed that waits for its first code. */
  pending_sealed: Uint8Array | null;
  /** The latest time step whose code was accepted; no code is accepted twice. */
  last_step: number;
  updated_at: number;
}

/** Passkeys (WebAuthn credentials); only their public keys. */
export interface PasskeysTable {
  pool_id: string;
  /** Base64url, as the authenticator chose it. */
  credential_id: string;
  user_id: string;
  rp_id: string;
  name: string;
  /** COSE_Key (RFC 9052). */
  public_key: Uint8Array;
  /** The authenticator's own signature counter; 0 if it has none. */
  counter: number;
  /** A JSON list. */
  transports: string;
  attachment: string | null;
  device_type: "singleDevice" | "multiDevice";
  backed_up: number;
  created_at: number;
  used_at: number | null;
}

/** Confirmed devices, each with its own secret that is proven by SRP. */
export interface DevicesTable {
  pool_id: string;
  user_id: string;
  device_key: string;
  group_key: string;
  name: string | null;
  /** Sealed salt (16 bytes) and verifier. */
  srp_sealed: Uint8Array;
  remembered: number;
  last_address: string | null;
  created_at: number;
  updated_at: number;
  authenticated_at: number;
  /** 1 if it was confirmed, or used, in a sign-in with two factors. */
  two_factors: number | null;
}

export interface GroupsTable {
  pool_id: string;
  group_name: string;
  description: string | null;
  role_arn: string | null;
  precedence: number | null;
  created_at: number;
  updated_at: number;
}

interface GroupMembersTable {
  pool_id: string;
  user_id: string;
  group_name: string;
  created_at: number;
}

/** Running sign-ins: the persisted rows of the state machine in domain/signin. */
export interface SignInsTable {
  pool_id: string;
  sign_in_id: string;
  client_id: string;
  /** Null if the user does not exist and the sign-in is simulated. */
  user_id: string | null;
  /** The compare-and-swap counter: the Session carries it, and each answer increments it. */
  version: number;
  /** Sealed JSON: the challenge awaited, what has been proven so far, and its secrets. */
  state_sealed: Uint8Array;
  created_at: number;
  expires_at: number;
}

/** One-time codes: one live code per user and purpose. */
export interface CodesTable {
  pool_id: string;
  user_id: string;
  /** `sign-up`, `forgot-password`, `attribute:email` … */
  purpose: string;
  /** HMAC of the code under a key outside the database. */
  code_mac: Uint8Array;
  /** What the code was sent for, such as the attribute value that it proves. */
  destination: string;
  /** Wrong guesses of strangers, and those from sources where the user is known. */
  attempts: number;
  own_attempts: number;
  created_at: number;
  expires_at: number;
}

/** Messages with a code, a link or a password. */
export type CodeKind =
  | "sign-up"
  | "resend-code"
  | "sign-in"
  | "invitation"
  | "forgot-password"
  | "admin-reset-password"
  | "update-attribute"
  | "verify-attribute";

/** What the owner of an account is told of (domain/messages/notices.ts). */
export type NoticeName =
  | "password-changed"
  | "factor-added"
  | "factor-removed"
  | "new-sign-in"
  | "device-remembered"
  | "address-changed"
  | "account-deleted";
type NoticeKind = `notice:${NoticeName}`;

/** Messages to be delivered; on a development server also those the inbox shows. */
export interface OutboxTable {
  pool_id: string;
  message_id: string;
  user_id: string | null;
  medium: "EMAIL" | "SMS";
  /** Whether a function of the pool sends it (1), rather than a sender of this server (0). */
  by_function: number;
  /** What it is for. */
  kind: CodeKind | NoticeKind;
  /** Sealed JSON {destination, subject, body, code, from, replyTo, layout, wording, sending}. */
  message_sealed: Uint8Array;
  status: "waiting" | "sent" | "failed";
  attempts: number;
  next_attempt_at: number;
  created_at: number;
  expires_at: number;
}
