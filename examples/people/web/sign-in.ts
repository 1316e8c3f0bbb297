/**
 * Sign-in by the authorization code grant (RFC 6749 section 4.1) with PKCE, refresh, and sign-out here and at the pool.
 */
import { type Request, type RequestHandler, type Response, Router } from "express";
import * as oidc from "openid-client";
import { setting } from "../settings.ts";
import { messagePage, type User } from "./pages.ts";
import { ApiProblem } from "./people.ts";
import { inTurn, isStillThere } from "./sessions.ts";

interface SignedIn {
  readonly user: User;
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

declare module "express-session" {
  interface SessionData {
    /** Remembered until the browser returns, so that nobody else's answer is taken for ours. */
    pending: readonly { readonly state: string; readonly nonce: string; readonly codeVerifier: string }[];
    signedIn: SignedIn;
    /** What has just been done, to be said once. */
    said: string;
  }
}

export const webUrl = new URL(setting("WEB_URL"));
const issuer = new URL(setting("ISSUER"));
// Plain http is only allowed for a pool on this machine.
const isHere = issuer.protocol === "http:" && /(?:^|\.)localhost$/.test(issuer.hostname);
// In seconds.
const options = { timeout: 5, ...(isHere && { execute: [oidc.allowInsecureRequests] }) };
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
    redirect_uri: new URL("/callback", webUrl).href,
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
    if (request.session.signedIn !== undefined) return response.redirect("/people");
    return failed(response, "This sign-in was not started in this browser.");
  }
  request.session.pending = request.session.pending!.filter((one) => one !== pending);
  let answer: Answer;
  try {
    answer = await oidc.authorizationCodeGrant(pool, new URL(request.originalUrl, webUrl), {
      expectedState: pending.state,
      expectedNonce: pending.nonce,
      pkceCodeVerifier: pending.codeVerifier,
      idTokenExpected: true,
    });
  } catch (error) {
    if (!wasRefused(error)) throw error;
    // The user's own refusal is no matter for the log.
    if (!(error instanceof oidc.AuthorizationResponseError)) console.error(error);
    return failed(response, "The user pool's answer does not match this sign-in. Please try again.");
  }
  if (!(await isStillThere(request))) {
    await oidc.tokenRevocation(pool, answer.refresh_token!);
    return failed(response, "This browser has been signed out in the meantime.");
  }
  // A new session, so that a cookie that somebody planted before does not get access to it.
  await new Promise<void>((resolve, reject) =>
    request.session.regenerate((error) => (error ? reject(error) : resolve())),
  );
  request.session.signedIn = signedInBy(answer, answer.refresh_token!);
  response.redirect("/people");
});

signInRoutes.post("/sign-out", async (request, response) => {
  const { signedIn } = request.session;
  await endSession(request);
  try {
    if (signedIn !== undefined) await oidc.tokenRevocation(pool, signedIn.refreshToken);
  } catch (error) {
    console.error(error);
    const message =
      "The user pool did not respond, so you may still be signed in there. To end that session, sign in here again later and sign out.";
    response.status(503).send(messagePage("Signed out of this site only", message));
    return;
  }
  // Cognito's form of it: the parameter is logout_uri, and the URL is one of the client's LogoutURLs.
  const parameters = { client_id: setting("CLIENT_ID"), logout_uri: webUrl.href };
  response.redirect(oidc.buildEndSessionUrl(pool, parameters).href);
});

function failed(response: Response, message: string): void {
  response.status(400).send(messagePage("Sign-in failed", message));
}

type Answer = Awaited<ReturnType<typeof oidc.authorizationCodeGrant>>;

/** The ID token's claims; openid-client has verified them. */
function signedInBy(answer: Answer, refreshToken: string): SignedIn {
  const claims = answer.claims()!;
  const groups = (claims["cognito:groups"] ?? []) as string[];
  const user = { name: String(claims["cognito:username"]), isAdmin: groups.includes("Admin") };
  const expiresAt = Date.now() + answer.expiresIn()! * 1000;
  return { user, accessToken: answer.access_token, refreshToken, expiresAt };
}

/** How long before its end an access token is replaced. Milliseconds. */
const early = 10_000;

/** Admits who is signed in, with an access token that has not expired. Throws an ApiProblem 401 for others. */
export const signedInOnly: RequestHandler = async (request, _response, next) => {
  const { signedIn } = request.session;
  if (signedIn !== undefined && signedIn.expiresAt - early < Date.now()) {
    const fresh = await refreshed(signedIn);
    if (fresh === undefined || !(await isStillThere(request))) throw signedOut();
    request.session.signedIn = fresh;
  }
  if (request.session.signedIn === undefined) throw signedOut();
  next();
};

const signedOut = () => new ApiProblem(401, "Nobody is signed in.");

/** New tokens; undefined if the user has signed out elsewhere, was disabled or deleted, or was away for too long. */
async function refreshed({ refreshToken }: SignedIn): Promise<SignedIn | undefined> {
  try {
    const answer = await oidc.refreshTokenGrant(pool, refreshToken);
    // A new refresh token is only issued if they are rotated.
    return signedInBy(answer, answer.refresh_token ?? refreshToken);
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

export function endSession(request: Request): Promise<void> {
  return new Promise((resolve, reject) =>
    request.session.destroy((error) => (error ? reject(error) : resolve())),
  );
}
