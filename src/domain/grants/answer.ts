/** Answers an authorization request: a redirect back to the client with a code, with tokens, or with an error. */
import type { Ctx } from "../../app.ts";
import { withQuery } from "../../lib/with-query.ts";
import { newFamily } from "../tokens/issue.ts";
import { shapeTokens, signTokens } from "../tokens/mint.ts";
import { insertTracked, trackedSession } from "../tokens/session-tracking.ts";
import { isOfTrigger } from "../triggers/fire.ts";
import { customAtPages } from "../user-pools/client-tags.ts";
import { issuer, type Pool } from "../user-pools/load-pool.ts";
import { admitsSignIn, providerIn } from "../user-pools/providers.ts";
import { reuseMinutes } from "../user-pools/session-settings.ts";
import { countAnswer, refuseUsedUp } from "./answer-limit.ts";
import { type AuthorizationRequest, type Redirect, RedirectedRefusal } from "./authorization-request.ts";
import { type SignedInBrowser, throughBrowser } from "./browser-session.ts";
import { issueCode } from "./code.ts";
import type { PageRequest } from "./page-request.ts";
import { namedScope } from "./scopes.ts";

/**
 * Whether the user's present sign-in is enough to continue without asking for anything.
 * @param provider the name of the identity provider that the client asks for, if any
 */
export function suffices(
  ctx: Ctx,
  request: AuthorizationRequest | PageRequest,
  browser: SignedInBrowser | undefined,
  provider?: string,
): browser is SignedInBrowser {
  if (browser === undefined || request.prompt.has("login")) return false;
  if (provider !== undefined && providerIn(browser.methods) !== provider) return false;
  const { pool, client } = request;
  if (!hasAnswered(request, browser)) return false;
  if ("hinted" in request && request.hinted !== undefined && !isHinted(request, browser)) return false;
  // Our own pages about the user are not the client's: they have their own rule for how recent a sign-in must be.
  const lasts = "responseType" in request ? reuseMinutes(pool, client) * 60_000 : Number.POSITIVE_INFINITY;
  if (ctx.now - browser.signedInAt >= lasts) return false;
  // Who comes from an identity provider may have authenticated there long before the sign-in here.
  return request.maxAge === undefined || ctx.now - browser.authTime <= request.maxAge * 1000;
}

/** Whether the user has proven what the client asks for at the pages: the user may have signed in for another one. */
function hasAnswered({ pool, client }: PageRequest, { methods }: SignedInBrowser): boolean {
  if (!admitsSignIn(client, methods)) return false;
  // "Amazon Cognito doesn't invoke custom challenge triggers for federated users."
  if (providerIn(methods) !== undefined) return true;
  const custom = customAtPages(pool, client);
  if (custom === "after-password" && !methods.includes("password")) return false;
  return custom === undefined || methods.includes("custom");
}

/** Whether the signed-in user is the one in the client's id_token_hint. */
function isHinted({ hinted }: AuthorizationRequest, { user }: SignedInBrowser): boolean {
  return typeof hinted === "object" && hinted.userId === user.id;
}

/**
 * The URL that takes the browser back to the client. Throws access_denied if the user was disabled in the meantime,
 * login_required if the client has asked for another user (such a request "MUST NOT" be answered with success),
 * temporarily_unavailable, and invalid_request if the PreTokenGeneration function of implicit tokens fails.
 */
export async function authorizedLocation(
  ctx: Ctx,
  request: AuthorizationRequest,
  browser: SignedInBrowser,
): Promise<string> {
  const { pool } = request;
  // A hint that identifies nobody has made sure that the user was asked.
  if (typeof request.hinted === "object" && !isHinted(request, browser))
    throw new RedirectedRefusal("login_required", "Another user has signed in.", request);
  const answer =
    request.responseType === "code"
      ? { code: await issueCode(ctx, request, browser) }
      : await implicitTokens(ctx, request, browser);
  return locationOf(ctx, pool, request, answer);
}

/**
 * The implicit grant (RFC 6749 section 4.2): tokens in the fragment, but no refresh token. Throws invalid_request, as the
 * token endpoint answers it, if the pool's PreTokenGeneration function fails.
 */
async function implicitTokens(
  ctx: Ctx,
  request: AuthorizationRequest,
  browser: SignedInBrowser,
): Promise<Record<string, string>> {
  if (!(await countAnswer(ctx.db, ctx, request, browser))) return refuseUsedUp(request);
  const { user, authTime } = browser;
  const { pool, client, scopes, askedScope, resource, nonce } = request;
  const scope = namedScope(scopes, askedScope);
  const grant = { origin: "oauth", scope: scopes.join(" "), resource } as const;
  const provider = providerIn(browser.methods);
  const family = newFamily(ctx, { pool, client, user, authTime, provider }, grant);
  const proven = { signOuts: user.signOuts, credentialVersion: browser.credentialVersion };
  const origin = { sessionId: browser.tracked?.id, seen: undefined, refreshable: false };
  const tracked = trackedSession(ctx, request, family, origin);
  const occasion = { source: "TokenGeneration_HostedAuth" } as const;
  const minting = { pool, client, user, family, scopes, nonce, occasion };
  const shaped = await shapeTokens(ctx, minting).catch((error) => {
    if (!isOfTrigger(error)) throw error;
    throw new RedirectedRefusal("invalid_request", error.message, request, error.detail);
  });
  await throughBrowser(ctx, pool, browser, (tx) => insertTracked(tx, ctx, family, proven, tracked));
  const tokens = await signTokens(ctx, pool, shaped);
  return {
    ...(tokens.IdToken !== undefined && { id_token: tokens.IdToken }),
    access_token: tokens.AccessToken!,
    token_type: "Bearer",
    expires_in: String(tokens.ExpiresIn),
    ...(scope !== undefined && { scope }),
  };
}

/** The URL that reports a refusal to the client. */
export function refusedLocation(ctx: Ctx, pool: Pool, refusal: RedirectedRefusal): string {
  const { code, message, redirect } = refusal;
  return locationOf(ctx, pool, redirect, { error: code, error_description: message });
}

/** Builds the URL, with `iss` as of RFC 9207. */
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
