/** Logout tokens: a provider says that a session of its users is over (OpenID Connect Back-Channel Logout 1.0). */
import type { Ctx } from "../../app.ts";
import { sha256Base64url } from "../../lib/bytes.ts";
import { consumeId } from "../../store/federated-sign-ins.ts";
import type { Provider } from "./provider.ts";
import { ProviderMismatch, refuseProvider } from "./provider-errors.ts";
import { type TokenKind, verifySigned } from "./provider-keys.ts";
import { metadataOf } from "./provider-metadata.ts";

/** Whose sessions are over: those of a subject, one session, or both. */
export interface LoggedOut {
  readonly issuer: string;
  readonly subject: string | undefined;
  /** The provider's name of its session (`sid`). */
  readonly session: string | undefined;
}

const logoutTokens: TokenKind = {
  name: "logout token",
  types: ["logout+jwt", "jwt"],
  claims: ["iat", "jti", "events"],
};

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout";

/** How old a logout token may be. After that nobody needs to remember that it was used. */
const longestMs = 10 * 60_000;

/**
 * Verifies a logout token as its section 2.6 says; each counts once. Errors are refusals: `invalid_request`, with a
 * description that says what is wrong.
 */
export async function verifyLogoutToken(ctx: Ctx, provider: Provider, token: string): Promise<LoggedOut> {
  const metadata = await metadataOf(ctx, provider);
  const { issuer, jwks_uri: jwksUri, id_token_signing_alg_values_supported: algorithms = [] } = metadata;
  const claims = await verifySigned(ctx, { provider, issuer, jwksUri, algorithms }, token, logoutTokens);
  const wrong = (what: string) =>
    refuseProvider(provider, "keys", new ProviderMismatch(`wrong ${what} in the logout token`));
  const { sub, sid, jti, iat, events, nonce } = claims;
  if (nonce !== undefined) wrong("nonce");
  const event = isObject(events) ? events[logoutEvent] : undefined;
  if (!isObject(event)) wrong("events");
  if (typeof sub !== "string" && typeof sid !== "string") wrong("sub and sid");
  if (typeof jti !== "string" || jti === "") return wrong("jti");
  if (typeof iat !== "number" || iat * 1000 < ctx.now - longestMs) return wrong("iat");
  const isNew = await consumeId(ctx.db, {
    poolId: provider.poolId,
    hash: sha256Base64url(JSON.stringify(["logout token", provider.name, issuer, jti])),
    expiresAt: ctx.now + 2 * longestMs,
  });
  if (!isNew) wrong("jti, used before,");
  return {
    issuer,
    subject: typeof sub === "string" ? sub : undefined,
    session: typeof sid === "string" ? sid : undefined,
  };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
