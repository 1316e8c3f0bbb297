/** JSON (RFC 8259) where a member may stand twice, of which JSON.parse keeps the last without a word. */

const token = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;

/** A member that some object of the text has twice. The text must be JSON. */
export function repeatedMember(json: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  let text = '""';
  for (const [found] of json.matchAll(token)) {
    if (found === "{") open.push(new Set());
    else if (found === "[") open.push(undefined);
    else if (found === "}" || found === "]") open.pop();
    else if (found === ":") {
      const name: string = JSON.parse(text);
      const names = open.at(-1);
      if (names?.has(name)) return name;
      names?.add(name);
    } else text = found;
  }
  return undefined;
}
