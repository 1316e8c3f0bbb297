/** What a sign-in at a provider must remember until the browser returns: a row that is good for one step. */
import type { Ctx } from "../../app.ts";
import { sha256Base64url, toBase64url } from "../../lib/bytes.ts";
import type { Refusal } from "../../lib/refusal.ts";
import { type FederatedSignIn, insertFederatedSignIn } from "../../store/federated-sign-ins.ts";
import { type Redirect, RedirectedRefusal } from "../grants/authorization-request.ts";
import { type OAuthError, oauthErrors } from "../grants/oauth-error.ts";
import type { Begun } from "./protocol.ts";
import type { Provider } from "./provider.ts";

/** How long a sign-in may take at the provider, in milliseconds. */
export const signInLifetime = 10 * 60_000;

export interface SignInState {
  /** The query of the authorization request, as received. */
  readonly query: string;
  /** SHA-256 of the cookie of the browser that began. */
  readonly browser: string;
  /** The URL that the pool's endpoints begin with: the browser returns to the same host. */
  readonly base: string;
  /** The version of the provider's settings. */
  readonly version: number;
  /** When the provider was added: another one may get its name. */
  readonly providerSince: number;
  readonly remembered: Begun["remembered"];
  /** What the provider has posted; it waits for the browser to come with its cookie. */
  readonly answer?: string;
  /** Whether the provider has begun the sign-in. */
  readonly isUnsolicited?: true;
}

/** What is known when a sign-in begins to wait. */
interface Beginning extends Pick<SignInState, "query" | "base" | "remembered" | "answer" | "isUnsolicited"> {
  readonly provider: Provider;
  readonly clientId: string;
  /** The state or handle that it is found by. */
  readonly handle: string;
  /** The cookie of the browser. */
  readonly cookie: string;
}

/** Stores a sign-in that waits for the browser. */
export function insertWaiting(
  ctx: Ctx,
  { provider, clientId, handle, cookie, ...rest }: Beginning,
): Promise<void> {
  return insertFederatedSignIn<SignInState>(ctx.db, {
    poolId: provider.poolId,
    hash: handleHash(handle),
    provider: provider.name,
    clientId,
    state: {
      ...rest,
      browser: handleHash(cookie),
      version: provider.version,
      providerSince: provider.createdAt,
    },
    createdAt: ctx.now,
    expiresAt: ctx.now + signInLifetime,
  });
}

export type WaitingSignIn = FederatedSignIn<SignInState>;

/** A one-time state or handle, of 43 characters. */
export const newHandle = ({ random }: Pick<Ctx, "random">): string => toBase64url(random(32));

export const handleHash = sha256Base64url;

/** Any refusal after the redirect URI is known, as the client gets it. */
export function toClient(refusal: Refusal, redirect: Redirect): RedirectedRefusal {
  if (refusal instanceof RedirectedRefusal) return refusal;
  const { code, message, detail } = refusal;
  // Codes of AWS operations are not OAuth error codes.
  const isOAuth = (oauthErrors as readonly string[]).includes(code);
  const error = isOAuth
    ? (code as OAuthError)
    : code === "TooManyRequestsException"
      ? "temporarily_unavailable"
      : "invalid_request";
  return new RedirectedRefusal(error, message, redirect, detail);
}
