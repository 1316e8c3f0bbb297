/**
 * What the rows of this folder look like. Their expected values are worked out by hand from the IAM User Guide, and each says
 * which rule it is about.
 */
import type { Context, Decision } from "../../../src/policy/policy.ts";

/** The rule, the statements of one policy, the request, and the decision. */
export type StatementRow = readonly [
  why: string,
  statements: readonly object[],
  request: { readonly action: string; readonly resource?: string; readonly context?: Context },
  expected: Decision,
];

/** Whether a condition holds; `U` cannot be decided, which allows nothing and denies. */
export type Holds = "Y" | "N" | "U";

/** An operator, its value or values in the policy, the value of the key in the request (undefined: absent), and the rule. */
export type OperatorRow = readonly [
  operator: string,
  wanted: unknown,
  actual: string | number | boolean | readonly string[] | undefined,
  holds: Holds,
  why: string,
];
