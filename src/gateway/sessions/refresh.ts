/** Refreshes the tokens of sessions ahead of their expiry: once, however many requests ask for it. */
import { setTimeout as delay } from "node:timers/promises";
import { ProviderAway, ProviderRefused } from "../discover.ts";
import { identityOf } from "../identity.ts";
import type { Log } from "../log.ts";
import type { Granted, Provider } from "../provider.ts";
import type { Found, Keeper, Kept, Session } from "./sessions.ts";

export interface RefreshOptions {
  readonly keeper: Keeper;
  readonly provider: Provider;
  readonly log: Log;
  readonly groupsClaim: string;
  /** Seconds for which a session goes on without new tokens while the provider does not answer. */
  readonly outage: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** The part of their life after which tokens are refreshed. */
const dueAfter = 0.8;

/** For how long nobody is asked again once the provider did not answer. Milliseconds. */
const quietMs = 5000;

/** How often another gateway's refresh is looked for, and how many times. Milliseconds. */
const lookEvery = 100;
const mostLooks = 150;

export class Refresher {
  readonly #options: RefreshOptions;
  readonly #running = new Map<string, Promise<Found | undefined>>();
  #quietUntil = 0;

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
    const isOver = now() >= expiresAt;
    if (now() < issuedAt + (expiresAt - issuedAt) * dueAfter) return found;
    if (refreshToken === undefined) return isOver ? undefined : found;
    const mayGoOn = now() < expiresAt + outage * 1000;
    if (now() < this.#quietUntil && mayGoOn) return found;
    const work = this.#once(found, cookie);
    // Ahead of time, nobody waits, unless the new tokens have to leave with this very answer.
    if (!isOver && !keeper.needsAnswer) {
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
    const work = this.#options.keeper
      .claim(kept)
      .then((claimed) => (claimed ? this.#renew(kept) : this.#awaitOther(kept, cookie)))
      .finally(() => this.#running.delete(kept.key));
    this.#running.set(kept.key, work);
    return work;
  }

  /** New tokens, by whoever has claimed them. @throws ProviderAway */
  async #renew(kept: Kept): Promise<Found | undefined> {
    const { keeper, provider, log, now } = this.#options;
    let granted: Granted;
    try {
      granted = await provider.refresh(kept.session.tokens);
    } catch (error) {
      if (!(error instanceof ProviderRefused)) {
        this.#quietUntil = now() + quietMs;
        await keeper.release(kept);
        throw error;
      }
      await keeper.end(kept);
      log.info({ event: "session-refused" }, "The provider no longer refreshes a session; it was ended.");
      return undefined;
    }
    const session = this.#renewed(kept.session, granted);
    if (session === undefined) {
      await keeper.end(kept);
      log.warn(
        { event: "subject-changed" },
        "A refresh brought another user's tokens; the session was ended.",
      );
      return undefined;
    }
    const next = await keeper.replace(kept, session);
    // Signed out meanwhile: nobody has the new tokens.
    if (next === undefined) await provider.revoke(granted.tokens);
    return next;
  }

  /** Waits for the tokens that another gateway is asking for. */
  async #awaitOther(kept: Kept, cookie: string | undefined): Promise<Found | undefined> {
    const { keeper } = this.#options;
    for (let look = 0; look < mostLooks; look += 1) {
      const found = await keeper.find(cookie, "anew");
      if (found === undefined || found.version !== kept.version) return found;
      if (await keeper.claim(found)) return this.#renew(found);
      await delay(lookEvery);
    }
    throw new ProviderAway("another gateway's refresh does not end");
  }

  /** The session with new tokens; undefined if they are another user's. */
  #renewed(session: Session, { claims: newClaims, scopes: newScopes, tokens }: Granted): Session | undefined {
    const { now, groupsClaim } = this.#options;
    const { identity } = session;
    if (newClaims !== undefined && newClaims["sub"] !== identity.subject) return undefined;
    const claims = newClaims ?? identity.claims;
    const scopes = newScopes.length > 0 ? newScopes : identity.scopes;
    const { expiresAt } = tokens;
    const renewed = identityOf({ claims, scopes, issuer: identity.issuer, groupsClaim, expiresAt });
    return { ...session, tokens, seenAt: now(), identity: renewed };
  }
}
