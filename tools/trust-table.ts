/**
 * What ends what: every event that ends trust × every thing that carries it. docs/security-model.md has its table from
 * here, and test/trust tries each cell over the wire. A new event or thing without its cells, or without its test, is a
 * type error. (Removing an identity provider becomes an event once there are providers.)
 */

/** What somebody may hold that lets them in, or brings them nearer; in the order in which it is tried after an event. */
export const things = {
  browser: "session of a browser",
  former: "former cookie of the browser",
  code: "authorization code not yet redeemed",
  pageRefresh: "refresh token, by the pages",
  pageAccess: "access token, by the pages",
  apiRefresh: "refresh token, by the API",
  apiAccess: "access token, by the API",
  waiting: "sign-in that waits for a challenge, by the API",
  pageWaiting: "sign-in that waits, at the pages",
  passkeySignIn: "passkey challenge of a sign-in",
  device: "remembered device",
  browserDevice: "remembered browser",
  passkeyNew: "challenge of a new passkey",
  addressCode: "code to verify an address",
  signUpCode: "code or link of a sign-up",
  recoveryCode: "code to recover the password",
} as const;

export type Thing = keyof typeof things;

/** Why something goes on. */
export const reasons = {
  apart: "It is another sign-in's, another client's or another factor's.",
  cognito:
    "Tokens end by being revoked or by their time, as with Cognito; what they came through may end before.",
  proof: "It proves an address, an authenticator or a device, which the event is not about; as with Cognito.",
  granted: "What an access token was granted is written in it until it expires; as with Cognito.",
  proven: "What was proven when it began stays proven.",
} as const;

/**
 * `ends` for good; `rests` until the event is undone; `none`: who the event happens to can have no such thing. Otherwise
 * it goes on, and this is why.
 */
export type Cell = "ends" | "rests" | "none" | keyof typeof reasons;

export type Row = Readonly<Record<Thing, Cell>>;

/** One cell a thing, in their order. */
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
