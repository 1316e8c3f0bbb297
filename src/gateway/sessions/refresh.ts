/** Refreshes the tokens of sessions ahead of their expiry: once, however many requests ask for it. */
import { setTimeout as delay } from "node:timers/promises";
import { BoundedMap } from "../../lib/bounded-map.ts";
import type { GatewayProvider } from "../../lib/gateway-settings.ts";
import { ProviderAway, ProviderRefused } from "../discover.ts";
import type { Log } from "../log.ts";
import type { Granted, Provider } from "../provider.ts";
import { identityOfSession } from "./session-identity.ts";
import type { Found, Keeper, Kept, Session } from "./sessions.ts";

export interface RefreshOptions {
  readonly keeper: Keeper;
  readonly provider: Provider;
  readonly log: Log;
  readonly settings: Pick<GatewayProvider, "issuer" | "groupsClaim">;
  /** Seconds for which a session goes on without new tokens while the provider does not answer. */
  readonly outage: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** The part of their life after which tokens are refreshed. */
const dueAfter = 0.8;

/** For how long the provider is not asked again that did not answer. Milliseconds. */
const quietMs = 5000;

/** Sessions in memory whose last refresh failed. */
const mostFailed = 10_000;

/** How often another gateway's refresh is looked for, and how many times: until its claim has expired. Milliseconds. */
const lookEvery = 100;
const mostLooks = 350;

export class Refresher {
  readonly #options: RefreshOptions;
  readonly #running = new Map<string, Promise<Found | undefined>>();
  /** Until when the provider is not asked that did not answer the last time, by the session's key: its refresh alone failed. */
  readonly #failed = new BoundedMap<string, number>(mostFailed);
  /** Until when no session asks the provider, which could not be reached; undefined if it could. */
  #awayUntil: number | undefined;

  constructor(options: RefreshOptions) {
    this.#options = options;
  }

  /**
   * The session with tokens that count. Undefined if it is over: the provider refused, or somebody has ended it.
   * @throws ProviderAway if nobody can tell, and for too long
   */
  async current(found: Found, cookie: string | undefined): Promise<Found | undefined> {
    const { now, outage, keeper, log } = this.#options;
    const { issuedAt, expiresAt, refreshToken } = found.session.tokens;
    if (now() < issuedAt + (expiresAt - issuedAt) * dueAfter) return found;
    const isOver = now() >= expiresAt;
    if (refreshToken === undefined) return isOver ? undefined : found;
    const mayGoOn = now() < expiresAt + outage * 1000;
    const quietUntil = this.#quietUntil(found);
    if (quietUntil !== undefined && now() < quietUntil) {
      if (mayGoOn) return found;
      throw new ProviderAway("The provider did not answer a moment ago.");
    }
    // During an outage one request asks now and then; the others go on, or are told.
    if (this.#awayUntil !== undefined) this.#awayUntil = now() + quietMs;
    const nobodyWaits = !isOver || (quietUntil !== undefined && mayGoOn);
    const work = this.#once(found, cookie);
    // Unless the new tokens have to leave with this very answer.
    if (nobodyWaits && !keeper.needsAnswer) {
      work.catch((error: unknown) =>
        log.warn({ event: "refresh-failed", detail: String(error) }, "Tokens were not refreshed."),
      );
      return found;
    }
    return work.catch((error: unknown) => {
      if (!(error instanceof ProviderAway) || !mayGoOn) throw error;
      log.warn(
        { event: "provider-away" },
        "The provider does not answer; sessions go on without new tokens.",
      );
      return found;
    });
  }

  /** Waits for the refreshes under way. */
  async settle(): Promise<void> {
    await Promise.allSettled([...this.#running.values()]);
  }

  /** One refresh of a session at a time in this process. */
  #once(kept: Kept, cookie: string | undefined): Promise<Found | undefined> {
    const same = this.#running.get(kept.key);
    if (same !== undefined) return same;
    const work = this.#claimed(kept, cookie)
      .catch((error: unknown) => {
        if (error instanceof ProviderAway) this.#isNotAnswered(kept, error);
        throw error;
      })
      .finally(() => this.#running.delete(kept.key));
    this.#running.set(kept.key, work);
    return work;
  }

  /** Undefined unless the last refresh of the session, or of whichever, was not answered. */
  #quietUntil({ key }: Kept): number | undefined {
    const own = this.#failed.get(key);
    return own === undefined ? this.#awayUntil : Math.max(own, this.#awayUntil ?? 0);
  }

  #isNotAnswered({ key }: Kept, { isForAll }: ProviderAway): void {
    const until = this.#options.now() + quietMs;
    if (isForAll) this.#awayUntil = until;
    else {
      this.#awayUntil = undefined;
      this.#failed.set(key, until);
    }
  }

  #isAnswered({ key }: Kept): void {
    this.#awayUntil = undefined;
    this.#failed.delete(key);
  }

  async #claimed(kept: Kept, cookie: string | undefined): Promise<Found | undefined> {
    const { keeper, provider } = this.#options;
    // They are not read under the claim, which expires.
    await provider.load();
    return (await keeper.claim(kept)) ? this.#renew(kept, cookie) : this.#awaitOther(kept, cookie);
  }

  /** New tokens, by whoever has claimed them. @throws ProviderAway */
  async #renew(kept: Kept, cookie: string | undefined): Promise<Found | undefined> {
    const { keeper, provider } = this.#options;
    let granted: Granted;
    try {
      granted = await provider.refresh(kept.session);
    } catch (error) {
      if (error instanceof ProviderRefused) return this.#refused(kept, cookie, error);
      await keeper.release(kept);
      throw error;
    }
    this.#isAnswered(kept);
    const session = this.#renewed(kept.session, granted);
    if (session === undefined) {
      await Promise.all([keeper.end(kept), provider.revoke(granted.tokens)]);
      this.#options.log.warn(
        { event: "subject-changed" },
        "A refresh brought another user's tokens; the session was ended.",
      );
      return undefined;
    }
    const next = await keeper.replace(kept, session);
    if (next !== undefined) return next;
    // Signed out meanwhile: nobody has the new tokens. Or somebody else has refreshed, whose tokens count as well.
    const later = await keeper.find(cookie, "anew");
    if (later === undefined) await provider.revoke(granted.tokens);
    return later;
  }

  /** The session is over, unless it was refreshed by somebody else, whose refresh made the former token void. */
  async #refused(kept: Kept, cookie: string | undefined, why: ProviderRefused): Promise<Found | undefined> {
    const { keeper, log } = this.#options;
    this.#isAnswered(kept);
    if (!(await keeper.endUnchanged(kept))) return keeper.find(cookie, "anew");
    log.info(
      { event: "session-refused", detail: why.message },
      "The provider no longer refreshes a session; it was ended.",
    );
    return undefined;
  }

  /** Waits for the tokens that another gateway is asking for. */
  async #awaitOther(kept: Kept, cookie: string | undefined): Promise<Found | undefined> {
    const { keeper } = this.#options;
    for (let look = 0; look < mostLooks; look += 1) {
      const found = await keeper.find(cookie, "anew");
      if (found === undefined || found.version !== kept.version) return found;
      if (await keeper.claim(found)) return this.#renew(found, cookie);
      await delay(lookEvery);
    }
    throw new ProviderAway("another gateway's refresh does not end");
  }

  /** The session with new tokens; undefined if they are another user's. */
  #renewed(session: Session, { tokens, userInfo, scopes: newScopes }: Granted): Session | undefined {
    const { now, settings } = this.#options;
    const scopes = newScopes.length > 0 ? newScopes : session.identity.scopes;
    const identity = identityOfSession({ tokens, userInfo }, scopes, settings);
    if (identity.subject !== session.identity.subject) return undefined;
    return { ...session, tokens, userInfo, seenAt: now(), identity };
  }
}
