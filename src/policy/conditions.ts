/** Condition blocks of IAM policies ("IAM JSON policy elements: Condition", IAM User Guide). */
import { baseOf, type Compare, compileValue, isOperator, type Ternary, truth } from "./operators.ts";
import { type Facts, undecidable } from "./patterns.ts";

/** The value of a condition key, or the values of a multi-valued one. */
export type ContextValue = string | number | boolean | readonly (string | number | boolean)[];

/**
 * The condition keys of a request (`aws:SourceIp`, `cognito-identity.amazonaws.com:sub` …). A key without a value is
 * absent from the request, which decides conditions by IAM's rules; `undecidable` keys leave them undecided.
 */
export type Context = Readonly<Record<string, ContextValue | typeof undecidable | undefined>>;

/** One operator applied to one key, compiled. */
export interface Condition {
  readonly test: (facts: Facts) => Ternary;
  /** The condition keys that it and its variables name, in lower case. */
  readonly keys: readonly string[];
}

/** An operator as a policy spells it. */
interface Operation {
  /** Undefined if the operator is unknown. */
  readonly operator: string | undefined;
  readonly quantifier: "ForAnyValue" | "ForAllValues" | undefined;
  readonly ifExists: boolean;
}

/**
 * Parses a Condition block. Unknown operators are kept: what they decide is unknown, whatever the other conditions.
 * @throws Error unless it is an object of objects of values
 */
export function parseConditions(block: unknown, variables: boolean, name: string): Condition[] {
  if (block === undefined) return [];
  const conditions: Condition[] = [];
  for (const [spelled, keys] of members(block, name)) {
    const operation = readOperator(spelled);
    for (const [key, value] of members(keys, name)) {
      const values = [value].flat();
      if (!values.every((v) => ["string", "number", "boolean"].includes(typeof v))) {
        throw new Error(`${name}: the values of condition '${key}' must be strings, numbers or booleans.`);
      }
      conditions.push(compile(operation, key.toLowerCase(), values.map(String), variables));
    }
  }
  return conditions;
}

/** Splits an operator into its quantifier, name and `IfExists`. */
export function readOperator(spelled: string): Operation {
  const match = /^(?:(ForAnyValue|ForAllValues):)?(\w+?)(IfExists)?$/.exec(spelled);
  const operator = match?.[2];
  const quantifier = match?.[1] as Operation["quantifier"];
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
export function conditionsHold(conditions: readonly Condition[], facts: Facts): Ternary {
  let all: Ternary = true;
  for (const { test } of conditions) {
    const holds = test(facts);
    if (holds === false) {
      if (!conditions.some((one) => one.test === undecided)) return false;
      return "unknown";
    }
    if (holds === "unknown") all = "unknown";
  }
  return all;
}

/** What an unknown operator tells. */
const undecided = (): Ternary => "unknown";

function compile(
  { operator, quantifier, ifExists }: Operation,
  key: string,
  values: readonly string[],
  variables: boolean,
): Condition {
  if (operator === undefined) return { test: undecided, keys: [key] };
  if (operator === "Null") return { test: nullTest(key, values), keys: [key] };
  const [positive, negated] = baseOf(operator);
  const compiled = values.map((value) => compileValue(positive, value, variables));
  const wanted = compiled.map(({ compare }) => compare);
  const one = negated
    ? (actual: string, facts: Facts) => noneFits(wanted, actual, facts)
    : (actual: string, facts: Facts) => anyFits(wanted, actual, facts);
  const test = (facts: Facts): Ternary => {
    const actual = facts.get(key);
    if (actual === undecidable) return "unknown";
    const isAbsent = actual === undefined || actual.length === 0;
    if (isAbsent && ifExists) return true;
    if (quantifier !== undefined && isNull(actual)) return quantifier === "ForAllValues";
    if (isAbsent) return negated;
    if (actual.length === 1) return one(actual[0]!, facts);
    const results = actual.map((value) => one(value, facts));
    if (quantifier === "ForAnyValue") return any(results);
    return quantifier === "ForAllValues" ? every(results) : "unknown";
  };
  return { test, keys: [key, ...compiled.flatMap(({ keys }) => keys)] };
}

/**
 * Whether a key has no value for Null and for ForAllValues and ForAnyValue: absent, or "a null dataset, such as an
 * empty string".
 */
function isNull(values: readonly string[] | undefined): boolean {
  return values === undefined || values.every((value) => value === "");
}

function nullTest(key: string, values: readonly string[]): (facts: Facts) => Ternary {
  const wanted = values.map(truth);
  return (facts) => {
    const actual = facts.get(key);
    if (actual === undecidable) return "unknown";
    const found = isNull(actual);
    return any(wanted.map((one) => (one === undefined ? "unknown" : one === found)));
  };
}

/** Whether one of the policy's values fits a value of the request. A variable without a value fits nothing. */
function anyFits(wanted: readonly Compare[], actual: string, facts: Facts): Ternary {
  let result: Ternary = false;
  for (const compare of wanted) {
    const fits = compare(actual, facts);
    if (fits === true) return true;
    if (fits === "unknown") result = "unknown";
  }
  return result;
}

/**
 * Whether none of the policy's values fits a value of the request. A variable without a value leaves it undecided, so
 * that negation does not turn it into a permission.
 */
function noneFits(wanted: readonly Compare[], actual: string, facts: Facts): Ternary {
  let result: Ternary = true;
  for (const compare of wanted) {
    const fits = compare(actual, facts);
    if (fits === true) return false;
    if (fits !== false) result = "unknown";
  }
  return result;
}

/** Whether any of them holds. */
function any(results: readonly Ternary[]): Ternary {
  return results.includes(true) ? true : results.includes("unknown") ? "unknown" : false;
}

function every(results: readonly Ternary[]): Ternary {
  return results.includes(false) ? false : results.includes("unknown") ? "unknown" : true;
}

/** The facts of a context, by their keys in lower case. */
export function factsOf(context: Context): Facts {
  const facts = new Map<string, readonly string[] | typeof undecidable>();
  for (const [key, value] of Object.entries(context)) {
    if (value === undecidable) facts.set(key.toLowerCase(), undecidable);
    else if (Array.isArray(value)) facts.set(key.toLowerCase(), value.map(String));
    else if (value !== undefined) facts.set(key.toLowerCase(), [String(value)]);
  }
  return facts;
}
