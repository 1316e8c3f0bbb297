/** Wildcard patterns and policy variables of IAM policies ("IAM policy elements: Variables and tags"). */

/** UTF-16 units, with ANY for `*` and ONE for `?`. */
export type Pattern = readonly number[];

const ANY = -1;
const ONE = -2;

/** A variable: `${key}`, `${key, 'default'}`, or a character that would mean something: `${*}`, `${?}`, `${$}`. */
const VARIABLE = /\$\{([^{}]*)\}/g;

/**
 * Compiles a text with wildcards and puts values in the place of variables. A value's own `*` and `?` are plain
 * characters, so that a user named "*" reaches nothing.
 *
 * @param context single-valued keys, lower-case; undefined where variables are not read (actions, Version 2008-10-17)
 * @returns undefined when a variable has no value, or several, and no default: then nothing matches
 */
export function compilePattern(
  text: string,
  context: ReadonlyMap<string, readonly string[]> | undefined,
): Pattern | undefined {
  const pattern: number[] = [];
  let from = 0;
  for (const match of context ? text.matchAll(VARIABLE) : []) {
    pushWild(pattern, text.slice(from, match.index));
    const value = variable(match[1]!, context!);
    if (value === undefined) return undefined;
    pushPlain(pattern, value);
    from = match.index + match[0].length;
  }
  pushWild(pattern, text.slice(from));
  return pattern;
}

/** Like compilePattern, for operators without wildcards: `*` and `?` of the text are plain too. */
export function substitute(
  text: string,
  context: ReadonlyMap<string, readonly string[]> | undefined,
): string | undefined {
  if (!context) return text;
  let known = true;
  const result = text.replace(VARIABLE, (_whole, name: string) => {
    const value = variable(name, context);
    if (value === undefined) known = false;
    return value ?? "";
  });
  return known ? result : undefined;
}

/**
 * Whether the whole text fits. Remembers only the last `*`, so a hostile pattern costs at most length times length,
 * never an exponential search.
 */
export function matchesPattern(pattern: Pattern, text: string): boolean {
  let at = 0;
  let p = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    const wanted = pattern[p];
    if (wanted === ANY) {
      star = p++;
      starAt = at;
    } else if (wanted === ONE || wanted === text.charCodeAt(at)) {
      p++;
      at++;
    } else if (star >= 0) {
      p = star + 1;
      at = ++starAt;
    } else {
      return false;
    }
  }
  while (pattern[p] === ANY) p++;
  return p === pattern.length;
}

function variable(body: string, context: ReadonlyMap<string, readonly string[]>): string | undefined {
  if (body === "*" || body === "?" || body === "$") return body;
  const withDefault = /^([^,]*),\s*'([^']*)'\s*$/.exec(body);
  const values = context.get((withDefault?.[1] ?? body).trim().toLowerCase());
  if (values?.length === 1) return values[0];
  return values === undefined ? withDefault?.[2] : undefined;
}

function pushPlain(pattern: number[], text: string): void {
  for (let i = 0; i < text.length; i++) pattern.push(text.charCodeAt(i));
}

function pushWild(pattern: number[], text: string): void {
  for (const character of text.split(/([*?])/)) {
    if (character === "*") pattern.push(ANY);
    else if (character === "?") pattern.push(ONE);
    else pushPlain(pattern, character);
  }
}
