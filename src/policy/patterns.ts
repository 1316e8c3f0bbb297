/**
 * Wildcard patterns and policy variables of IAM policies ("IAM policy elements: Variables and tags", IAM User Guide).
 */

/** UTF-16 units, with ANY for `*` and ONE for `?`. */
export type Pattern = readonly number[];

/** The value of a condition key that cannot be known, as opposed to an absent key, which can be decided. */
export const undecidable = Symbol("undecidable");

/** The known condition keys of a request, in lower case; missing keys are absent from the request. */
export type Facts = ReadonlyMap<string, readonly string[] | typeof undecidable>;

const ANY = -1;
const ONE = -2;

/** A variable: `${key}`, `${key, 'default'}`, or an escaped special character: `${*}`, `${?}`, `${$}`. */
const VARIABLE = /\$\{([^{}]*)\}/g;

/**
 * Compiles a text with wildcards after substituting variables. `*` and `?` in a value are literal, so that a user named
 * "*" gains nothing.
 *
 * @param context single-valued keys in lower case; undefined if variables are not enabled (actions, Version 2008-10-17)
 * @returns undefined if a variable has no value, or several, and no default: then nothing matches
 */
export function compilePattern(text: string, context: Facts | undefined): Pattern | undefined {
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

/**
 * Substitutes variables for operators without wildcards: `*` and `?` in the text are literal, too. Undefined as in
 * compilePattern.
 */
export function substitute(text: string, context: Facts | undefined): string | undefined {
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
 * Whether the entire text matches. Only backtracks to the last `*`, so a hostile pattern costs at most the product of
 * the lengths, never an exponential search.
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

/** The condition keys named by the variables of a text, in lower case. */
export function variablesOf(text: string): string[] {
  return [...text.matchAll(VARIABLE)]
    .map(([, body]) => body!)
    .filter((body) => !isEscape(body))
    .map((body) => readVariable(body).key);
}

/** Whether a variable of the text is undecidable. */
export function namesUndecidable(text: string, context: Facts | undefined): boolean {
  return context !== undefined && variablesOf(text).some((key) => context.get(key) === undecidable);
}

const isEscape = (body: string) => body === "*" || body === "?" || body === "$";

function readVariable(body: string): { key: string; fallback: string | undefined } {
  const withDefault = /^([^,]*),\s*'([^']*)'\s*$/.exec(body);
  return { key: (withDefault?.[1] ?? body).trim().toLowerCase(), fallback: withDefault?.[2] };
}

function variable(body: string, context: Facts): string | undefined {
  if (isEscape(body)) return body;
  const { key, fallback } = readVariable(body);
  const values = context.get(key);
  if (values === undecidable) return undefined;
  if (values?.length === 1) return values[0];
  return values === undefined ? fallback : undefined;
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
