/** Condition blocks of IAM policies ("IAM JSON policy elements: Condition operators", IAM User Guide). */
import { BlockList, isIP } from "node:net";
import {
  compilePattern,
  type Facts,
  matchesPattern,
  namesUndecidable,
  substitute,
  undecidable,
} from "./patterns.ts";

/** The value of a condition key, or the values of a multi-valued one. */
export type ContextValue = string | number | boolean | readonly (string | number | boolean)[];

/**
 * The condition keys of a request (`aws:SourceIp`, `cognito-identity.amazonaws.com:sub` …). A key without a value is
 * absent from the request, which decides conditions by IAM's rules; `undecidable` keys leave them undecided.
 */
export type Context = Readonly<Record<string, ContextValue | typeof undecidable | undefined>>;

/** One operator applied to one key. */
export type Condition = {
  /** Undefined if the operator is unknown. */
  operator: string | undefined;
  quantifier: "ForAnyValue" | "ForAllValues" | undefined;
  ifExists: boolean;
  /** In lower case. */
  key: string;
  values: readonly string[];
};

/** "unknown" means undecidable: it never allows and always denies. */
export type Ternary = boolean | "unknown";
/** Compares a value of the request with one of the policy. */
type Compare = (actual: string, wanted: string, variables: Facts | undefined) => Ternary;

/**
 * Parses a Condition block.
 * @throws Error unless it is an object of objects of values. Unknown operators are kept (see conditionsHold).
 */
export function parseConditions(block: unknown, name: string): Condition[] {
  if (block === undefined) return [];
  const conditions: Condition[] = [];
  for (const [spelled, keys] of members(block, name)) {
    const operation = readOperator(spelled);
    for (const [key, value] of members(keys, name)) {
      const values = [value].flat();
      if (!values.every((v) => ["string", "number", "boolean"].includes(typeof v))) {
        throw new Error(`${name}: the values of condition '${key}' must be strings, numbers or booleans.`);
      }
      conditions.push({ ...operation, key: key.toLowerCase(), values: values.map(String) });
    }
  }
  return conditions;
}

/** Splits an operator into its quantifier, name and `IfExists`. */
export function readOperator(spelled: string): Pick<Condition, "operator" | "quantifier" | "ifExists"> {
  const match = /^(?:(ForAnyValue|ForAllValues):)?(\w+?)(IfExists)?$/.exec(spelled);
  const operator = match?.[2];
  const quantifier = match?.[1] as Condition["quantifier"];
  const ifExists = match?.[3] !== undefined;
  const known =
    operator !== undefined && (operator === "Null" ? !ifExists && !quantifier : isOperator(operator));
  return { operator: known ? operator : undefined, quantifier, ifExists };
}

function members(value: unknown, name: string): [string, unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${name}: Condition must be an object of operators, each an object of condition keys.`);
  }
  return Object.entries(value);
}

/**
 * Whether all conditions hold. "unknown" if one cannot be decided and no other certainly fails; with an unknown
 * operator nothing is certain.
 */
export function conditionsHold(
  conditions: readonly Condition[],
  context: Facts,
  variables: boolean,
): Ternary {
  if (conditions.some(({ operator }) => operator === undefined)) return "unknown";
  const results = conditions.map((condition) => holds(condition, context, variables ? context : undefined));
  if (results.includes(false)) return false;
  return results.includes("unknown") ? "unknown" : true;
}

function holds(condition: Condition, context: Facts, variables: Facts | undefined): Ternary {
  const operator = condition.operator!;
  const actual = context.get(condition.key);
  if (actual === undecidable) return "unknown";
  const present = actual !== undefined && actual.length > 0;
  if (operator === "Null") {
    return any(
      condition.values.map((value) =>
        /^(?:true|false)$/i.test(value) ? /true/i.test(value) !== present : "unknown",
      ),
    );
  }
  const [positive, negated] = baseOf(operator);
  if (!present) {
    if (condition.ifExists || condition.quantifier === "ForAllValues") return true;
    return condition.quantifier === "ForAnyValue" ? false : negated;
  }
  // One value of the request against all of the policy: any may match, or, if negated, none may.
  const one = (value: string) => {
    const fits = any(condition.values.map((wanted) => OPERATORS[positive]!(value, wanted, variables)));
    // A variable without a value matches nothing, and negation must not turn that into a permission.
    if (!negated) {
      const open = condition.values.some((wanted) => namesUndecidable(wanted, variables));
      return fits === false && open ? "unknown" : fits;
    }
    return fits === true
      ? false
      : fits === "unknown" || condition.values.some((v) => unresolved(v, variables))
        ? "unknown"
        : true;
  };
  const results = actual.map(one);
  if (condition.quantifier === "ForAnyValue") return any(results);
  if (condition.quantifier === "ForAllValues")
    return results.includes(false) ? false : results.includes("unknown") ? "unknown" : true;
  return results.length === 1 ? results[0]! : "unknown";
}

/** Whether any of them holds. */
export function any(results: readonly Ternary[]): Ternary {
  return results.includes(true) ? true : results.includes("unknown") ? "unknown" : false;
}

function unresolved(value: string, variables: Facts | undefined): boolean {
  return substitute(value, variables) === undefined;
}

/** The positive operators; negated ones are their opposites (see baseOf). */
const OPERATORS: Readonly<Record<string, Compare>> = {
  StringEquals: (actual, wanted, variables) => actual === substitute(wanted, variables),
  StringEqualsIgnoreCase: (actual, wanted, variables) =>
    actual.toLowerCase() === substitute(wanted, variables)?.toLowerCase(),
  StringLike: like,
  ArnEquals: arnLike,
  ArnLike: arnLike,
  BinaryEquals: (actual, wanted) => actual === wanted,
  Bool: (actual, wanted, variables) => actual.toLowerCase() === substitute(wanted, variables)?.toLowerCase(),
  IpAddress: inNetwork,
  ...comparisons("Numeric", number),
  ...comparisons("Date", date),
};

/** The positive operator of a name, and whether the name negates it. */
export function baseOf(operator: string): readonly [string, boolean] {
  const positive =
    operator === "NotIpAddress"
      ? "IpAddress"
      : operator.replace(/^(String|Numeric|Date|Arn)Not(?=Equals|Like)/, "$1");
  return [positive, positive !== operator];
}

function isOperator(operator: string): boolean {
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
  if (positive === "Null" || positive === "Bool") return /^(?:true|false)$/i.test(value);
  if (positive.startsWith("Numeric")) return !Number.isNaN(number(value));
  if (positive.startsWith("Date")) return !Number.isNaN(date(value));
  if (positive === "IpAddress") return inNetwork("192.0.2.1", value, undefined) !== "unknown";
  return !positive.startsWith("Arn") || arnParts(value, true).length === 6;
}

function comparisons(prefix: string, read: (text: string) => number): Record<string, Compare> {
  const compare =
    (test: (a: number, b: number) => boolean): Compare =>
    (actual, wanted, variables) => {
      const a = read(actual);
      const b = read(substitute(wanted, variables) ?? "");
      return Number.isNaN(a) || Number.isNaN(b) ? "unknown" : test(a, b);
    };
  return {
    [`${prefix}Equals`]: compare((a, b) => a === b),
    [`${prefix}LessThan`]: compare((a, b) => a < b),
    [`${prefix}LessThanEquals`]: compare((a, b) => a <= b),
    [`${prefix}GreaterThan`]: compare((a, b) => a > b),
    [`${prefix}GreaterThanEquals`]: compare((a, b) => a >= b),
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

function like(actual: string, wanted: string, variables: Facts | undefined): boolean {
  const pattern = compilePattern(wanted, variables);
  return pattern !== undefined && matchesPattern(pattern, actual);
}

/** Compares the six parts of an ARN separately: a `*` in one does not extend into the next. */
function arnLike(actual: string, wanted: string, variables: Facts | undefined): boolean {
  const given = arnParts(actual, false);
  const patterns = arnParts(wanted, variables !== undefined);
  return (
    patterns.length === 6 &&
    given.length === 6 &&
    patterns.every((part, i) => like(given[i]!, part, variables))
  );
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

/**
 * Whether an address is in a network in CIDR notation, or equals the given address. IPv4 mapped into IPv6 counts as
 * IPv4.
 */
function inNetwork(actual: string, wanted: string, variables: Facts | undefined): Ternary {
  const address = plainAddress(actual);
  const [network = "", length, ...more] = (substitute(wanted, variables) ?? "").split("/");
  const family = isIP(network);
  const bits = family === 6 ? 128 : 32;
  const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : bits + 1;
  if (!isIP(address) || !family || prefix > bits || more.length > 0) return "unknown";
  if (isIP(address) !== family) return false;
  const list = new BlockList();
  list.addSubnet(network, prefix, family === 6 ? "ipv6" : "ipv4");
  return list.check(address, family === 6 ? "ipv6" : "ipv4");
}

function plainAddress(text: string): string {
  return text.replace(/^::ffff:(?=\d+\.)/i, "");
}
