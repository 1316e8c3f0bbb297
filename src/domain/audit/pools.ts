/** The events of a queue by the pool that they are about (trail.ts). */
import { setTimeout as delay } from "node:timers/promises";

/** The number of rows per insert. */
const batch = 64;
/** The number of queued events of a pool beyond which its calls wait, and that of all pools. */
const capacity = { ofPool: 4_096, ofAll: 65_536 };
/** Milliseconds between attempts while the database accepts none of a pool. */
const retryMs = 1_000;

export class Pools<Event> {
  readonly #events = new Map<string, Event[]>();
  readonly #writes = new Map<string, PromiseWithResolvers<void>>();
  /** Pools of which the last attempt failed. */
  readonly #aside = new Set<string>();
  #waiting = 0;
  /** Ends when those set aside are to be tried again. */
  pause: Promise<void> = Promise.resolve();

  get waiting(): number {
    return this.#waiting;
  }

  add(pool: string, event: Event): void {
    const events = this.#events.get(pool);
    if (events === undefined) this.#events.set(pool, [event]);
    else events.push(event);
    this.#waiting += 1;
  }

  isFull(pool: string): boolean {
    const own = this.#events.get(pool)?.length ?? 0;
    return own > capacity.ofPool || (own > 0 && this.#waiting > capacity.ofAll);
  }

  /** Pools with events to be written now. */
  ready(): string[] {
    return [...this.#events.keys()].filter((pool) => !this.#aside.has(pool));
  }

  /**
   * Writes as many events of a pool as one statement takes, oldest first, and removes them. If that fails, returns why, and
   * leaves the pool out for a while; once `stopping` is aborted, until `retryAll`.
   */
  async write(
    pool: string,
    insert: (events: readonly Event[]) => Promise<void>,
    stopping: AbortSignal,
  ): Promise<unknown> {
    const events = this.#events.get(pool) ?? [];
    const some = events.slice(0, batch);
    try {
      await insert(some);
    } catch (error) {
      this.#setAside(pool, stopping);
      return error;
    }
    events.splice(0, some.length);
    if (events.length === 0) this.#events.delete(pool);
    this.#waiting -= some.length;
    this.#writes.get(pool)?.resolve();
    this.#writes.delete(pool);
    return undefined;
  }

  #setAside(pool: string, stopping: AbortSignal): void {
    if (this.#aside.size === 0) {
      this.pause = delay(retryMs, undefined, { signal: stopping, ref: false }).then(
        () => this.retryAll(),
        () => {},
      );
    }
    this.#aside.add(pool);
  }

  retryAll(): void {
    this.#aside.clear();
  }

  /** Waits until some events of a pool have been written. */
  nextWrite(pool: string): Promise<void> {
    const known = this.#writes.get(pool) ?? Promise.withResolvers<void>();
    this.#writes.set(pool, known);
    return known.promise;
  }

  /** Ends all waiting. */
  letAllGo(): void {
    for (const { resolve } of this.#writes.values()) resolve();
    this.#writes.clear();
  }
}
