import { suggestion } from "../lib/closest.ts";

/** The names of all options of a kind: leaving one out is a type error. */
export type Names<Options> = Readonly<Record<keyof Options, true>>;

/**
 * Refuses options that nobody knows. One that is misspelled would otherwise ask for nothing.
 * @throws TypeError
 */
export function assertKnown<Options extends object>(given: Options, names: Names<Options>): void {
  const known = Object.keys(names);
  for (const name of Object.keys(given))
    if (!known.includes(name)) throw new TypeError(`There is no option ${name}.${suggestion(name, known)}`);
}
