/**
 * Ids of things that wait, each under some keys; beyond so many under one key the oldest is one too many. In memory, and
 * itself of bounded size: what was forgotten for that is counted no more.
 */
export class LatestIds {
  readonly #capacity: number;
  readonly #waiting = new Map<string, { readonly keys: readonly string[]; readonly until: number }>();
  readonly #byKey = new Map<string, Set<string>>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Adds an id until a moment, epoch milliseconds.
   * @param shares keys, and how many ids each may have
   * @returns the id that is one too many, which is forgotten
   */
  add(
    id: string,
    shares: readonly (readonly [key: string, most: number])[],
    time: { readonly now: number; readonly until: number },
  ): string | undefined {
    this.#forgetPast(time.now);
    this.#waiting.set(id, { keys: shares.map(([key]) => key), until: time.until });
    for (const [key] of shares) {
      const ids = this.#byKey.get(key) ?? new Set();
      this.#byKey.set(key, ids.add(id));
    }
    const full = shares.find(([key, most]) => this.#byKey.get(key)!.size > most);
    const oldest = full && first(this.#byKey.get(full[0])!.keys());
    if (oldest !== undefined) this.forget(oldest);
    return oldest;
  }

  forget(id: string): void {
    const { keys = [] } = this.#waiting.get(id) ?? {};
    this.#waiting.delete(id);
    for (const key of keys) {
      const ids = this.#byKey.get(key);
      ids?.delete(id);
      if (ids?.size === 0) this.#byKey.delete(key);
    }
  }

  #forgetPast(now: number): void {
    for (const [id, { until }] of this.#waiting) {
      if (until > now && this.#waiting.size < this.#capacity) return;
      this.forget(id);
    }
  }
}

function first<T>(values: Iterator<T>): T | undefined {
  const { value, done } = values.next();
  return done === true ? undefined : value;
}
