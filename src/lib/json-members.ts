/** Detects duplicate members in JSON (RFC 8259); JSON.parse silently keeps the last one. */

const token = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;

/** The name of a member that occurs twice in some object of the text, if any. The text must be valid JSON. */
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
