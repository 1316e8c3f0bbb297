/** THE decision about a request: whether it may pass, as whom, and what happens otherwise. */
import type { GatewayApplication, GatewayRoute, GatewaySettings } from "../lib/gateway-settings.ts";
import { TokenError } from "../verify/token-error.ts";
import { bearerToken } from "../verify/verifier.ts";
import { type Asked, splitTarget, wantsPage } from "./asked.ts";
import { type CookieScope, lastOfEach } from "./cookies.ts";
import { ProviderAway } from "./discover.ts";
import type { Identity } from "./identity.ts";
import { plainPath } from "./paths.ts";
import type { Provider } from "./provider.ts";
import { isServedHost } from "./return-url.ts";
import { applicationOf, type Lack, lacking, routeOf } from "./rules.ts";
import type { Refresher } from "./sessions/refresh.ts";
import { AmbiguousCookies, type Found, type Keeper, type Session } from "./sessions/sessions.ts";
import { tokenCookies } from "./token-cookies.ts";

export type Decision =
  | {
      readonly kind: "pass";
      readonly application: GatewayApplication;
      /** Whether the route asks for somebody known. */
      readonly isProtected: boolean;
      /** Undefined for somebody unknown on a public route. */
      readonly identity: Identity | undefined;
      readonly accessToken: string | undefined;
      readonly cookies: readonly string[];
    }
  /** The browser is to sign in there. */
  | { readonly kind: "sign-in"; readonly location: string }
  | {
      readonly kind: "refused";
      readonly status: 400 | 401 | 403 | 404 | 503;
      readonly reason: RefusedFor;
      /** The WWW-Authenticate header. */
      readonly challenge: string | undefined;
      /** Set-Cookie headers: the session of somebody who may not pass goes on, too. */
      readonly cookies: readonly string[];
    };

export type RefusedFor =
  | "unclear-path"
  | "unknown-host"
  | "no-route"
  | "foreign-origin"
  | "ambiguous-cookies"
  | "signed-out"
  | "no-token"
  | "token"
  | "provider-away"
  | Lack;

export interface AdmissionMeans {
  readonly settings: GatewaySettings;
  readonly keeper: Keeper;
  readonly refresher: Refresher;
  readonly provider: Provider;
  readonly scope: CookieScope;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

interface Known {
  readonly identity: Identity;
  readonly accessToken: string;
  readonly cookies: readonly string[];
}

/**
 * In this order: the host and path are clear, a route fits, somebody is known, and may.
 * @param again about a request that was admitted before and is still under way: tokens are refreshed for it only where the new
 * ones reach the session without an answer
 */
export async function admit(means: AdmissionMeans, asked: Asked, again?: "again"): Promise<Decision> {
  const { settings } = means;
  const path = isPlain(asked) ? plainPath(splitTarget(asked.target).path) : undefined;
  if (path === undefined) return refused(400, "unclear-path");
  const application = applicationOf(settings.applications, asked.host);
  if (application === undefined) return refused(404, "unknown-host");
  const route = routeOf(application, asked, path);
  if (route === undefined) return refused(403, "no-route");
  if (route.by !== "bearer" && isForeignWebSocket(settings, asked)) return refused(403, "foreign-origin");
  try {
    const known = await whoAsks(means, asked, route, again);
    if (known === undefined)
      return route.access === "public" ? pass(application, route, undefined) : signIn(settings, asked, route);
    const lack = lacking(route, known.identity);
    if (lack !== undefined && route.access !== "public") return refused(403, lack, undefined, known.cookies);
    return pass(application, route, known);
  } catch (error) {
    return onFailure(error, route, application);
  }
}

/** A page of another site could open a WebSocket with the user's cookies (RFC 6455 section 10.2). Programs send no Origin. */
function isForeignWebSocket(settings: GatewaySettings, { header, scheme, host }: Asked): boolean {
  if (header("sec-websocket-key") === undefined && header("upgrade") === undefined) return false;
  const origin = header("origin");
  if (origin === undefined) return false;
  if (!URL.canParse(origin)) return true;
  const from = new URL(origin);
  return from.protocol !== scheme || !(from.host === host || isServedHost(settings, from.host));
}

/**
 * Whether a target has no fragment, which none has (RFC 9112 section 3.2), and where servers do not agree that the path ends;
 * and whether the method is written as rules have it, since some servers take `post` for `POST`.
 */
function isPlain({ target, method }: Asked): boolean {
  return !target.includes("#") && /^[A-Z-]+$/.test(method) && method !== "CONNECT" && method !== "TRACE";
}

function onFailure(error: unknown, route: GatewayRoute, application: GatewayApplication): Decision {
  if (route.access === "public" && (error instanceof AmbiguousCookies || error instanceof ProviderAway))
    return pass(application, route, undefined);
  if (error instanceof AmbiguousCookies) return refused(400, "ambiguous-cookies");
  if (error instanceof ProviderAway) return refused(503, "provider-away");
  if (!(error instanceof TokenError)) throw error;
  const { status, challenge } = error;
  return refused(status, status === 503 ? "provider-away" : "token", challenge);
}

function pass(application: GatewayApplication, { access }: GatewayRoute, known: Known | undefined): Decision {
  const { identity, accessToken, cookies = [] } = known ?? {};
  return {
    kind: "pass",
    application,
    isProtected: access !== "public",
    identity,
    accessToken,
    cookies,
  };
}

function refused(
  status: (Decision & { kind: "refused" })["status"],
  reason: RefusedFor,
  challenge?: string,
  cookies: readonly string[] = [],
): Decision {
  return { kind: "refused", status, reason, challenge, cookies };
}

/** Somebody unknown: a browser that asks for a page is sent to sign in, if that helps; anything else gets 401. */
function signIn({ publicUrl, paths }: GatewaySettings, asked: Asked, route: GatewayRoute): Decision {
  if (route.by === "bearer") return refused(401, "no-token", "Bearer");
  if (!wantsPage(asked)) return refused(401, "signed-out", route.by === "either" ? "Bearer" : undefined);
  return {
    kind: "sign-in",
    location: signInUrl({ publicUrl, paths }, `${asked.scheme}//${asked.host}${asked.target}`),
  };
}

/** The gateway's own URL that begins a sign-in. */
export function signInUrl(
  { publicUrl, paths }: Pick<GatewaySettings, "publicUrl" | "paths">,
  returnTo: string,
): string {
  return `${publicUrl}${paths.signIn}?${new URLSearchParams({ rd: returnTo })}`;
}

async function whoAsks(
  means: AdmissionMeans,
  asked: Asked,
  { by }: GatewayRoute,
  again: "again" | undefined,
): Promise<Known | undefined> {
  const token = by === "session" ? undefined : bearerToken(asked.header("authorization"));
  if (token !== undefined) return byToken(means, token);
  if (by === "bearer") return undefined;
  const session = await sessionOf(means, asked.header("cookie"), again);
  if (session === undefined) return undefined;
  const { identity, tokens } = session.session;
  return { identity, accessToken: tokens.accessToken, cookies: session.cookies };
}

/** The session of a request, with tokens that count. @throws AmbiguousCookies, ProviderAway */
export async function sessionOf(
  { keeper, refresher, ...means }: AdmissionMeans,
  cookie: string | undefined,
  again?: "again",
): Promise<{ readonly session: Session; readonly cookies: readonly string[] } | undefined> {
  const found = await keeper.find(cookie);
  if (found === undefined) return undefined;
  if (again !== undefined && !mayRefreshAgain(keeper, found))
    return stillCounts(means, found) ? found : undefined;
  const current = await refresher.current(found, cookie);
  if (current === undefined) return undefined;
  const tokens = tokenCookies(means, current.session.tokens, cookie);
  return { session: current.session, cookies: lastOfEach([...found.cookies, ...current.cookies, ...tokens]) };
}

/** Whether new tokens reach the session without an answer, which a request that is under way no longer has. */
const mayRefreshAgain = ({ needsAnswer }: Keeper, { session }: Found) =>
  !needsAnswer && session.tokens.refreshToken !== undefined;

/** Whether tokens that are not refreshed count: until they expire, and with a refresh token as long as during an outage. */
function stillCounts(
  { settings, now }: Pick<AdmissionMeans, "settings" | "now">,
  { session: { tokens } }: Found,
): boolean {
  const longer = tokens.refreshToken === undefined ? 0 : settings.sessions.outage * 1000;
  return now() < tokens.expiresAt + longer;
}

async function byToken({ provider }: AdmissionMeans, token: string): Promise<Known> {
  return { identity: await provider.identify(token), accessToken: token, cookies: [] };
}
