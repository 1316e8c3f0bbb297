/** The signing keys that a verifier knows, each for as long as it may be used. */
import { BoundedMap } from "../lib/bounded-map.ts";
import { sha256Base64url } from "../lib/bytes.ts";
import type { KeyRequest, Signer } from "./ask.ts";

export interface SigningKeysOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** The longest time that a key is used before it is asked for again, if the server allows it so long. Seconds. */
  readonly cacheSeconds: number;
  /** How many keys are kept. */
  readonly cacheSize: number;
}

interface Known {
  readonly signer: Signer;
  /** Epoch milliseconds. */
  readonly until: number;
}

/** How long it is remembered that credentials do not count, and how many of those are. */
const refusedMs = 5_000;
const refusedCount = 10_000;
/** How many keys are kept that no signature has fitted yet. */
const unprovenCount = 1_000;
/** How many questions are under way at once. Beyond them nobody is asked: whoever sends calls can invent access keys. */
const questions = 64;

/** More questions than the verifier has at once. */
class TooManyQuestions extends Error {}

/**
 * Keys by access key, session token, day, region and service. A key that is known but was not used by its owner, since no
 * signature fitted, is kept apart, so that strangers who name it crowd out no others.
 */
export class SigningKeys {
  readonly #ask: (asked: KeyRequest) => Promise<Signer | undefined>;
  readonly #options: SigningKeysOptions;
  readonly #proven: BoundedMap<string, Known>;
  readonly #unproven = new BoundedMap<string, Known>(unprovenCount);
  /** Until when credentials are refused without asking. Epoch milliseconds. */
  readonly #refused = new BoundedMap<string, number>(refusedCount);
  readonly #asking = new Map<string, Promise<Signer | undefined>>();

  constructor(ask: (asked: KeyRequest) => Promise<Signer | undefined>, options: SigningKeysOptions) {
    this.#ask = ask;
    this.#options = options;
    this.#proven = new BoundedMap(options.cacheSize);
  }

  /** Under which a key is kept. */
  nameOf({ accessKeyId, securityToken, date, region, service }: KeyRequest): string {
    const token = securityToken === undefined ? "" : sha256Base64url(securityToken);
    return `${accessKeyId}/${date}/${region}/${service}/${token}`;
  }

  /** The signer; undefined if the credentials do not count. Throws what asking throws, and TooManyQuestions. */
  find(name: string, asked: KeyRequest): Signer | undefined | Promise<Signer | undefined> {
    const now = this.#options.now();
    const known = this.#proven.get(name) ?? this.#unproven.get(name);
    if (known !== undefined) {
      if (now < known.until) return known.signer;
      this.#proven.delete(name);
      this.#unproven.delete(name);
    }
    const refusedUntil = this.#refused.get(name);
    if (refusedUntil !== undefined && now < refusedUntil) return undefined;
    return this.#asking.get(name) ?? this.#askOnce(name, asked);
  }

  /** Notes that a signature fitted a key. */
  prove(name: string): void {
    const known = this.#unproven.get(name);
    if (known === undefined) return;
    this.#unproven.delete(name);
    this.#proven.set(name, known);
  }

  #askOnce(name: string, asked: KeyRequest): Promise<Signer | undefined> {
    if (this.#asking.size >= questions)
      throw new TooManyQuestions("Too many signing keys are asked for at once.");
    // What is known counts from when it was asked for: the answer may have been true only then.
    const since = this.#options.now();
    const answer = this.#ask(asked)
      .then((signer) => this.#keep(name, signer, since))
      .finally(() => this.#asking.delete(name));
    this.#asking.set(name, answer);
    return answer;
  }

  #keep(name: string, signer: Signer | undefined, since: number): Signer | undefined {
    if (signer === undefined) {
      this.#refused.set(name, since + refusedMs);
      return undefined;
    }
    const { cacheSeconds, expiresAt = Number.POSITIVE_INFINITY } = signer;
    const until = Math.min(since + Math.min(cacheSeconds, this.#options.cacheSeconds) * 1000, expiresAt);
    this.#unproven.set(name, { signer, until });
    return signer;
  }
}
