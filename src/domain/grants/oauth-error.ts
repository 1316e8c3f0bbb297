/** The closed list of OAuth 2.0 and OpenID Connect errors: `error` on the wire. */
import { Refusal } from "../../lib/refusal.ts";

export const oauthErrors = [
  "access_denied",
  "insufficient_scope",
  "interaction_required",
  "invalid_client",
  "invalid_grant",
  "invalid_request",
  "invalid_scope",
  "invalid_target",
  "invalid_token",
  "login_required",
  /** Cognito's own: the redirect URI is not one of the client's. Never sent to a redirect URI. */
  "redirect_mismatch",
  "request_not_supported",
  "request_uri_not_supported",
  "temporarily_unavailable",
  "unauthorized_client",
  "unsupported_grant_type",
  "unsupported_response_type",
  "unsupported_token_type",
] as const;

export type OAuthError = (typeof oauthErrors)[number];

/** Throws an OAuth error. `description` is public and names no user; `detail` is only logged. */
export function refuseOAuth(error: OAuthError, description: string, detail?: string): never {
  throw new Refusal(error, description, detail === undefined ? undefined : { detail });
}
