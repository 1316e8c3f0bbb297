/** A browser's way to the provider and back (OpenID Connect Core 1.0 section 3.1, with PKCE). */
import { randomBytes } from "node:crypto";
import { fromBase64url, sha256Base64url, toBase64url } from "../lib/bytes.ts";
import type { GatewaySettings } from "../lib/gateway-settings.ts";
import type { Asked } from "./asked.ts";
import { type CookieScope, cookieName, cookieNames, cookiesNamed, setCookie } from "./cookies.ts";
import type { Beginning, Provider } from "./provider.ts";
import type { Seals } from "./sealing.ts";
import { claimsIn, identityOfSession } from "./sessions/session-identity.ts";
import type { Session } from "./sessions/sessions.ts";

/** How long somebody may be at the provider. Seconds. */
const patience = 15 * 60;

/** Sign-ins of one browser that may be under way, and their cookies in characters; beyond that the oldest are given up. */
const mostAtOnce = 5;
const mostCharacters = 4096;

const place = "sign-in";

/** What a browser keeps, sealed, while it is at the provider. */
interface Waiting extends Beginning {
  readonly returnTo: string;
  /** Epoch milliseconds. */
  readonly begunAt: number;
}

export interface SignInMeans {
  readonly settings: GatewaySettings;
  readonly provider: Provider;
  readonly seals: Seals;
  /** The states with which a browser has come back to this process. */
  readonly usedStates: Map<string, true>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** The browser did not begin this sign-in, or too long ago, or has used it. */
export class UnknownSignIn extends Error {
  override name = "UnknownSignIn";
}

/** The sign-in's own cookie is for the gateway's host alone, whatever the session's. */
const scopeOf = ({ publicUrl }: GatewaySettings): CookieScope => ({
  isSecure: publicUrl.startsWith("https:"),
  domain: undefined,
});

const startOf = (settings: GatewaySettings) =>
  cookieName(scopeOf(settings), `${settings.sessions.cookieName}-sign-in-`);

const nameOf = (settings: GatewaySettings, state: string) =>
  `${startOf(settings)}${sha256Base64url(state).slice(0, 12)}`;

/** Where to send the browser, and the cookies that it needs when it comes back. @throws ProviderAway */
export async function begin(
  { settings, provider, seals, now }: Omit<SignInMeans, "usedStates">,
  asked: Asked,
  returnTo: string,
): Promise<{ readonly location: string; readonly cookies: readonly string[] }> {
  const random = () => toBase64url(randomBytes(32));
  const beginning: Beginning = {
    redirectUri: `${settings.publicUrl}${settings.paths.callback}`,
    state: random(),
    nonce: random(),
    codeVerifier: random(),
  };
  const location = await provider.authorizationUrl(beginning);
  const waiting: Waiting = { ...beginning, returnTo, begunAt: now() };
  const sealed = toBase64url(seals.seal(place, waiting));
  const scope = scopeOf(settings);
  return {
    location,
    cookies: [
      setCookie(scope, nameOf(settings, beginning.state), sealed, patience),
      ...givenUp({ settings, seals }, asked, sealed.length).map((name) => setCookie(scope, name, "", 0)),
    ],
  };
}

/** The names of the cookies of sign-ins that make room for another, as servers refuse requests with too many cookies. */
function givenUp(
  { settings, seals }: Pick<SignInMeans, "settings" | "seals">,
  asked: Asked,
  length: number,
): string[] {
  const header = asked.header("cookie");
  const names = [...new Set(cookieNames(header, startOf(settings)))];
  const begun = names.map((name) => {
    const [value = ""] = cookiesNamed(header, name);
    return { name, length: value.length, at: open(seals, value)?.begunAt ?? 0 };
  });
  let characters = length;
  return begun
    .toSorted((a, b) => b.at - a.at)
    .filter((one, index) => {
      characters += one.length;
      return index >= mostAtOnce - 1 || characters > mostCharacters || one.at === 0;
    })
    .map(({ name }) => name);
}

const open = (seals: Seals, value = "") =>
  seals.open(place, fromBase64url(value) ?? new Uint8Array()) as Waiting | undefined;

/** A browser that has come back from the provider to the sign-in that it began. */
export interface Returned {
  readonly waiting: Waiting;
  /** The request's URL, as the provider was told it. */
  readonly callback: URL;
  /** Set-Cookie headers for the answer: the sign-in is over, however it ends. */
  readonly cookies: readonly string[];
}

/**
 * The sign-in that a browser has come back to, which it can only once.
 * @param query of the request, without the question mark
 * @throws UnknownSignIn
 */
export function returned(
  { settings, seals, usedStates, now }: SignInMeans,
  asked: Asked,
  query: string,
): Returned {
  const states = new URLSearchParams(query).getAll("state");
  const state = states[0] ?? "";
  const name = nameOf(settings, state);
  const cookies = cookiesNamed(asked.header("cookie"), name);
  const waiting = cookies.length === 1 && states.length === 1 ? open(seals, cookies[0]) : undefined;
  if (waiting === undefined || waiting.state !== state || now() >= waiting.begunAt + patience * 1000)
    throw new UnknownSignIn();
  // A code that is redeemed twice makes providers revoke what they granted for it.
  if (usedStates.has(state)) throw new UnknownSignIn();
  usedStates.set(state, true);
  const callback = new URL(waiting.redirectUri);
  callback.search = query;
  return { waiting, callback, cookies: [setCookie(scopeOf(settings), name, "", 0)] };
}

/** The session of a browser that has come back. @throws ProviderAway, ProviderRefused */
export async function redeem(
  { settings, provider, now }: Omit<SignInMeans, "usedStates">,
  { waiting, callback }: Returned,
): Promise<Session> {
  const { tokens, userInfo, scopes } = await provider.redeem(callback, waiting);
  const identity = identityOfSession({ tokens, userInfo }, scopes, settings.provider);
  const { sid } = claimsIn(tokens.idToken ?? "");
  return {
    identity,
    tokens,
    userInfo,
    sid: typeof sid === "string" ? sid : undefined,
    startedAt: now(),
    seenAt: now(),
  };
}
