/**
 * Sign-in by the authorization code grant (RFC 6749 section 4.1) with PKCE, refresh, and sign-out here and at the pool.
 */
import { type Request, type Response, Router } from "express";
import * as oidc from "openid-client";
import { inTurn, isStillThere } from "./browsers.ts";
import { problem, signedOutHere } from "./pages.ts";
import { appUrl, patience, setting } from "./settings.ts";
import { type User, userOf } from "./tokens.ts";

/** Remembered until the browser returns, so that nobody else's answer is taken for ours. */
interface Pending {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

interface Tokens {
  readonly access: string;
  /** Tells us who signed in and how; it opens no door, so that no other program gets it. */
  readonly id: string;
  readonly refresh: string;
}

declare module "express-session" {
  interface SessionData {
    pending: readonly Pending[];
    tokens: Tokens;
  }
}

const issuer = new URL(setting("ISSUER"));
// Plain http is only allowed for a pool on this machine.
const isHere = issuer.protocol === "http:" && issuer.hostname === "localhost";
const options = { timeout: patience / 1000, ...(isHere && { execute: [oidc.allowInsecureRequests] }) };
const pool = await oidc.discovery(issuer, setting("CLIENT_ID"), setting("CLIENT_SECRET"), undefined, options);

/** The origin of the pool's pages, to which our forms lead. */
export const poolOrigin = new URL(pool.serverMetadata().authorization_endpoint!).origin;

export const signInRoutes = Router();

signInRoutes.get("/sign-in", async (request, response) => {
  const pending = {
    state: oidc.randomState(),
    nonce: oidc.randomNonce(),
    codeVerifier: oidc.randomPKCECodeVerifier(),
  };
  // A browser may begin several, in several tabs.
  request.session.pending = [...(request.session.pending ?? []).slice(-4), pending];
  const address = oidc.buildAuthorizationUrl(pool, {
    redirect_uri: new URL("/callback", appUrl).href,
    scope: "openid email",
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pending.codeVerifier),
    code_challenge_method: "S256",
  });
  response.redirect(address.href);
});

signInRoutes.get("/callback", inTurn, async (request, response) => {
  const { state } = request.query;
  const pending = request.session.pending?.find((one) => one.state === state);
  if (pending === undefined) {
    // Another tab was faster: the browser's tabs share one session.
    if (request.session.tokens !== undefined) return response.redirect("/notices");
    return failed(response, "This sign-in was not begun in this browser.");
  }
  request.session.pending = request.session.pending!.filter((one) => one !== pending);
  let answer: Awaited<ReturnType<typeof oidc.authorizationCodeGrant>>;
  try {
    answer = await oidc.authorizationCodeGrant(pool, new URL(request.originalUrl, appUrl), {
      expectedState: pending.state,
      expectedNonce: pending.nonce,
      pkceCodeVerifier: pending.codeVerifier,
      idTokenExpected: true,
    });
  } catch (error) {
    if (!wasRefused(error)) throw error;
    // The user's own refusal is no matter for the log.
    if (!(error instanceof oidc.AuthorizationResponseError)) console.error(error);
    return failed(response, "The answer of the user pool was not what we had asked for.");
  }
  if (!(await isStillThere(request))) {
    await oidc.tokenRevocation(pool, answer.refresh_token!);
    return failed(response, "This browser has been signed out in the meantime.");
  }
  // A new session, so that a cookie that somebody planted before does not get access to it.
  await new Promise<void>((resolve, reject) =>
    request.session.regenerate((error) => (error ? reject(error) : resolve())),
  );
  request.session.tokens = {
    access: answer.access_token,
    id: answer.id_token!,
    refresh: answer.refresh_token!,
  };
  response.redirect("/notices");
});

signInRoutes.post("/sign-out", async (request, response) => {
  const { tokens } = request.session;
  await endSession(request);
  try {
    if (tokens !== undefined) await oidc.tokenRevocation(pool, tokens.refresh);
  } catch (error) {
    console.error(error);
    response.status(503).send(signedOutHere());
    return;
  }
  // Cognito's form of it: the parameter is logout_uri, and the URL is one of the client's LogoutURLs.
  const parameters = { client_id: setting("CLIENT_ID"), logout_uri: appUrl.href };
  response.redirect(oidc.buildEndSessionUrl(pool, parameters).href);
});

function failed(response: Response, message: string): void {
  response.status(400).send(problem("Sign-in did not work", message));
}

/** The user of a browser's session. Refreshes an expired access token. */
export async function userOfSession(request: Request): Promise<User | undefined> {
  const { tokens } = request.session;
  if (tokens === undefined) return undefined;
  const user = await userOf(tokens.access);
  if (user !== undefined) return user;
  const fresh = await refreshed(tokens);
  if (fresh === undefined || !(await isStillThere(request))) {
    await endSession(request);
    return undefined;
  }
  request.session.tokens = fresh;
  const sameUser = await userOf(fresh.access);
  if (sameUser === undefined)
    throw new Error("A token fresh from the pool is not valid. Do the clocks agree?");
  return sameUser;
}

/** Exchanges in progress by refresh token: simultaneous requests of a browser share one exchange. */
const underway = new Map<string, Promise<Tokens | undefined>>();

function refreshed({ refresh }: Tokens): Promise<Tokens | undefined> {
  const known = underway.get(refresh);
  if (known !== undefined) return known;
  const exchange = redeem(refresh).finally(() => underway.delete(refresh));
  underway.set(refresh, exchange);
  return exchange;
}

/** New tokens; undefined if the user has signed out elsewhere, was disabled or deleted, or was away for too long. */
async function redeem(refresh: string): Promise<Tokens | undefined> {
  try {
    const answer = await oidc.refreshTokenGrant(pool, refresh);
    // A new refresh token is only issued if they are rotated.
    return {
      access: answer.access_token,
      id: answer.id_token!,
      refresh: answer.refresh_token ?? refresh,
    };
  } catch (error) {
    // Anything else says nothing about the user: the pool may be away, behind a proxy that answers for it.
    if (error instanceof oidc.ResponseBodyError && error.error === "invalid_grant") return undefined;
    throw error;
  }
}

/** Whether the pool refused this sign-in, but not this application, or its answer cannot be trusted. */
const wasRefused = (error: unknown) =>
  error instanceof oidc.AuthorizationResponseError ||
  (error instanceof oidc.ResponseBodyError && error.error === "invalid_grant") ||
  (error instanceof oidc.ClientError && error.code !== "OAUTH_TIMEOUT");

function endSession(request: Request): Promise<void> {
  return new Promise((resolve, reject) =>
    request.session.destroy((error) => (error ? reject(error) : resolve())),
  );
}
