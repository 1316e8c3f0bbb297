import { BoundedMap } from "./bounded-map.ts";

/** A cache as the file declares it that fills it: the type of what it holds, and how much of that. */
export class CacheKind<V> {
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  make(): Map<string, V> {
    return new BoundedMap(this.#capacity);
  }
}

/** The caches of one server, a map of each kind, made when it is first asked for. */
export class Caches {
  readonly #made = new Map<CacheKind<unknown>, Map<string, unknown>>();

  of<V>(kind: CacheKind<V>): Map<string, V> {
    let map = this.#made.get(kind);
    if (map === undefined) {
      map = kind.make();
      this.#made.set(kind, map);
    }
    // What is kept under a kind was made by it.
    return map as Map<string, V>;
  }
}
