/**
 * THE table of what ends what: every event that ends trust × everything that carries trust. docs/security-model.md shows
 * it, and test/trust tests each cell over the wire. A new event or thing without its cells, or without its test, is a type
 * error. What ends the sign-ins of users of identity providers is in provider-table.ts.
 */

/** Everything that lets its holder in, or helps with that, in the order in which it is tried after an event. */
export const things = {
  browser: "browser session",
  former: "former cookie of the browser",
  code: "authorization code not yet redeemed",
  pageRefresh: "refresh token, from the pages",
  pageAccess: "access token, from the pages",
  apiRefresh: "refresh token, from the API",
  apiAccess: "access token, from the API",
  waiting: "waiting sign-in, at the API",
  pageWaiting: "waiting sign-in, at the pages",
  passkeySignIn: "passkey challenge of a sign-in",
  device: "remembered device",
  browserDevice: "remembered browser",
  passkeyNew: "challenge of a new passkey",
  addressCode: "code to verify an address",
  signUpCode: "code or link of a sign-up",
  recoveryCode: "code to recover the password",
} as const;

export type Thing = keyof typeof things;

/** Reasons for which something remains valid. */
export const reasons = {
  apart: "It belongs to another sign-in, another client or another factor.",
  cognito: "Tokens end by revocation or expiry, as with Cognito; what they came through may end earlier.",
  proof:
    "It proves an address, an authenticator or a device, which the event does not concern; as with Cognito.",
  granted: "An access token keeps what it was granted until it expires; as with Cognito.",
  proven: "What was proven when it began stays proven.",
} as const;

/**
 * The effect of an event: `ends` permanently; `rests` until the event is undone; `none` if the user concerned cannot have
 * such a thing. Otherwise the reason for which it remains valid.
 */
export type Cell = "ends" | "rests" | "none" | keyof typeof reasons;

export type Row = Readonly<Record<Thing, Cell>>;

/** One cell per thing, in order. */
function row(
  browser: Cell,
  former: Cell,
  code: Cell,
  pageRefresh: Cell,
  pageAccess: Cell,
  apiRefresh: Cell,
  apiAccess: Cell,
  waiting: Cell,
  pageWaiting: Cell,
  passkeySignIn: Cell,
  device: Cell,
  browserDevice: Cell,
  passkeyNew: Cell,
  addressCode: Cell,
  signUpCode: Cell,
  recoveryCode: Cell,
): Row {
  return {
    browser,
    former,
    code,
    pageRefresh,
    pageAccess,
    apiRefresh,
    apiAccess,
    waiting,
    pageWaiting,
    passkeySignIn,
    device,
    browserDevice,
    passkeyNew,
    addressCode,
    signUpCode,
    recoveryCode,
  };
}

const [E, R, N] = ["ends", "rests", "none"] as const;
const [A, C, P, G, V] = ["apart", "cognito", "proof", "granted", "proven"] as const;

export const events = {
  ChangePassword: row(E, E, E, C, C, C, C, E, E, E, P, P, P, P, N, E),
  ConfirmForgotPassword: row(E, E, E, E, E, E, E, E, E, E, E, E, P, P, N, E),
  "AdminSetUserPassword, permanent": row(E, E, E, E, E, E, E, E, E, E, E, E, P, P, E, E),
  "AdminSetUserPassword, temporary": row(E, E, E, E, E, E, E, E, E, E, E, E, P, P, E, E),
  AdminResetUserPassword: row(E, E, E, E, E, E, E, E, E, E, E, E, P, P, N, E),
  AdminDisableUser: row(E, E, E, E, E, E, E, E, E, E, R, R, R, R, R, R),
  "AdminDeleteUser, DeleteUser": row(E, E, E, E, E, E, E, E, E, E, E, E, E, E, E, E),
  GlobalSignOut: row(E, E, E, E, E, E, E, E, E, E, P, P, P, P, N, P),
  AdminUserGlobalSignOut: row(E, E, E, E, E, E, E, E, E, E, P, P, P, P, P, P),
  "RevokeToken, of the API's": row(A, E, A, A, A, E, E, A, A, A, A, A, A, A, A, A),
  "/oauth2/revoke, of the pages'": row(A, E, A, E, E, A, A, A, A, A, A, A, A, A, A, A),
  "/logout": row(E, E, E, C, C, A, A, A, A, A, A, P, A, A, A, A),
  "another user signs in in the browser": row(E, E, E, C, C, A, A, A, A, A, A, P, A, A, A, A),
  "AdminRevokeUserSession, of the browser": row(E, E, E, C, C, A, A, A, A, A, A, P, A, A, A, A),
  "the same with LINKED": row(E, E, E, E, E, A, A, A, A, A, A, P, A, A, A, A),
  "the client is deleted": row(A, E, E, E, E, E, E, E, E, E, A, A, A, A, A, A),
  "the client may use OAuth no more": row(A, E, R, R, G, A, A, A, R, A, A, A, A, A, A, A),
  "the client loses the code flow": row(A, E, E, R, G, A, A, A, R, A, A, A, A, A, A, A),
  "the client loses the scopes": row(A, E, R, R, G, A, A, A, A, A, A, A, A, A, A, A),
  "the client loses the callback URL": row(A, E, E, C, G, A, A, A, R, A, A, A, A, A, A, A),
  "the client's secret is replaced": row(A, E, A, A, A, A, A, A, A, A, A, A, A, A, A, A),
  "the client loses its ExplicitAuthFlows": row(A, E, A, A, A, C, A, R, A, R, A, A, A, A, A, A),
  "the pool begins to demand MFA": row(R, E, R, C, C, C, C, E, N, E, N, N, P, P, P, P),
  "a second factor is turned on": row(R, E, R, C, C, C, C, E, N, E, N, N, P, P, N, P),
  "the second factor is turned off": row(V, E, V, C, C, C, C, R, R, A, P, P, P, P, N, P),
  "another software token takes its place": row(E, E, E, C, C, C, C, E, E, A, P, P, P, P, N, P),
  AdminDeleteSoftwareToken: row(E, E, E, C, C, C, C, E, E, A, P, P, P, P, N, P),
  DeleteWebAuthnCredential: row(A, E, A, C, C, C, C, A, A, E, A, A, P, P, N, P),
  "the address is another": row(A, E, A, C, C, C, C, A, A, A, A, A, P, E, N, E),
  "ForgetDevice, of the API's": row(A, E, A, A, A, E, E, A, A, A, E, A, A, A, N, A),
  "AdminForgetDevice, of the browser": row(V, E, V, A, A, A, A, A, A, A, A, E, A, A, N, A),
  "the pool is deleted": row(E, E, E, E, E, E, E, E, E, E, E, E, E, E, E, E),
} as const satisfies Record<string, Row>;

export type TrustEvent = keyof typeof events;
