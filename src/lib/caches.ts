import { BoundedMap } from "./bounded-map.ts";

/** The declaration of a cache by the file that fills it: the type of its values, and its capacity. */
export class CacheKind<V> {
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  make(): Map<string, V> {
    return new BoundedMap(this.#capacity);
  }
}

/** The caches of one server: a map for each kind, created on first use. */
export class Caches {
  readonly #made = new Map<CacheKind<unknown>, Map<string, unknown>>();

  of<V>(kind: CacheKind<V>): Map<string, V> {
    let map = this.#made.get(kind);
    if (map === undefined) {
      map = kind.make();
      this.#made.set(kind, map);
    }
    // Only this kind fills the map.
    return map as Map<string, V>;
  }

  /** The cached value of a key, made if it is not there. A failure to make it caches nothing. */
  obtain<V>(kind: CacheKind<V>, key: string, make: () => V): V {
    const cache = this.of(kind);
    const known = cache.get(key);
    if (known !== undefined) return known;
    const made = make();
    cache.set(key, made);
    return made;
  }
}
