/** A Map that forgets its oldest entries beyond `capacity`, so that a cache cannot grow without bound. */
export class BoundedMap<K, V> extends Map<K, V> {
  readonly #capacity: number;
  /**
   * Goes through the entries from the oldest on, and on from there at the next eviction: all before it are gone. One that
   * began anew would first have to pass those that were removed, of which V8 keeps the places for a while.
   */
  #oldest: MapIterator<K> | undefined;

  constructor(capacity: number) {
    super();
    this.#capacity = capacity;
  }

  override set(key: K, value: V): this {
    this.delete(key);
    super.set(key, value);
    if (this.size > this.#capacity) this.#evict();
    return this;
  }

  #evict(): void {
    this.#oldest ??= this.keys();
    const { done, value } = this.#oldest.next();
    if (!done) this.delete(value);
  }
}
