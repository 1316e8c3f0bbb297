/**
 * THE table of what ends the sign-ins of users of identity providers: every event × everything that lets such a user in.
 * docs/security-model.md shows it, and test/doors/federated.test.ts tries each cell. A new event or thing without its cells,
 * or without its test, is a type error.
 */

export const doors = {
  provider: "sign-in through the provider",
  browser: "browser session",
  code: "authorization code not yet redeemed",
  refresh: "refresh token",
  token: "access token, at our endpoints",
} as const;

export type Door = keyof typeof doors;

const all = Object.keys(doors) as Door[];

/** What lets the user in after the event. */
export const openAfter = {
  nothing: all,
  "the user is disabled": [],
  // As a new user of the same name.
  "the user is deleted": ["provider"],
  "the user is signed out everywhere": ["provider"],
  "the refresh token is revoked": ["provider", "browser", "code"],
  "the provider signs the user out": ["provider"],
  // Nobody asks the database for the provider when an access token is used.
  "the provider is deleted": ["token"],
  "the provider is made again": ["provider", "token"],
  "the client offers the provider no more": ["refresh", "token"],
  "the identity is the user's no more": [],
  "the user gets a password": ["provider"],
  "the client is deleted": [],
  "the pool is deleted": [],
} as const satisfies Readonly<Record<string, readonly Door[]>>;

export type Withdrawal = keyof typeof openAfter;
