/**
 * Keeps track of the newest ids under each of several keys, and reports the oldest once there are too many under one.
 * In memory and bounded: ids forgotten for lack of space are no longer counted.
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
   * Adds an id that expires at a moment, in epoch milliseconds.
   * @param shares keys, and how many ids each may have
   * @returns the id that exceeds a share, now forgotten
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
