/**
 * Wildcard patterns and policy variables of IAM policies ("IAM policy elements: Variables and tags", IAM User Guide).
 * Both are compiled when a policy is read; only the values of variables are put in for each request.
 */

/** A text with wildcards, ready to be matched. */
export interface Pattern {
  /** The text before the first wildcard; all of it if there is none. */
  readonly head: string;
  /** UTF-16 units from the first wildcard on, with ANY for `*` and ONE for `?`; empty if there is none. */
  readonly tail: readonly number[];
}

/** The value of a condition key that cannot be known, as opposed to an absent key, which can be decided. */
export const undecidable = Symbol("undecidable");

/** The known condition keys of a request, in lower case; missing keys are absent from the request. */
export type Facts = ReadonlyMap<string, readonly string[] | typeof undecidable>;

/** Why a variable has no value: it cannot be known, or there is none, or several where one is expected. */
export type NoValue = "unknown" | "missing";

const ANY = -1;
const ONE = -2;

/** A variable: `${key}`, `${key, 'default'}`, or an escaped special character: `${*}`, `${?}`, `${$}`. */
const VARIABLE = /\$\{([^{}]*)\}/g;

/** A text of a policy: literal parts, and the variables between them. */
export interface Template {
  readonly parts: readonly (string | Variable)[];
  /** The pattern, if it is the same for every request. */
  readonly fixed: Pattern | undefined;
  /** The text itself for operators without wildcards, if it is the same for every request. */
  readonly plain: string | undefined;
}

interface Variable {
  /** In lower case. */
  readonly key: string;
  readonly fallback: string | undefined;
}

/**
 * Compiles a text of a policy.
 * @param variables false where variables are plain text: in actions, and in Version 2008-10-17
 */
export function compileTemplate(text: string, variables: boolean): Template {
  const parts: (string | Variable)[] = [];
  const units: number[] = [];
  let plain = "";
  let from = 0;
  const literal = (piece: string) => {
    if (piece === "") return;
    parts.push(piece);
    pushWild(units, piece);
    plain += piece;
  };
  for (const match of variables ? text.matchAll(VARIABLE) : []) {
    literal(text.slice(from, match.index));
    from = match.index + match[0].length;
    const body = match[1]!;
    if (isEscape(body)) {
      // As a variable that always has this value, so that it is never a wildcard.
      parts.push({ key: "", fallback: body });
      pushPlain(units, body);
      plain += body;
    } else parts.push(readVariable(body));
  }
  literal(text.slice(from));
  const isFixed = parts.every((part) => typeof part === "string" || part.key === "");
  return { parts, fixed: isFixed ? patternOf(units) : undefined, plain: isFixed ? plain : undefined };
}

/** Compiles a text with wildcards and without variables. */
export function compilePattern(text: string): Pattern {
  const units: number[] = [];
  pushWild(units, text);
  return patternOf(units);
}

/**
 * The pattern with the values of its variables. `*` and `?` in a value are literal, so that a user named "*" gains
 * nothing.
 */
export function fillPattern(template: Template, facts: Facts): Pattern | NoValue {
  if (template.fixed !== undefined) return template.fixed;
  const missing = noValue(template, facts);
  if (missing !== undefined) return missing;
  const units: number[] = [];
  for (const part of template.parts) {
    if (typeof part === "string") pushWild(units, part);
    else pushPlain(units, variableValue(part, facts) as string);
  }
  return patternOf(units);
}

/** The text with the values of its variables, for operators without wildcards: `*` and `?` are literal in it, too. */
export function fillText(template: Template, facts: Facts): { readonly text: string } | NoValue {
  if (template.plain !== undefined) return { text: template.plain };
  const missing = noValue(template, facts);
  if (missing !== undefined) return missing;
  const filled = template.parts.map((part) => (typeof part === "string" ? part : variableValue(part, facts)));
  return { text: filled.join("") };
}

/** Undefined if all variables have a value. */
function noValue({ parts }: Template, facts: Facts): NoValue | undefined {
  let found: NoValue | undefined;
  for (const part of parts) {
    if (typeof part === "string") continue;
    const value = variableValue(part, facts);
    if (value === undecidable) return "unknown";
    if (value === undefined) found = "missing";
  }
  return found;
}

/**
 * The longest value of a variable, in characters. Names, ids and tags are much shorter; a header can be as long as all headers
 * together, and a policy can name it a hundred times.
 */
const longestValue = 2_048;

function variableValue({ key, fallback }: Variable, facts: Facts): string | undefined | typeof undecidable {
  if (key === "") return fallback;
  const values = facts.get(key);
  if (values === undecidable) return undecidable;
  if (values === undefined) return fallback;
  if (values.length !== 1) return undefined;
  return values[0]!.length > longestValue ? undecidable : values[0];
}

/**
 * How many steps a comparison may take. What is meant needs about as many as the text has characters. A caller who writes a
 * policy of a session and the headers that it is compared with can make both repeat themselves, and take the product.
 */
const mostSteps = 20_000;

/** Whether the entire text matches; "unknown" if that would take too long to find out. */
export function comparePattern(pattern: Pattern, text: string): boolean | "unknown" {
  return match(pattern, text, mostSteps);
}

/** Whether the entire text matches, for texts that are short whoever sends them, such as actions. */
export function matchesPattern(pattern: Pattern, text: string): boolean {
  return match(pattern, text, Number.POSITIVE_INFINITY) === true;
}

/** Only backtracks to the last `*`, so a hostile pattern costs at most the product of the lengths, never an exponential search. */
function match({ head, tail }: Pattern, text: string, most: number): boolean | "unknown" {
  if (tail.length === 0) return text === head;
  if (!text.startsWith(head)) return false;
  let at = head.length;
  let p = 0;
  let star = -1;
  let starAt = 0;
  let steps = 0;
  if (tail.length === 1 && tail[0] === ANY) return true;
  while (at < text.length) {
    if (++steps > most) return "unknown";
    const wanted = tail[p];
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
  while (tail[p] === ANY) p++;
  return p === tail.length;
}

/** A text with its ASCII letters in lower case. */
export const foldCase = (text: string): string => text.replace(/[A-Z]+/g, (some) => some.toLowerCase());

/** The pattern with its ASCII letters in lower case. */
export const foldPattern = ({ head, tail }: Pattern): Pattern => ({
  head: foldCase(head),
  tail: tail.map((unit) => (unit >= 65 && unit <= 90 ? unit + 32 : unit)),
});

/** The condition keys named by the variables of a text, in lower case. */
export function variablesOf(text: string): string[] {
  return keysOf(compileTemplate(text, true));
}

/** The condition keys named by the variables of a template, in lower case. */
export function keysOf({ parts }: Template): string[] {
  return parts.flatMap((part) => (typeof part === "string" || part.key === "" ? [] : [part.key]));
}

const isEscape = (body: string) => body === "*" || body === "?" || body === "$";

function readVariable(body: string): Variable {
  const withDefault = /^([^,]*),\s*'([^']*)'\s*$/.exec(body);
  const key = (withDefault?.[1] ?? body).trim().toLowerCase();
  // A variable without a name has no value: no request has a key of this name.
  return { key: key === "" ? " " : key, fallback: withDefault?.[2] };
}

function patternOf(units: readonly number[]): Pattern {
  const first = units.findIndex((unit) => unit < 0);
  const end = first < 0 ? units.length : first;
  let head = "";
  for (let i = 0; i < end; i++) head += String.fromCharCode(units[i]!);
  return { head, tail: units.slice(end) };
}

function pushPlain(units: number[], text: string): void {
  for (let i = 0; i < text.length; i++) units.push(text.charCodeAt(i));
}

function pushWild(units: number[], text: string): void {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    units.push(unit === 42 ? ANY : unit === 63 ? ONE : unit);
  }
}
