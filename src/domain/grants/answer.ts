/** The answer to an authorization request: a redirect back to the client, with a code, with tokens, or with an error. */
import type { Ctx } from "../../app.ts";
import { withQuery } from "../../lib/with-query.ts";
import { countRow } from "../audit/rows.ts";
import { mintTokens, newFamily } from "../tokens/issue.ts";
import { insertTracked, trackedSession } from "../tokens/session-tracking.ts";
import { issuer, type Pool } from "../user-pools/load-pool.ts";
import { reuseMinutes } from "../user-pools/session-settings.ts";
import { type AuthorizationRequest, type Redirect, RedirectedRefusal } from "./authorization-request.ts";
import { type SignedInBrowser, throughBrowser } from "./browser-session.ts";
import { issueCode } from "./code.ts";
import type { PageRequest } from "./page-request.ts";

/** Whether who is signed in may be sent on without being asked anything. */
export function suffices(
  ctx: Ctx,
  request: AuthorizationRequest | PageRequest,
  browser: SignedInBrowser | undefined,
): browser is SignedInBrowser {
  if (browser === undefined || request.prompt.has("login")) return false;
  const { pool, client } = request;
  if ("hinted" in request && request.hinted !== undefined && !isHinted(request, browser)) return false;
  // Pages of ours about the user are not the client's: they have their own rule of how long ago is too long.
  const lasts = "responseType" in request ? reuseMinutes(pool, client) * 60_000 : Number.POSITIVE_INFINITY;
  if (ctx.now - browser.authTime >= lasts) return false;
  return request.maxAge === undefined || ctx.now - browser.authTime <= request.maxAge * 1000;
}

/** Whether it is the user of the client's id_token_hint. */
function isHinted({ hinted }: AuthorizationRequest, { user }: SignedInBrowser): boolean {
  return typeof hinted === "object" && hinted.userId === user.id;
}

/**
 * Counts one more answer, of which a sign-in in a browser is good for so many an hour: a cookie is all that it takes to
 * be sent on once more. Whoever signs in anew begins anew, so that nobody who has a copy of the cookie keeps the user
 * out. Throws temporarily_unavailable, which prompt=none waits for.
 */
async function countAnswer(ctx: Ctx, request: AuthorizationRequest, browser: SignedInBrowser): Promise<void> {
  const kind = "authorization-codes";
  const count = await countRow(ctx.db, ctx, { poolId: request.pool.id, subject: browser.hash, kind });
  if (count > ctx.config.limits[kind])
    throw new RedirectedRefusal("temporarily_unavailable", "Too many requests for one sign-in.", request);
}

/** Whether whoever is signed in must sign in anew to be sent on. */
export function isUsedUp(error: unknown): boolean {
  return error instanceof RedirectedRefusal && error.code === "temporarily_unavailable";
}

/**
 * The URL that takes the browser back to the client. Throws access_denied when the user was disabled meanwhile,
 * login_required where the client has asked for another user (such a request "MUST NOT" be answered by a success), and
 * temporarily_unavailable.
 */
export async function authorizedLocation(
  ctx: Ctx,
  request: AuthorizationRequest,
  browser: SignedInBrowser,
): Promise<string> {
  const { pool } = request;
  // A hint that names nobody has made sure that somebody was asked.
  if (typeof request.hinted === "object" && !isHinted(request, browser))
    throw new RedirectedRefusal("login_required", "Another user has signed in.", request);
  await countAnswer(ctx, request, browser);
  const answer =
    request.responseType === "code"
      ? { code: await issueCode(ctx, request, browser) }
      : await implicitTokens(ctx, request, browser);
  return locationOf(ctx, pool, request, answer);
}

/** The implicit grant (RFC 6749 section 4.2): tokens in the fragment, never a refresh token. */
async function implicitTokens(
  ctx: Ctx,
  request: AuthorizationRequest,
  browser: SignedInBrowser,
): Promise<Record<string, string>> {
  const { user, authTime } = browser;
  const { pool, client, scopes, resource, nonce } = request;
  const grant = { origin: "oauth", scope: scopes.join(" "), resource } as const;
  const family = newFamily(ctx, { pool, client, user, authTime }, grant);
  const proven = { signOuts: user.signOuts, credentialVersion: browser.credentialVersion };
  const origin = { sessionId: browser.tracked?.id, seen: undefined, refreshable: false };
  const tracked = trackedSession(ctx, request, family, origin);
  await throughBrowser(ctx, pool, browser, (tx) => insertTracked(tx, ctx, family, proven, tracked));
  const tokens = await mintTokens(ctx, { pool, client, user, family, scopes, nonce });
  return {
    ...(tokens.IdToken !== undefined && { id_token: tokens.IdToken }),
    access_token: tokens.AccessToken!,
    token_type: "Bearer",
    expires_in: String(tokens.ExpiresIn),
  };
}

/** The URL that tells the client of a refusal. */
export function refusedLocation(ctx: Ctx, pool: Pool, refusal: RedirectedRefusal): string {
  const { code, message, redirect } = refusal;
  return locationOf(ctx, pool, redirect, { error: code, error_description: message });
}

/** With `iss`, by RFC 9207. */
function locationOf(
  ctx: Ctx,
  pool: Pool,
  { redirectUri, responseMode, state }: Redirect,
  answer: Readonly<Record<string, string>>,
): string {
  const parameters = new URLSearchParams({ ...answer, iss: issuer(ctx.config, pool) }).toString();
  const all = state === undefined ? parameters : `${parameters}&state=${state}`;
  if (responseMode === "fragment") return `${redirectUri}#${all}`;
  return withQuery(redirectUri, all);
}
