/** Reading a document that may have any shape. */

/** What stands at a path of names with dots between them; undefined where there is nothing. */
export function at(document: unknown, path: string): unknown {
  let value = document;
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
