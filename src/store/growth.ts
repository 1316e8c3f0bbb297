/**
 * How every table grows and shrinks: who can add rows to it, how many per user or per address, and what removes them. A
 * new table without an entry here is a type error. `test/api/growth.test.ts` checks the numbers against a server that
 * is asked without end, and `test/store/sweep.test.ts` the removal.
 */
import type { Schema } from "./schema/schema.ts";

export type Table = keyof Schema;

/** A number of rows: how many there are per unit of each named limit (config/limits.ts), plus those under `rows`. */
export type Bound = Readonly<Record<string, number>>;

/**
 * How rows are removed:
 * - `expiry`: by the sweep, at this delay after the row's `expires_at`; `key` is the primary key without `pool_id`
 * - `retention`: by the sweep, once the row is older than this setting of days
 * - `retirement`: by the sweep, once no verifier needs the key any more, or the name is free again
 * - `owner`: with the user, client or pool that they belong to
 * - `nothing`: not at all; the table holds a few rows of the server itself
 */
type Removal =
  | { readonly by: "expiry"; readonly keptMs: number; readonly key: readonly string[] }
  | { readonly by: "retention"; readonly of: "audit" | "auth" }
  | { readonly by: "retirement" | "owner" | "nothing" };

export interface Growth {
  /**
   * Whose calls add rows: `anybody` has proven nothing, a `user` has a token or a password, an `administrator` has an
   * access key with a policy; `server` stands for its own work.
   */
  readonly by: "anybody" | "user" | "administrator" | "server";
  /** The most rows about one user after an hour of calls without proof, or with the tokens of one sign-in. */
  readonly perUser?: Bound;
  /** The most rows after an hour of calls from one address, for any names. */
  readonly perAddress?: Bound;
  readonly removed: Removal;
}

const minute = 60 * 1000;
const day = 24 * 60 * minute;
const expiring = (keptMs: number, ...key: string[]) => ({ by: "expiry" as const, keptMs, key });
const owned = { by: "owner" } as const;
const ofAdministrators = { by: "administrator", removed: owned } as const;
const ofServers = { by: "server", removed: { by: "nothing" } } as const;

/** The kinds of counters that a user can have: for limits, and for guesses. */
const counters = 16;

export const growth = {
  // A user's rows, once for strangers and once for known sources:
  // - three kinds whose oldest row is deleted beyond the limit: nothing proven; an SRP exchange computed; a factor proven
  // - those that wait for a code that was sent.
  // And once per device of theirs, client and network, an alias by which a sign-in that waits for the device is found.
  sign_ins: {
    by: "anybody",
    perUser: { "waiting-sign-ins": 2, "waiting-sign-ins-per-address": 1, "sign-in-code": 2 },
    perAddress: { "waiting-sign-ins-per-address": 3, "messages-per-address": 1 },
    removed: expiring(0, "sign_in_id"),
  },
  // The first of each kind per hour; the rest share one row per hour. A locked user has one per minute.
  auth_events: {
    by: "anybody",
    perUser: { "sign-in-events": 10, rows: 250 },
    perAddress: { "sign-ups-per-address": 1 },
    removed: { by: "retention", of: "auth" },
  },
  // Counters of a user: one for each kind and known source, one for each kind and all strangers, one for each sign-in in a
  // browser. Counters of addresses, of destinations and of names that nobody has share 2^18 slots per pool.
  attempts: {
    by: "anybody",
    perUser: { rows: 2 * counters + 20 },
    perAddress: {
      "passwords-per-address": 1,
      "codes-per-address": 1,
      "messages-per-address": 2,
      rows: 10,
    },
    removed: expiring(0, "subject", "kind"),
  },
  // One per user and purpose.
  codes: {
    by: "anybody",
    perUser: { rows: 5 },
    perAddress: { "messages-per-address": 1 },
    removed: expiring(day, "user_id", "purpose"),
  },
  outbox: {
    by: "anybody",
    // For strangers, and for the user's known source.
    perUser: {
      "forgot-password": 2,
      "resend-confirmation-code": 2,
      "sign-in-code": 2,
      "attribute-code": 2,
      "update-attributes": 2,
    },
    perAddress: { "messages-per-address": 1 },
    removed: expiring(0, "message_id"),
  },
  // A user from a sign-up exists until an administrator deletes it, as in Cognito.
  users: { by: "anybody", perUser: { rows: 1 }, perAddress: { "sign-ups-per-address": 1 }, removed: owned },
  login_names: {
    by: "anybody",
    perUser: { rows: 4 },
    perAddress: { "sign-ups-per-address": 4 },
    removed: owned,
  },
  credentials: {
    by: "anybody",
    perUser: { rows: 1 },
    perAddress: { "sign-ups-per-address": 1 },
    removed: owned,
  },
  // A user's events in an hour:
  // - changes that add something, and for each of them up to five that remove it (four factors and a preference)
  // - two operations that are recorded as a count beyond that, each time it doubles (domain/audit/credential.ts)
  // - changes that other limits bound, once by strangers and once from known sources
  // - removals of what the user had before, and ends of sessions, each of which needs a sign-in.
  audit_events: {
    by: "user",
    perUser: {
      "credential-changes": 1 + 5 + 2,
      "verify-attribute": 2,
      "change-password": 2,
      "forgot-password": 2,
      rows: 60,
    },
    removed: { by: "retention", of: "audit" },
  },
  known_sources: { by: "user", perUser: { rows: 10 }, removed: expiring(0, "user_id", "source") },
  software_tokens: { by: "user", perUser: { rows: 1 }, removed: owned },
  passkeys: { by: "user", perUser: { rows: 20 }, removed: owned },
  // One per sign-in, which costs its maker a password or a code.
  devices: { by: "user", perUser: { rows: 1 }, removed: owned },
  // Tokens of a family may outlive its refresh token by a day.
  token_families: { by: "user", perUser: { rows: 1 }, removed: expiring(2 * day, "family_id") },
  token_sessions: { by: "user", perUser: { rows: 1 }, removed: expiring(0, "session_id") },
  // Codes issued through a session are valid while it exists, for five minutes.
  browser_sessions: {
    by: "user",
    perUser: { rows: 1 },
    removed: expiring(5 * minute, "session_hash"),
  },
  // Added by each sign-in in a browser. Reusing one revokes the tokens issued for it.
  authorization_codes: {
    by: "user",
    perUser: { "authorization-codes": 1 },
    removed: expiring(day, "code_hash"),
  },
  // One per sign-in at a provider that was begun; at most two, one after the other, for each.
  federated_sign_ins: {
    by: "anybody",
    // Nobody is known until the provider has answered.
    perUser: { rows: 0 },
    perAddress: { "provider-sign-ins-per-address": 1 },
    removed: expiring(0, "handle_hash"),
  },
  // Added by what a provider has signed, which counts once.
  consumed_ids: { by: "user", perUser: { rows: 0 }, removed: expiring(0, "id_hash") },
  // One per browser session of a federated user.
  provider_sessions: { by: "user", perUser: { rows: 1 }, removed: expiring(0, "browser_hash") },
  linked_identities: { by: "user", perUser: { rows: 6 }, removed: owned },
  pools: { by: "administrator", removed: { by: "nothing" } },
  clients: ofAdministrators,
  client_pools: ofAdministrators,
  client_secrets: ofAdministrators,
  signing_keys: { by: "administrator", removed: { by: "retirement" } },
  groups: ofAdministrators,
  group_members: ofAdministrators,
  resource_servers: ofAdministrators,
  domains: ofAdministrators,
  // For a year.
  retired_names: { by: "administrator", removed: { by: "retirement" } },
  domain_pools: ofAdministrators,
  branding_styles: ofAdministrators,
  branding_assets: ofAdministrators,
  ui_customizations: ofAdministrators,
  ui_images: ofAdministrators,
  terms: ofAdministrators,
  identity_providers: ofAdministrators,
  provider_identifiers: ofAdministrators,
  saml_keys: ofAdministrators,
  saml_metadata: ofAdministrators,
  identity_pools: { by: "administrator", removed: { by: "nothing" } },
  // Anybody may become a guest, who is forgotten after a time without use; with a login, which costs a sign-in, an
  // identity exists until an administrator deletes it, as in Cognito.
  identities: {
    by: "anybody",
    // Guests are about no user: there are as many as the address may have.
    perUser: { "guests-per-address": 1, "identities-per-login": 1 },
    perAddress: { "guests-per-address": 1 },
    removed: expiring(0, "identity_id"),
  },
  identity_logins: { by: "user", perUser: { rows: 1 }, removed: owned },
  roles: { by: "administrator", removed: { by: "nothing" } },
  trusted_providers: { by: "administrator", removed: { by: "nothing" } },
  access_keys: ofServers,
  access_key_uses: ofServers,
  data_keys: ofServers,
  leases: ofServers,
  poolhouse_meta: ofServers,
} as const satisfies Record<Table, Growth>;

export const tables = Object.keys(growth) as Table[];

/** The tables whose rows have a time at which they expire. */
export type ExpiringTable = {
  [T in Table]: (typeof growth)[T]["removed"] extends { readonly by: "expiry" } ? T : never;
}[Table];

export const expiringTables = tables.filter(
  (table): table is ExpiringTable => growth[table].removed.by === "expiry",
);
