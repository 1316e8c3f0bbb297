/** What all policy documents have in common ("Grammar of the IAM JSON policy language", IAM User Guide). */
import { closest } from "../lib/closest.ts";
import { type Condition, parseConditions } from "./conditions.ts";
import { compilePattern, matchesPattern, type Pattern } from "./patterns.ts";

/** The longest accepted document, in characters; IAM's own limit is 10,240 without white space. */
const MAX_LENGTH = 32_768;

/** An object of a document. */
export type Given = Readonly<Record<string, unknown>>;

/** `negated` is for NotAction. */
export interface Actions {
  readonly negated: boolean;
  readonly patterns: readonly Pattern[];
}

/** The elements that every statement has. */
export interface Common {
  readonly effect: "Allow" | "Deny";
  readonly conditions: readonly Condition[];
}

export interface Document {
  /** Whether it has policy variables: those of Version 2008-10-17 have none. */
  readonly variables: boolean;
  readonly statements: readonly { readonly given: Given; readonly name: string }[];
}

/**
 * Reads a document as far as its statements.
 * @throws Error with a text for its author
 */
export function readDocument(json: string): Document {
  if (json.length > MAX_LENGTH) throw new Error(`A policy has at most ${MAX_LENGTH} characters.`);
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch (error) {
    // The engine's own words end with ours at times.
    const where = (error as Error).message.replace(/ is not valid JSON$/, "");
    throw new Error(`The policy is not valid JSON: ${where}.`);
  }
  const policy = record(document, "The policy");
  refuseOthers(policy, ["Version", "Id", "Statement"], "The policy");
  const version = policy["Version"] ?? "2008-10-17";
  if (version !== "2012-10-17" && version !== "2008-10-17") {
    throw new Error("Version must be 2012-10-17 or 2008-10-17.");
  }
  const given = policy["Statement"];
  const statements = Array.isArray(given) ? given : [given];
  if (given === undefined || statements.length === 0) throw new Error("A policy needs a Statement.");
  return {
    variables: version === "2012-10-17",
    statements: statements.map((statement, index) => {
      const name = `Statement ${index + 1}`;
      return { given: record(statement, name), name };
    }),
  };
}

/** Reads Sid, Effect and Condition of a statement, which may have the given members. */
export function readCommon(
  statement: Given,
  known: readonly string[],
  { variables, name }: { readonly variables: boolean; readonly name: string },
): Common {
  refuseOthers(statement, ["Sid", "Effect", "Condition", ...known], name);
  if (statement["Sid"] !== undefined && typeof statement["Sid"] !== "string") {
    throw new Error(`${name}: Sid must be a string.`);
  }
  const effect = statement["Effect"];
  if (effect !== "Allow" && effect !== "Deny") throw new Error(`${name}: Effect must be Allow or Deny.`);
  return { effect, conditions: parseConditions(statement["Condition"], variables, name) };
}

/** Compiles action patterns; those of an identity's policy have the form `service:Action`, or are `*`. */
export function compileActions(patterns: readonly string[], negated: boolean, name: string): Actions {
  for (const pattern of patterns) {
    if (pattern !== "*" && !/^[\w*?-]+:[\w*?]+$/.test(pattern)) {
      throw new Error(`${name}: '${pattern}' is no action; actions have the form service:Action.`);
    }
  }
  return { negated, patterns: patterns.map((pattern) => compilePattern(pattern.toLowerCase())) };
}

/** Whether a statement's actions include one, which is given in lower case. */
export function includesAction({ negated, patterns }: Actions, action: string): boolean {
  for (const pattern of patterns) if (matchesPattern(pattern, action)) return !negated;
  return negated;
}

/** A string, or a list of at least one, none of them empty. */
export function texts(value: unknown, member: string, name: string): readonly string[] {
  const list = [value].flat();
  if (list.length === 0 || !list.every((text) => typeof text === "string" && text !== "")) {
    throw new Error(`${name}: ${member} must be a string or a list of strings.`);
  }
  return list as string[];
}

export function record(value: unknown, name: string): Given {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${name} must be a JSON object.`);
  }
  return value as Given;
}

function refuseOthers(value: Given, known: readonly string[], name: string): void {
  const other = Object.keys(value).find((member) => !known.includes(member));
  if (other === undefined) return;
  const meant = closest(other, known);
  throw new Error(
    `${name} has an unknown member '${other}'.${meant === undefined ? "" : ` Did you mean '${meant}'?`}`,
  );
}
