/** Sessions sealed into the browser's own cookies, without a database. */
import { BoundedMap } from "../../lib/bounded-map.ts";
import { fromBase64url, sha256Base64url } from "../../lib/bytes.ts";
import type { GatewaySettings } from "../../lib/gateway-settings.ts";
import { type CookieScope, cookieName, fromParts, intoParts, partNames, setCookie } from "../cookies.ts";
import type { Seals } from "../sealing.ts";
import { type SealedSession, toSeal, unsealed } from "./sealed-session.ts";
import {
  AmbiguousCookies,
  type Found,
  type Keeper,
  type Kept,
  nothingClear,
  type Session,
} from "./sessions.ts";

const place = "session cookie";

export interface CookieKeeperOptions {
  readonly settings: Pick<GatewaySettings, "sessions" | "provider" | "identity">;
  readonly scope: CookieScope;
  readonly seals: Seals;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Sessions that were opened, in memory, of about 8 KB each with what was sealed. */
const mostOpened = 1000;

interface Opened {
  readonly session: Session;
  readonly key: string;
  /** Whether it was sealed by the first key. */
  readonly isCurrent: boolean;
}

/** How long requests with the cookies from before a refresh get its result: those that were sent along with it. */
const overlapMs = 60_000;

/**
 * A session that is ended here goes on at whoever has a copy of its cookies, until its tokens expire, at other gateways and
 * once this one has been started again; several gateways may refresh its tokens at once, for which the provider must let the
 * former refresh token count for a while.
 */
export class CookieKeeper implements Keeper {
  readonly needsAnswer = true;
  readonly removal: readonly string[];
  readonly #options: CookieKeeperOptions;
  readonly #name: string;
  readonly #names: readonly string[];
  /** The results of refreshes and sign-outs, for the cookies from before them. */
  readonly #recent = new BoundedMap<
    string,
    { readonly session: Session | undefined; readonly until: number }
  >(10_000);

  /** By the text that was sealed: opening it takes longer than all else that a request needs. */
  readonly #opened = new BoundedMap<string, Opened>(mostOpened);

  constructor(options: CookieKeeperOptions) {
    const { scope, settings } = options;
    this.#options = options;
    this.#name = cookieName(scope, settings.sessions.cookieName);
    this.#names = partNames(this.#name);
    this.removal = this.#names.map((one) => setCookie(scope, one, "", 0));
  }

  isOurs(cookie: string): boolean {
    return this.#names.includes(cookie);
  }

  async start(session: Session): Promise<readonly string[]> {
    return this.#cookiesOf(session);
  }

  async find(header: string | undefined): Promise<Found | undefined> {
    const { now, settings } = this.#options;
    const parts = fromParts(header, this.#name);
    if (parts === "ambiguous") throw new AmbiguousCookies();
    const opened = parts && this.#open(parts.text);
    if (opened === undefined) return undefined;
    const { session, isCurrent } = opened;
    const kept = { key: opened.key, version: 1 };
    const idleMs = settings.sessions.idle * 1000;
    if (now() >= this.#endOf(session) || now() >= session.seenAt + idleMs) return undefined;
    const later = this.#later(kept);
    if (later !== undefined && later.session === undefined) return undefined;
    // Signed out after the refresh that these cookies are from before.
    if (later?.session !== undefined && this.#hasEnded(later.session)) return undefined;
    if (later?.session !== undefined && later.session.tokens.issuedAt > session.tokens.issuedAt)
      return { ...kept, session: later.session, cookies: this.#cookiesOf(later.session) };
    if (now() - session.seenAt < idleMs / 10 && isCurrent) return { ...kept, session, cookies: [] };
    const seen = { ...session, seenAt: now() };
    return { ...kept, session: seen, cookies: this.#cookiesOf(seen) };
  }

  /** What was sealed; undefined if it was not sealed here. */
  #open(text: string): Opened | undefined {
    const before = this.#opened.get(text);
    if (before !== undefined) return before;
    const { seals, settings } = this.#options;
    const bytes = fromBase64url(text);
    const sealed = bytes && (seals.open(place, bytes) as SealedSession | undefined);
    if (sealed === undefined) return undefined;
    const session = unsealed(sealed, settings.provider);
    const opened = { session, key: keyOf(session), isCurrent: seals.isCurrent(bytes!) };
    this.#opened.set(text, opened);
    return opened;
  }

  #hasEnded(session: Session): boolean {
    const later = this.#later({ key: keyOf(session) });
    return later !== undefined && later.session === undefined;
  }

  #later({ key }: Pick<Kept, "key">) {
    const later = this.#recent.get(key);
    return later !== undefined && this.#options.now() < later.until ? later : undefined;
  }

  /** What could be put together in several ways is nobody's. */
  async findAll(header: string | undefined): Promise<readonly Found[]> {
    const found = await this.find(header).catch(nothingClear);
    return found === undefined ? [] : [found];
  }

  /** Within one gateway, refresh.ts refreshes once; between several there is nothing to claim. */
  async claim(): Promise<boolean> {
    return true;
  }

  async replace(kept: Kept, session: Session): Promise<Found | undefined> {
    const later = this.#later(kept);
    if (later !== undefined && later.session === undefined) return undefined;
    this.#recent.set(kept.key, { session, until: this.#options.now() + overlapMs });
    return { ...kept, session, cookies: this.#cookiesOf(session) };
  }

  async release(): Promise<void> {}

  async end({ key, session }: Kept): Promise<void> {
    const until = Math.max(this.#options.now() + overlapMs, session.tokens.expiresAt);
    this.#recent.set(key, { session: undefined, until });
  }

  async endUnchanged(kept: Kept): Promise<boolean> {
    await this.end(kept);
    return true;
  }

  async endAll(): Promise<undefined> {
    return undefined;
  }

  async sweep(): Promise<void> {}

  async ping(): Promise<void> {}

  async close(): Promise<void> {}

  #endOf({ startedAt }: Session): number {
    return startedAt + this.#options.settings.sessions.lifetime * 1000;
  }

  /** All parts are set, so that none of a longer session before is left. */
  #cookiesOf(session: Session): string[] {
    const { scope, seals, now, settings } = this.#options;
    const { accessToken, ...others } = session.tokens;
    const needsAccessToken = settings.sessions.tokensInCookies || settings.identity.accessToken;
    const sealed: SealedSession = {
      ...toSeal(session),
      tokens: { ...others, ...(needsAccessToken && { accessToken }) },
    };
    const parts = new Map(intoParts(this.#name, seals.seal(place, sealed)));
    const left = Math.max(1, Math.ceil((this.#endOf(session) - now()) / 1000));
    return this.#names.map((one) => setCookie(scope, one, parts.get(one) ?? "", parts.has(one) ? left : 0));
  }
}

/** What stays the same however often the session is sealed, until its tokens are replaced. */
const keyOf = ({ tokens: { refreshToken, idToken = "" } }: Session) =>
  sha256Base64url(refreshToken ?? idToken);
