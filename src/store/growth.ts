/**
 * How every table grows and shrinks: who can add rows to it, how many about one user or from one address, and what
 * removes them. A new table without a line here is a type error; `test/api/growth.test.ts` holds the numbers against a
 * server that is asked without end, and `test/store/sweep.test.ts` the removal.
 */
import type { Schema } from "./schema/schema.ts";

export type Table = keyof Schema;

/**
 * A number of rows: how many each unit of a limit (config/limits.ts) stands for, and under `rows` those that come on top.
 */
export type Bound = Readonly<Record<string, number>>;

/**
 * - `expiry`: by the sweep, so long after the row's `expires_at`; `key` is the primary key
 * - `retention`: by the sweep, when the row is older than the setting of these days
 * - `retirement`: by the sweep, once no verifier needs the key any more
 * - `owner`: with the user, client or pool it belongs to
 * - `nothing`: the table holds a few rows of the server itself
 */
export type Removal =
  | { readonly by: "expiry"; readonly keptMs: number; readonly key: readonly string[] }
  | { readonly by: "retention"; readonly of: "audit" | "auth" }
  | { readonly by: "retirement" | "owner" | "nothing" };

export interface Growth {
  /**
   * Whose calls add rows: `anybody` proves nothing, a `user` has a token or a password, an `administrator` an access key
   * with a policy; the rest is the server's own doing.
   */
  readonly by: "anybody" | "user" | "administrator" | "server";
  /** Rows that there can be about one user after an hour of calls without a proof, or with tokens of one sign-in. */
  readonly perUser?: Bound;
  /** Rows that there can be after an hour of calls from one address, for whatever names. */
  readonly perAddress?: Bound;
  readonly removed: Removal;
}

const minute = 60 * 1000;
const day = 24 * 60 * minute;
const expiring = (keptMs: number, ...key: string[]) => ({ by: "expiry" as const, keptMs, key });
const owned = { by: "owner" } as const;
const ofAdministrators = { by: "administrator", removed: owned } as const;
const ofServers = { by: "server", removed: { by: "nothing" } } as const;

/** Kinds of counters that a user can have: of limits, and of guesses. */
const counters = 16;

export const growth = {
  // Three kinds, of each of which the oldest is deleted beyond its limit (nothing proven or computed; an SRP exchange
  // computed; something proven), and those that wait for a code that was sent: of strangers, and of the known source.
  sign_ins: {
    by: "anybody",
    perUser: { "waiting-sign-ins": 2, "waiting-sign-ins-per-address": 1, "sign-in-code": 2 },
    perAddress: { "waiting-sign-ins-per-address": 3, "messages-per-address": 1 },
    removed: expiring(0, "pool_id", "sign_in_id"),
  },
  // Of each kind the first of an hour; the others share one row of the hour. Who is locked out has one a minute.
  auth_events: {
    by: "anybody",
    perUser: { "sign-in-events": 10, rows: 250 },
    perAddress: { "sign-ups-per-address": 1 },
    removed: { by: "retention", of: "auth" },
  },
  // One a user, kind and known source, for strangers and one source here, those of addresses and destinations, and one a
  // sign-in in a browser. Names that nobody has, addresses and destinations share 2^18 slots a pool.
  attempts: {
    by: "anybody",
    perUser: { rows: 2 * counters + 20 },
    perAddress: {
      "passwords-per-address": 1,
      "codes-per-address": 1,
      "messages-per-address": 2,
      rows: 10,
    },
    removed: expiring(0, "pool_id", "subject", "kind"),
  },
  // One a user and purpose.
  codes: {
    by: "anybody",
    perUser: { rows: 5 },
    perAddress: { "messages-per-address": 1 },
    removed: expiring(day, "pool_id", "user_id", "purpose"),
  },
  outbox: {
    by: "anybody",
    // Of strangers, and of the source that the user is known from.
    perUser: {
      "forgot-password": 2,
      "resend-confirmation-code": 2,
      "sign-in-code": 2,
      "attribute-code": 2,
      "update-attributes": 2,
    },
    perAddress: { "messages-per-address": 1 },
    removed: expiring(0, "pool_id", "message_id"),
  },
  // A sign-up is a user until an administrator deletes it, as with Cognito.
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
  // Changes that add something; five that take it away again, since one can turn on four factors and prefer one; two
  // operations that are told by number beyond as many, when it has doubled (domain/audit/credential.ts). What others limit,
  // each by strangers and from the known source. On top what the user had before, and ends of sessions, each of which needs
  // a sign-in.
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
  known_sources: { by: "user", perUser: { rows: 10 }, removed: expiring(0, "pool_id", "user_id", "source") },
  software_tokens: { by: "user", perUser: { rows: 1 }, removed: owned },
  passkeys: { by: "user", perUser: { rows: 20 }, removed: owned },
  // One a sign-in, which costs whoever makes it a password or a code.
  devices: { by: "user", perUser: { rows: 1 }, removed: owned },
  // Tokens of a family may outlive its refresh token by a day.
  token_families: { by: "user", perUser: { rows: 1 }, removed: expiring(2 * day, "pool_id", "family_id") },
  token_sessions: { by: "user", perUser: { rows: 1 }, removed: expiring(0, "pool_id", "session_id") },
  // Codes that came through one are good while it is there, for five minutes.
  browser_sessions: {
    by: "user",
    perUser: { rows: 1 },
    removed: expiring(5 * minute, "pool_id", "session_hash"),
  },
  // By each sign-in in a browser. Who brings a used one again loses the tokens minted from it.
  authorization_codes: {
    by: "user",
    perUser: { "authorization-codes": 1 },
    removed: expiring(day, "pool_id", "code_hash"),
  },
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
  retired_names: { by: "administrator", removed: expiring(0, "kind", "name") },
  domain_pools: ofAdministrators,
  branding_styles: ofAdministrators,
  branding_assets: ofAdministrators,
  ui_customizations: ofAdministrators,
  ui_images: ofAdministrators,
  terms: ofAdministrators,
  access_keys: ofServers,
  access_key_uses: ofServers,
  data_keys: ofServers,
  leases: ofServers,
  poolhouse_meta: ofServers,
} as const satisfies Record<Table, Growth>;

export const tables = Object.keys(growth) as Table[];
