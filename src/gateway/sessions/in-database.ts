/** Sessions in a database: the browser has a name, whose hash finds the row. */
import { BoundedMap } from "../../lib/bounded-map.ts";
import { sha256Base64url } from "../../lib/bytes.ts";
import type { GatewayProvider, GatewaySessions } from "../../lib/gateway-settings.ts";
import { affected } from "../../store/engine/transaction.ts";
import { type CookieScope, cookieName, cookiesNamed, setCookie } from "../cookies.ts";
import type { Seals } from "../sealing.ts";
import type { SessionsDatabase } from "./database.ts";
import { type SealedSession, toSeal, unsealed } from "./sealed-session.ts";
import { AmbiguousCookies, type Found, type Keeper, type Kept, type Session } from "./sessions.ts";

/** What the names of sessions are made for. */
const place = "session";

const placeOf = (key: string) => `gateway_sessions:sealed:${key}`;

/** How old `seen_at` may be. Milliseconds. */
const seenEvery = 60_000;

/**
 * How long somebody may take to refresh tokens before others may try: longer than a request to the provider and the clocks of
 * two gateways differ together. Milliseconds.
 */
const claimMs = 30_000;

/** Sessions in memory, of about 4 KB each: those of the last moments, since none is believed for longer than `recheck`. */
const mostKnown = 1000;

/** The session that a cookie names. */
interface Named {
  readonly name: string;
  readonly key: string;
  /** Whether its tag is by the first key. */
  readonly isCurrent: boolean;
}

interface Known {
  readonly kept: Kept;
  /** Whether it is sealed by the first key. */
  readonly isCurrent: boolean;
  /** Epoch milliseconds. */
  readonly endsAt: number;
  readonly readAt: number;
}

export interface DatabaseKeeperOptions {
  readonly settings: GatewaySessions;
  readonly provider: Pick<GatewayProvider, "issuer" | "groupsClaim">;
  readonly scope: CookieScope;
  readonly seals: Seals;
  readonly database: SessionsDatabase;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export class DatabaseKeeper implements Keeper {
  readonly needsAnswer = false;
  readonly removal: readonly string[];
  readonly #options: DatabaseKeeperOptions;
  readonly #name: string;
  readonly #known = new BoundedMap<string, Known>(mostKnown);
  /** By the cookie's value, whose tag was verified. */
  readonly #named = new BoundedMap<string, Named>(mostKnown);

  constructor(options: DatabaseKeeperOptions) {
    const { scope, settings } = options;
    this.#options = options;
    this.#name = cookieName(scope, settings.cookieName);
    this.removal = [setCookie(scope, this.#name, "", 0)];
  }

  get #kysely() {
    return this.#options.database.kysely;
  }

  get #idleMs(): number {
    return this.#options.settings.idle * 1000;
  }

  isOurs(cookie: string): boolean {
    return cookie === this.#name;
  }

  async start(session: Session): Promise<readonly string[]> {
    const { settings, scope, seals, now } = this.#options;
    const name = seals.newName();
    const key = sha256Base64url(name);
    await this.#kysely
      .insertInto("gateway_sessions")
      .values({
        key,
        ...keysOf(session),
        version: 1,
        ends_at: session.startedAt + settings.lifetime * 1000,
        seen_at: now(),
        claimed_until: 0,
        sealed: this.#seal(key, session),
      })
      .execute();
    return [setCookie(scope, this.#name, seals.tagged(place, name), settings.lifetime)];
  }

  async find(header: string | undefined, anew?: "anew"): Promise<Found | undefined> {
    const values = cookiesNamed(header, this.#name);
    if (values.length > 1) throw new AmbiguousCookies();
    // Names that nobody of us made cost no look into the database.
    const named = values.length === 0 ? undefined : this.#namedBy(values[0]!);
    if (named === undefined) return undefined;
    const current = this.#remembered(named.key, anew) ?? (await this.#readAnew(named.key));
    if (current === undefined) return undefined;
    if (this.#isUnnoted(current)) await this.#touch(current);
    if (!current.isCurrent) await this.#sealAnew(current);
    return { ...current.kept, cookies: named.isCurrent ? [] : this.#cookieAnew(named.name, current) };
  }

  /** Undefined for what nobody of us made. */
  #namedBy(value: string): Named | undefined {
    const before = this.#named.get(value);
    if (before !== undefined) return before;
    const found = this.#options.seals.untagged(place, value);
    if (found === undefined) return undefined;
    const named = { ...found, key: sha256Base64url(found.name) };
    this.#named.set(value, named);
    return named;
  }

  #remembered(key: string, anew: "anew" | undefined): Known | undefined {
    const { settings, now } = this.#options;
    const known = anew === undefined ? this.#known.get(key) : undefined;
    const counts = known !== undefined && now() - known.readAt < settings.recheck * 1000;
    return counts && !this.#isOver(known) ? known : undefined;
  }

  async #readAnew(key: string): Promise<Known | undefined> {
    const read = await this.#read(key);
    if (read === undefined || this.#isOver(read)) {
      this.#known.delete(key);
      return undefined;
    }
    this.#known.set(key, read);
    return read;
  }

  #isOver({ endsAt, kept }: Known): boolean {
    const now = this.#options.now();
    return now >= endsAt || now >= kept.session.seenAt + this.#idleMs;
  }

  async findAll(header: string | undefined): Promise<readonly Found[]> {
    const all: Found[] = [];
    for (const value of new Set(cookiesNamed(header, this.#name))) {
      const found = await this.find(`${this.#name}=${value}`, "anew");
      if (found !== undefined) all.push(found);
    }
    return all;
  }

  async claim({ key, version }: Kept): Promise<boolean> {
    const { now } = this.#options;
    const claimed = await this.#row(key, version)
      .set({ claimed_until: now() + claimMs })
      .where("claimed_until", "<=", now())
      .executeTakeFirst();
    return affected(claimed) === 1;
  }

  async replace({ key, version }: Kept, session: Session): Promise<Found | undefined> {
    const { settings, now } = this.#options;
    const next: Kept = { session, key, version: version + 1 };
    const replaced = await this.#row(key, version)
      .set({ sealed: this.#seal(key, session), version: next.version, claimed_until: 0, ...keysOf(session) })
      .executeTakeFirst();
    if (affected(replaced) !== 1) {
      this.#known.delete(key);
      return undefined;
    }
    const endsAt = session.startedAt + settings.lifetime * 1000;
    this.#known.set(key, { kept: next, isCurrent: true, endsAt, readAt: now() });
    return { ...next, cookies: [] };
  }

  async release({ key, version }: Kept): Promise<void> {
    await this.#row(key, version).set({ claimed_until: 0 }).execute();
  }

  async end({ key }: Kept): Promise<void> {
    await this.#kysely.deleteFrom("gateway_sessions").where("key", "=", key).execute();
    this.#known.delete(key);
  }

  async endUnchanged({ key, version }: Kept): Promise<boolean> {
    const ended = await this.#kysely
      .deleteFrom("gateway_sessions")
      .where("key", "=", key)
      .where("version", "=", version)
      .executeTakeFirst();
    this.#known.delete(key);
    return affected(ended) === 1;
  }

  async endAll(of: {
    readonly issuer: string;
    readonly subject?: string;
    readonly sid?: string;
  }): Promise<number> {
    const { issuer, subject, sid } = of;
    const all = this.#kysely.deleteFrom("gateway_sessions");
    const ofSubject =
      subject === undefined ? undefined : all.where("subject_key", "=", hashed(issuer, subject));
    const ofSid = sid === undefined ? undefined : all.where("sid_key", "=", hashed(issuer, sid));
    const deletions = ofSid === undefined ? [ofSubject] : [ofSid, ofSubject?.where("sid_key", "is", null)];
    let ended = 0;
    for (const deletion of deletions) ended += affected(await deletion?.executeTakeFirst());
    this.#known.clear();
    return ended;
  }

  /** In two statements, each of which seeks by an index. */
  async sweep(): Promise<void> {
    const now = this.#options.now();
    const all = this.#kysely.deleteFrom("gateway_sessions");
    await all.where("ends_at", "<=", now).execute();
    await all.where("seen_at", "<=", now - this.#idleMs).execute();
  }

  async ping(): Promise<void> {
    await this.#kysely.selectFrom("gateway_sessions").select("key").where("key", "=", "").execute();
  }

  close(): Promise<void> {
    return this.#options.database.close();
  }

  #row(key: string, version: number) {
    return this.#kysely.updateTable("gateway_sessions").where("key", "=", key).where("version", "=", version);
  }

  #seal(key: string, session: Session): Buffer {
    return this.#options.seals.seal(placeOf(key), toSeal(session));
  }

  async #read(key: string): Promise<Known | undefined> {
    const { seals, provider, now } = this.#options;
    const row = await this.#kysely
      .selectFrom("gateway_sessions")
      .selectAll()
      .where("key", "=", key)
      .executeTakeFirst();
    const sealed = row && (seals.open(placeOf(key), row.sealed) as SealedSession | undefined);
    if (sealed === undefined) return undefined;
    const kept: Kept = {
      session: unsealed({ ...sealed, seenAt: Number(row!.seen_at) }, provider),
      key,
      version: Number(row!.version),
    };
    return {
      kept,
      isCurrent: seals.isCurrent(row!.sealed),
      endsAt: Number(row!.ends_at),
      readAt: now(),
    };
  }

  /** Whether it was not noted for some time that the session is in use. */
  #isUnnoted({ kept: { session } }: Known): boolean {
    return this.#options.now() - session.seenAt >= Math.min(seenEvery, this.#idleMs / 10);
  }

  /** Notes that the session is in use. */
  async #touch(known: Known): Promise<void> {
    const now = this.#options.now();
    const { key, session } = known.kept;
    await this.#kysely.updateTable("gateway_sessions").set({ seen_at: now }).where("key", "=", key).execute();
    this.#known.set(key, { ...known, kept: { ...known.kept, session: { ...session, seenAt: now } } });
  }

  /** Seals a session by the first key that was sealed by a former one, so that this one can be removed some day. */
  async #sealAnew({ kept }: Known): Promise<void> {
    const { key, version, session } = kept;
    await this.#row(key, version)
      .set({ sealed: this.#seal(key, session) })
      .execute();
    const known = this.#known.get(key);
    if (known?.kept.version === version) this.#known.set(key, { ...known, isCurrent: true });
  }

  /** The session's cookie with a tag by the first key. */
  #cookieAnew(name: string, { endsAt }: Known): readonly string[] {
    const { scope, seals, now } = this.#options;
    const left = Math.max(1, Math.ceil((endsAt - now()) / 1000));
    return [setCookie(scope, this.#name, seals.tagged(place, name), left)];
  }
}

function keysOf({ identity: { issuer, subject }, sid }: Session) {
  return { subject_key: hashed(issuer, subject), sid_key: sid === undefined ? null : hashed(issuer, sid) };
}

const hashed = (issuer: string, value: string) => sha256Base64url(`${issuer}\n${value}`);
