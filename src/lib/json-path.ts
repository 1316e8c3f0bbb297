/** Reads values out of a document of unknown shape. */

/** The value at a dotted path of member names; undefined if there is none. */
export function at(document: unknown, path: string): unknown {
  let value = document;
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
