/** Numbers ids in the order in which they are first seen, whoever of several sees them. */
import { BoundedMap } from "./bounded-map.ts";

/** The numbers of some ids. */
export interface Numbered {
  /** Names the order in which they have these numbers. */
  readonly order: string;
  /** In the order of the ids. */
  readonly numbers: readonly number[];
  /** The last number that was given before these ids were looked at, and the last one now; 0 before the first. */
  readonly before: number;
  readonly last: number;
}

export class FirstSeen {
  readonly #name: string;
  readonly #numbers: BoundedMap<string, number>;
  #last = 0;

  /** @param capacity how many ids it remembers: those that were seen first are forgotten */
  constructor(name: string, capacity: number) {
    this.#name = name;
    this.#numbers = new BoundedMap(capacity);
  }

  /** The numbers of these ids. Those that have none get the next ones, in this order. */
  number(ids: readonly string[]): Numbered {
    const before = this.#last;
    const numbers = ids.map((id) => {
      const known = this.#numbers.get(id);
      if (known !== undefined) return known;
      this.#numbers.set(id, ++this.#last);
      return this.#last;
    });
    return { order: this.#name, numbers, before, last: this.#last };
  }
}
