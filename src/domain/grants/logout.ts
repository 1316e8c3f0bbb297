/** Where a browser goes after signing out: only to what the client has registered. */
import type { Ctx } from "../../app.ts";
import { withQuery } from "../../lib/with-query.ts";
import { readIdTokenHint } from "../tokens/id-token-hint.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { once, rawState, readParameters } from "./authorization-request.ts";
import type { SignedInBrowser } from "./browser-session.ts";
import { clientOf } from "./client.ts";
import { refuseOAuth } from "./oauth-error.ts";
import { isCallback } from "./redirect-uri.ts";

export interface LogoutRequest {
  readonly clientId: string | undefined;
  /** `logout_uri`, a parameter of Cognito. */
  readonly logoutUri: string | undefined;
  readonly redirectUri: string | undefined;
  /** OpenID Connect RP-Initiated Logout 1.0. */
  readonly idTokenHint: string | undefined;
  readonly postLogoutRedirectUri: string | undefined;
  /** As received, still encoded. */
  readonly state: string | undefined;
}

/** Where the browser goes: to the client, to the sign-in page with the same parameters, or to a page that says it. */
type Destination =
  | { readonly kind: "redirect"; readonly location: string }
  | { readonly kind: "login" }
  | { readonly kind: "signed out" };

export type LogoutTarget = Destination & {
  readonly client: Client | undefined;
  /** The user of id_token_hint. */
  readonly hintedUser: string | undefined;
};

/** Parses the request. Throws invalid_request for a repeated parameter. @param query as received */
export function readLogoutRequest(query: string): LogoutRequest {
  const parameters = readParameters(query);
  return {
    clientId: once(parameters, "client_id"),
    logoutUri: once(parameters, "logout_uri"),
    redirectUri: once(parameters, "redirect_uri"),
    idTokenHint: once(parameters, "id_token_hint"),
    postLogoutRedirectUri: once(parameters, "post_logout_redirect_uri"),
    state: once(parameters, "state") && rawState(query),
  };
}

/**
 * Whether this may be a browser on its way back from an identity provider that has signed it out: these name no client
 * (OpenID Connect RP-Initiated Logout 1.0 section 3).
 */
export function isReturn(request: LogoutRequest): request is LogoutRequest & { readonly state: string } {
  const { state, ...others } = request;
  return state !== undefined && Object.values(others).every((value) => value === undefined);
}

/**
 * Whether the user must be asked: by the standard, if the hint is not of the user who is signed in (OpenID Connect
 * RP-Initiated Logout 1.0 section 2). Cognito's two forms name a URL of their own, and do not ask.
 */
export function mustAsk(
  { logoutUri, redirectUri, postLogoutRedirectUri }: LogoutRequest,
  { hintedUser }: LogoutTarget,
  browser: SignedInBrowser | undefined,
): boolean {
  const isStandard = postLogoutRedirectUri !== undefined || (logoutUri ?? redirectUri) === undefined;
  return isStandard && browser !== undefined && browser.user.id !== hintedUser;
}

/** Determines where to go. Throws invalid_client, invalid_request and redirect_mismatch; then nobody is signed out. */
export async function logoutTarget(ctx: Ctx, pool: Pool, request: LogoutRequest): Promise<LogoutTarget> {
  const { clientId, logoutUri, redirectUri, idTokenHint, postLogoutRedirectUri, state } = request;
  const hinted = idTokenHint === undefined ? undefined : await readHint(ctx, pool, idTokenHint);
  if (clientId !== undefined && hinted !== undefined && clientId !== hinted.clientId)
    return refuseOAuth("invalid_request", "id_token_hint was issued to another client.");
  const named = clientId ?? hinted?.clientId;
  const uri = postLogoutRedirectUri ?? logoutUri ?? redirectUri;
  // Cognito requires one of its two parameters; the standard does not, and then there is simply nowhere to go.
  const client = uri === undefined && named === undefined ? undefined : await clientOf(ctx, { pool }, named);
  const about = { client, hintedUser: hinted?.userId };
  if (client === undefined || uri === undefined) return { kind: "signed out", ...about };
  if (uri === redirectUri && (postLogoutRedirectUri ?? logoutUri) === undefined) {
    if (!isCallback(pool, client, uri)) return mismatch();
    return { kind: "login", ...about };
  }
  if (client.document.LogoutURLs?.includes(uri) !== true) return mismatch();
  const isStandard = postLogoutRedirectUri !== undefined && state !== undefined;
  return { kind: "redirect", location: isStandard ? withQuery(uri, `state=${state}`) : uri, ...about };
}

async function readHint(ctx: Ctx, pool: Pool, hint: string): Promise<{ clientId: string; userId: string }> {
  return (
    (await readIdTokenHint(ctx, pool, hint)) ??
    refuseOAuth("invalid_request", "id_token_hint is no ID token of this user pool.")
  );
}

function mismatch(): never {
  return refuseOAuth("redirect_mismatch", "The URL is not registered for the client.");
}
