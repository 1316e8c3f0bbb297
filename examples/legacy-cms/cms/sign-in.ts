/**
 * Sign-in at the pool's pages by the authorization code grant (RFC 6749 section 4.1) with PKCE. The pool says who it is;
 * `custom:legacy_id` says which record of the CMS is theirs.
 */
import { type Request, type RequestHandler, type Response, Router } from "express";
import * as oidc from "openid-client";
import { html, page } from "../html.ts";
import { setting } from "../settings.ts";

interface Pending {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

declare module "express-session" {
  interface SessionData {
    /** Remembered until the browser returns, so that nobody else's answer is taken for ours. */
    pending: readonly Pending[];
    /** The id of the user's record. */
    legacyId: number;
    refreshToken: string;
  }
}

export const cmsUrl = new URL(setting("CMS_URL"));
const issuer = new URL(setting("ISSUER"));
// Plain http is only allowed for a pool on this machine.
const isHere = issuer.protocol === "http:" && issuer.hostname === "localhost";
// In seconds.
const options = { timeout: 20, ...(isHere && { execute: [oidc.allowInsecureRequests] }) };
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
    redirect_uri: new URL("/auth/signin/callback", cmsUrl).href,
    scope: "openid email profile",
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pending.codeVerifier),
    code_challenge_method: "S256",
  });
  response.redirect(address.href);
});

signInRoutes.get("/auth/signin/callback", async (request, response) => {
  const { state } = request.query;
  const pending = request.session.pending?.find((one) => one.state === state);
  if (pending === undefined) return failed(response, "This sign-in was not begun in this browser.");
  request.session.pending = request.session.pending!.filter((one) => one !== pending);
  let answer: Awaited<ReturnType<typeof oidc.authorizationCodeGrant>>;
  try {
    answer = await oidc.authorizationCodeGrant(pool, new URL(request.originalUrl, cmsUrl), {
      expectedState: pending.state,
      expectedNonce: pending.nonce,
      pkceCodeVerifier: pending.codeVerifier,
      idTokenExpected: true,
    });
  } catch (error) {
    console.error(error);
    return failed(response, "The pool refused it, or does not answer. Please try again.");
  }
  const legacyId = Number(answer.claims()!["custom:legacy_id"]);
  if (!Number.isSafeInteger(legacyId)) return failed(response, "Your user has no record in this CMS.");
  // A new session, so that a cookie that somebody planted before does not get access to it.
  await new Promise<void>((resolve, reject) =>
    request.session.regenerate((error) => (error ? reject(error) : resolve())),
  );
  request.session.legacyId = legacyId;
  request.session.refreshToken = answer.refresh_token!;
  response.redirect("/articles");
});

signInRoutes.post("/sign-out", async (request, response) => {
  const { refreshToken } = request.session;
  await new Promise<void>((resolve, reject) =>
    request.session.destroy((error) => (error ? reject(error) : resolve())),
  );
  if (refreshToken !== undefined) await oidc.tokenRevocation(pool, refreshToken);
  // Cognito's form of it: the parameter is logout_uri, and the URL is one of the client's LogoutURLs.
  const parameters = { client_id: setting("CLIENT_ID"), logout_uri: cmsUrl.href };
  response.redirect(oidc.buildEndSessionUrl(pool, parameters).href);
});

function failed(response: Response, message: string): void {
  const body = html`<p>${message}</p><p><a href="/">Back to the start page</a></p>`;
  response.status(400).send(page("Sign-in did not work", body));
}

/** Admits browsers in which somebody is signed in; others are sent to the start page. */
export const signedInOnly: RequestHandler = (request: Request, response, next) => {
  if (request.session.legacyId === undefined) response.redirect(303, "/");
  else next();
};
