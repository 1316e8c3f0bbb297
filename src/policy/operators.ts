/**
 * The operators of condition blocks ("IAM JSON policy elements: Condition operators", IAM User Guide). A value of a
 * policy is compiled once into a comparison with the values of requests.
 */
import { addressGroups, parseNetwork } from "../lib/network.ts";
import {
  comparePattern,
  compileTemplate,
  type Facts,
  fillPattern,
  fillText,
  keysOf,
  type NoValue,
  type Template,
} from "./patterns.ts";

/** "unknown" means undecidable: it never allows and always denies. */
export type Ternary = boolean | "unknown";

/** Compares a value of a request; "missing" if a variable of the policy's value has none. */
export type Compare = (actual: string, facts: Facts) => Ternary | NoValue;

/** A value of a policy, compiled. */
export interface Compiled {
  readonly compare: Compare;
  /** The condition keys that its variables name, in lower case. */
  readonly keys: readonly string[];
}

type Operator = (wanted: string, variables: boolean) => Compiled;

/** The positive operators; negated ones are their opposites (see baseOf). */
const OPERATORS: Readonly<Record<string, Operator>> = {
  StringEquals: withText((actual, wanted) => actual === wanted),
  StringEqualsIgnoreCase: withText((actual, wanted) => actual.toLowerCase() === wanted.toLowerCase()),
  StringLike: like,
  ArnEquals: arnLike,
  ArnLike: arnLike,
  BinaryEquals: (wanted) => ({ compare: (actual) => actual === wanted, keys: [] }),
  Bool: withText((actual, wanted) => {
    const [a, b] = [truth(actual), truth(wanted)];
    return a === undefined || b === undefined ? "unknown" : a === b;
  }),
  IpAddress: inNetwork,
  ...comparisons("Numeric", number),
  ...comparisons("Date", date),
};

/** Compiles a value for a positive operator. Variables are read by String, Arn and Bool operators alone, as in IAM. */
export function compileValue(positive: string, wanted: string, variables: boolean): Compiled {
  return OPERATORS[positive]!(wanted, variables);
}

/** Whether an operator reads the variables of its values. */
export function readsVariables(operator: string): boolean {
  return /^(?:String|Arn|Bool)/.test(operator);
}

/** The positive operator of a name, and whether the name negates it. */
export function baseOf(operator: string): readonly [string, boolean] {
  const positive =
    operator === "NotIpAddress"
      ? "IpAddress"
      : operator.replace(/^(String|Numeric|Date|Arn)Not(?=Equals|Like)/, "$1");
  return [positive, positive !== operator];
}

export function isOperator(operator: string): boolean {
  return Object.hasOwn(OPERATORS, baseOf(operator)[0]);
}

/** All operators, without quantifiers and `IfExists`. */
export const operatorNames: readonly string[] = [
  ...new Set([
    "Null",
    "NotIpAddress",
    ...Object.keys(OPERATORS).flatMap((name) => [name, name.replace(/(?=Equals|Like)/, "Not")]),
  ]),
].filter((name) => name === "Null" || isOperator(name));

/** Whether an operator can compare anything with a value of a policy. */
export function isComparable(operator: string, value: string): boolean {
  const [positive] = baseOf(operator);
  if (positive === "Null" || positive === "Bool") return truth(value) !== undefined;
  if (positive.startsWith("Numeric")) return !Number.isNaN(number(value));
  if (positive.startsWith("Date")) return !Number.isNaN(date(value));
  if (positive === "IpAddress") return parseNetwork(value) !== undefined;
  return !positive.startsWith("Arn") || arnParts(value, true).length === 6;
}

/** The truth value of `true` or `false` in any case. */
export function truth(text: string): boolean | undefined {
  const folded = text.toLowerCase();
  return folded === "true" ? true : folded === "false" ? false : undefined;
}

function withText(test: (actual: string, wanted: string) => Ternary): Operator {
  return (wanted, variables) => {
    const template = compileTemplate(wanted, variables);
    const { plain } = template;
    const compare: Compare =
      plain !== undefined
        ? (actual) => test(actual, plain)
        : (actual, facts) => {
            const filled = fillText(template, facts);
            return typeof filled === "string" ? filled : test(actual, filled.text);
          };
    return { compare, keys: keysOf(template) };
  };
}

function like(wanted: string, variables: boolean): Compiled {
  const template = compileTemplate(wanted, variables);
  const { fixed } = template;
  const compare: Compare =
    fixed !== undefined
      ? (actual) => comparePattern(fixed, actual)
      : (actual, facts) => matchesFilled(template, actual, facts);
  return { compare, keys: keysOf(template) };
}

function matchesFilled(template: Template, actual: string, facts: Facts): boolean | NoValue {
  const pattern = fillPattern(template, facts);
  return typeof pattern === "string" ? pattern : comparePattern(pattern, actual);
}

/**
 * Compares the six parts of an ARN separately: a `*` in one does not extend into the next. A text of fewer parts cannot be
 * compared.
 */
function arnLike(wanted: string, variables: boolean): Compiled {
  const parts = arnParts(wanted, variables).map((part) => compileTemplate(part, variables));
  const compare: Compare = (actual, facts) => {
    const given = arnParts(actual, false);
    if (parts.length !== 6 || given.length !== 6) return "unknown";
    let open: NoValue | undefined;
    for (const [at, part] of parts.entries()) {
      const fits = matchesFilled(part, given[at]!, facts);
      if (fits === false) return false;
      if (fits !== true && open !== "unknown") open = fits;
    }
    return open ?? true;
  };
  return { compare, keys: parts.flatMap(keysOf) };
}

/** The five parts before the fifth colon, and the rest; if variables are enabled, colons inside `${…}` do not count. */
function arnParts(arn: string, variables: boolean): string[] {
  const parts: string[] = [];
  let from = 0;
  let inVariable = false;
  for (let i = 0; i < arn.length && parts.length < 5; i++) {
    if (variables && arn.startsWith("${", i)) inVariable = true;
    else if (arn[i] === "}") inVariable = false;
    else if (arn[i] === ":" && !inVariable) {
      parts.push(arn.slice(from, i));
      from = i + 1;
    }
  }
  return [...parts, arn.slice(from)];
}

function comparisons(prefix: string, read: (text: string) => number): Record<string, Operator> {
  const operator =
    (test: (a: number, b: number) => boolean): Operator =>
    (wanted) => {
      const b = read(wanted);
      const compare: Compare = (actual) => {
        const a = read(actual);
        return Number.isNaN(a) || Number.isNaN(b) ? "unknown" : test(a, b);
      };
      return { compare, keys: [] };
    };
  return {
    [`${prefix}Equals`]: operator((a, b) => a === b),
    [`${prefix}LessThan`]: operator((a, b) => a < b),
    [`${prefix}LessThanEquals`]: operator((a, b) => a <= b),
    [`${prefix}GreaterThan`]: operator((a, b) => a > b),
    [`${prefix}GreaterThanEquals`]: operator((a, b) => a >= b),
  };
}

function number(text: string): number {
  return /^\s*[+-]?\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) : Number.NaN;
}

/** Parses a W3C date-time (ISO 8601 profile; UTC if it has no zone) or epoch seconds to epoch milliseconds. */
function date(text: string): number {
  if (/^\d{5,}$/.test(text)) return Number(text) * 1000;
  if (!/^\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?)?)?$/.test(text))
    return Number.NaN;
  return Date.parse(/T.*(?:Z|[+-]\d\d:\d\d)$/.test(text) || !text.includes("T") ? text : `${text}Z`);
}

/**
 * Whether an address is in a network in CIDR notation, or equals the given address. IPv4 mapped into IPv6 counts as
 * IPv4.
 */
function inNetwork(wanted: string): Compiled {
  const network = parseNetwork(wanted);
  const compare: Compare = (actual) => {
    const groups = addressGroups(actual);
    return groups === undefined || network === undefined ? "unknown" : network(groups);
  };
  return { compare, keys: [] };
}
