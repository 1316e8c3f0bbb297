/** Where a browser goes after signing out: only to what the client has registered. */
import type { Ctx } from "../../app.ts";
import { withQuery } from "../../lib/with-query.ts";
import { readIdTokenHint } from "../tokens/id-token-hint.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { clientOf } from "./client.ts";
import { refuseOAuth } from "./oauth-error.ts";

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

export type LogoutTarget =
  | { readonly kind: "redirect"; readonly location: string }
  /** Back to the sign-in page, with the same parameters. */
  | { readonly kind: "login" }
  /** A page that says that the user is signed out. */
  | { readonly kind: "signed out" };

/** Determines where to go. Throws invalid_client, invalid_request and redirect_mismatch; then nobody is signed out. */
export async function logoutTarget(ctx: Ctx, pool: Pool, request: LogoutRequest): Promise<LogoutTarget> {
  const { clientId, logoutUri, redirectUri, idTokenHint, postLogoutRedirectUri, state } = request;
  const hinted = idTokenHint === undefined ? undefined : await hintedClient(ctx, pool, idTokenHint);
  if (clientId !== undefined && hinted !== undefined && clientId !== hinted)
    return refuseOAuth("invalid_request", "id_token_hint was issued to another client.");
  const named = clientId ?? hinted;
  if (postLogoutRedirectUri !== undefined) {
    const client = await clientOf(ctx, pool, named);
    const uri = registered(client, "LogoutURLs", postLogoutRedirectUri);
    return { kind: "redirect", location: state === undefined ? uri : withQuery(uri, `state=${state}`) };
  }
  if (logoutUri !== undefined) {
    const client = await clientOf(ctx, pool, named);
    return { kind: "redirect", location: registered(client, "LogoutURLs", logoutUri) };
  }
  if (redirectUri !== undefined) {
    registered(await clientOf(ctx, pool, named), "CallbackURLs", redirectUri);
    return { kind: "login" };
  }
  // Cognito requires one of its two parameters; the standard does not, and then there is simply nowhere to go.
  if (named !== undefined) await clientOf(ctx, pool, named);
  return { kind: "signed out" };
}

async function hintedClient(ctx: Ctx, pool: Pool, hint: string): Promise<string> {
  return (
    (await readIdTokenHint(ctx, pool, hint))?.clientId ??
    refuseOAuth("invalid_request", "id_token_hint is no ID token of this user pool.")
  );
}

function registered(client: Client, list: "LogoutURLs" | "CallbackURLs", uri: string): string {
  if (client.document[list]?.includes(uri) === true) return uri;
  return refuseOAuth("redirect_mismatch", "The URL is not registered for the client.");
}
