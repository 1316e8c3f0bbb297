/** The keys that an issuer publishes (JSON Web Key Set, RFC 7517 section 5), kept for as long as they count. */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { requestsShareAnswers } from "./runtime.ts";

export interface PublishedKeysOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** How long a set counts before it is read again. Milliseconds; ten minutes by default. */
  readonly freshMs?: number;
  /** How long a set counts beyond that while the issuer does not answer. Milliseconds; not at all by default. */
  readonly staleMs?: number;
  /**
   * The least time between two readings that an unknown key or a failure causes. Milliseconds; ten seconds by default.
   * Whoever sends tokens chooses the names of keys in them.
   */
  readonly quietMs?: number;
}

type FindKey = ReturnType<typeof createLocalJWKSet>;

interface KeySet {
  readonly find: FindKey;
  /** Epoch milliseconds. */
  readonly readAt: number;
}

export class PublishedKeys {
  readonly #read: () => Promise<JSONWebKeySet>;
  readonly #options: Required<PublishedKeysOptions>;
  #known: KeySet | undefined;
  #reading: Promise<KeySet> | undefined;
  #quietUntil = 0;

  /** @param read asks the issuer for its key set */
  constructor(read: () => Promise<JSONWebKeySet>, options: PublishedKeysOptions) {
    this.#read = read;
    this.#options = { freshMs: 600_000, staleMs: 0, quietMs: 10_000, ...options };
  }

  /**
   * The key that a token's header names. An unknown one has the set read once more, since the issuer may just have
   * changed its keys; the known keys go on to count if that fails. Throws what `read` throws, and jose's JWKSNoMatchingKey.
   */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const known = await this.#current();
    try {
      return await known.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || this.#isQuiet()) throw error;
      this.#quietUntil = this.#options.now() + this.#options.quietMs;
      const next = await this.#readOnce();
      return next.find(header, token);
    }
  };

  /** Reads the set unless it is known. */
  async load(): Promise<void> {
    await this.#current();
  }

  #isQuiet(): boolean {
    return this.#options.now() < this.#quietUntil;
  }

  async #current(): Promise<KeySet> {
    const { now, freshMs, staleMs, quietMs } = this.#options;
    const known = this.#known;
    const age = known === undefined ? Number.POSITIVE_INFINITY : now() - known.readAt;
    if (known !== undefined && age < freshMs) return known;
    const counts = known !== undefined && age < freshMs + staleMs;
    if (counts && this.#isQuiet()) return known;
    try {
      return await this.#readOnce();
    } catch (error) {
      if (!counts) throw error;
      this.#quietUntil = now() + quietMs;
      return known;
    }
  }

  #readOnce(): Promise<KeySet> {
    if (this.#reading !== undefined && requestsShareAnswers()) return this.#reading;
    const reading = this.#read()
      .then((set) => {
        this.#known = { find: createLocalJWKSet(set), readAt: this.#options.now() };
        return this.#known;
      })
      .finally(() => {
        if (this.#reading === reading) this.#reading = undefined;
      });
    this.#reading = reading;
    return reading;
  }
}
