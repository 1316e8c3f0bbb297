/**
 * Turns a request body into a value that satisfies the AWS model, or refuses it in Cognito's own words: all violated
 * constraints of a request together, as `N validation error(s) detected: …; …`. Clients parse these texts, so they
 * follow recorded answers. Smithy's constraint traits define the meaning:
 * https://smithy.io/2.0/spec/constraint-traits.html
 */

import { decodeBody } from "./decode.ts";
import {
  type ListShape,
  type MapShape,
  type Model,
  type OperationTypes,
  type Shape,
  type Shapes,
  shapeOf,
} from "./model.ts";
import { matchesPattern } from "./pattern.ts";
import { refuseFor } from "./refuse.ts";

/** Keeps the answer small whatever was sent. */
const MAX_PRINTED_VIOLATIONS = 100;
const MAX_PRINTED_CHARACTERS = 256;
/**
 * A text longer than both this and its own limit is not matched against its pattern: its length is violation enough.
 */
const MAX_MATCHED_LENGTH = 4096;

interface Report {
  readonly shapes: Shapes;
  readonly path: string[];
  readonly printed: string[];
  /** Members of the input that are at fault. */
  readonly names: Set<string>;
  count: number;
}

/**
 * Decodes and checks the body of a call. A type error is refused at once, with SerializationException; violated
 * constraints with the model's `constraintError`.
 */
export function parseInput<
  Operations extends OperationTypes<Operations>,
  N extends keyof Operations & string,
>(model: Model<Operations>, operationName: N, body: string): Operations[N]["input"] {
  const { input } = model.operations[operationName];
  const value = decodeBody(model.shapes, input, body);
  if (input !== null) {
    const report: Report = { shapes: model.shapes, path: [], printed: [], names: new Set(), count: 0 };
    checkValue(report, shapeOf(model.shapes, input), value, false);
    if (report.count > 0) refuseAll(report, model.constraintError);
  }
  return value as Operations[N]["input"];
}

/** Whether a text satisfies the constraints of a shape, for texts that no request contains. */
export function isOfShape({ shapes }: Pick<Model<never>, "shapes">, name: string, text: string): boolean {
  return brokenConstraints(shapeOf(shapes, name), text).length === 0;
}

function refuseAll({ count, printed, names }: Report, error: Model<never>["constraintError"]): never {
  const errors = count === 1 ? "error" : "errors";
  const violations = `${count} validation ${errors} detected: ${printed.join("; ")}`;
  const reason = error === "ValidationException" ? "inputInvalid" : "inputMalformed";
  return refuseFor(reason, { violations, names: [...names] });
}

/** Checks a value. `hidden` is inherited: nothing inside a sensitive structure or list is ever printed. */
function checkValue(report: Report, shape: Shape, value: unknown, hidden: boolean): void {
  const isHidden = hidden || shape.sensitive === true;
  for (const broken of brokenConstraints(shape, value)) violation(report, shape, value, isHidden, broken);
  if (shape.type === "structure")
    checkMembers(report, shape.members, value as Record<string, unknown>, isHidden);
  else if (shape.type === "list") checkItems(report, shape, value as unknown[], isHidden);
  else if (shape.type === "map") checkEntries(report, shape, value as Record<string, unknown>, isHidden);
}

function checkMembers(
  report: Report,
  members: Extract<Shape, { type: "structure" }>["members"],
  value: Record<string, unknown>,
  hidden: boolean,
): void {
  for (const [name, member] of Object.entries(members)) {
    const item = value[name];
    if (item === undefined && member.required !== true) continue;
    report.path.push(name.charAt(0).toLowerCase() + name.slice(1));
    if (item === undefined) add(report, "Value null", "Member must not be null");
    else checkValue(report, shapeOf(report.shapes, member.target), item, hidden);
    report.path.pop();
  }
}

/**
 * Checks the items of a list. Violations in structures are reported one by one (`userAttributes.1.member.name`), those
 * of plain values for the list as a whole.
 */
function checkItems(report: Report, shape: ListShape, items: readonly unknown[], hidden: boolean): void {
  const element = shapeOf(report.shapes, shape.member);
  if (isAggregate(element)) {
    for (const [index, item] of items.entries()) checkAt(report, String(index + 1), element, item, hidden);
  } else {
    checkAll(report, shape, items, hidden, { element, values: items, label: "Member" });
  }
}

/**
 * Checks the entries of a map. Violations in keys and plain values are reported for the map as a whole, those in
 * structures under their key.
 */
function checkEntries(report: Report, shape: MapShape, map: Record<string, unknown>, hidden: boolean): void {
  const [keys, element] = [shapeOf(report.shapes, shape.key), shapeOf(report.shapes, shape.value)];
  checkAll(report, shape, map, hidden, { element: keys, values: Object.keys(map), label: "Map keys" });
  if (isAggregate(element)) {
    for (const [key, item] of Object.entries(map)) checkAt(report, cut(key), element, item, hidden);
  } else {
    checkAll(report, shape, map, hidden, { element, values: Object.values(map), label: "Map value" });
  }
}

function isAggregate(shape: Shape): boolean {
  return shape.type === "structure" || shape.type === "list" || shape.type === "map";
}

function checkAt(report: Report, key: string, element: Shape, item: unknown, hidden: boolean): void {
  report.path.push(key, "member");
  checkValue(report, element, item, hidden);
  report.path.length -= 2;
}

/** Reports one violation for a whole collection that names every constraint of its element, as Cognito does. */
function checkAll(
  report: Report,
  shape: ListShape | MapShape,
  collection: unknown,
  hidden: boolean,
  of: { element: Shape; values: readonly unknown[]; label: string },
): void {
  if (of.values.every((value) => brokenConstraints(of.element, value).length === 0)) return;
  const constraint = `${of.label} must satisfy constraint: [${allConstraints(of.element).join(", ")}]`;
  violation(report, shape, collection, hidden, constraint);
}

function violation(report: Report, shape: Shape, value: unknown, hidden: boolean, constraint: string): void {
  const isPrinted = !hidden && isPrintable(report.shapes, shape);
  add(report, isPrinted ? `Value '${cut(print(value))}'` : "Value", constraint);
}

function add(report: Report, subject: string, constraint: string): void {
  report.count += 1;
  if (report.count > MAX_PRINTED_VIOLATIONS) return;
  report.names.add(report.path.join("."));
  report.printed.push(`${subject} at '${report.path.join(".")}' failed to satisfy constraint: ${constraint}`);
}

/**
 * Whether a value is printed in a message. Structures and blobs are not: AWS prints a Java object's address, and they
 * may hold a secret.
 */
function isPrintable(shapes: Shapes, shape: Shape): boolean {
  if (shape.sensitive === true) return false;
  switch (shape.type) {
    case "structure":
    case "blob":
    case "document":
      return false;
    case "list":
      return isPrintable(shapes, shapeOf(shapes, shape.member));
    case "map":
      return (
        isPrintable(shapes, shapeOf(shapes, shape.key)) && isPrintable(shapes, shapeOf(shapes, shape.value))
      );
    default:
      return true;
  }
}

/** Prints a value as Java's toString: `[a, b]` and `{k=v}`. */
function print(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(print).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  const entries = Object.entries(value).map(([key, item]) => `${key}=${print(item)}`);
  return `{${entries.join(", ")}}`;
}

function cut(text: string): string {
  if (text.length <= MAX_PRINTED_CHARACTERS) return text;
  const characters = [...text.slice(0, 2 * MAX_PRINTED_CHARACTERS + 1)];
  if (characters.length <= MAX_PRINTED_CHARACTERS) return text;
  return `${characters.slice(0, MAX_PRINTED_CHARACTERS).join("")}…`;
}

const NONE: readonly string[] = [];

/** The shape's own constraints that `value` violates, in Cognito's words; not those of its items. */
function brokenConstraints(shape: Shape, value: unknown): readonly string[] {
  switch (shape.type) {
    case "string":
      return brokenText(shape, value as string);
    case "enum":
      return shape.values.includes(value as string) ? NONE : [enumText(shape.values)];
    case "list":
      return brokenBounds(shape, (value as unknown[]).length, "length");
    case "map":
      return brokenBounds(shape, Object.keys(value as object).length, "length");
    case "blob":
      return brokenBounds(shape, byteLength(value as string), "length");
    case "integer":
    case "long":
    case "float":
      return brokenBounds(shape, value as number, "value");
    default:
      return NONE;
  }
}

function brokenText(shape: Extract<Shape, { type: "string" }>, value: string): readonly string[] {
  const broken = brokenBounds(shape, characterCount(value), "length");
  const { pattern } = shape;
  if (pattern === undefined || value.length > Math.max(shape.max ?? Infinity, MAX_MATCHED_LENGTH))
    return broken;
  return matchesPattern(pattern, value) ? broken : [...broken, patternText(pattern)];
}

function brokenBounds(
  { min, max }: { readonly min?: number; readonly max?: number },
  measure: number,
  what: "length" | "value",
): readonly string[] {
  if (min !== undefined && measure < min) return [minText(what, min)];
  if (max !== undefined && measure > max) return [maxText(what, max)];
  return NONE;
}

/** Every constraint of an element, in AWS's order: greatest, least, pattern. */
function allConstraints(shape: Shape): string[] {
  if (shape.type === "enum") return [enumText(shape.values)];
  const { min, max, pattern } = shape as { min?: number; max?: number; pattern?: string };
  const what = shape.type === "string" || shape.type === "blob" ? "length" : "value";
  return [
    ...(max === undefined ? [] : [maxText(what, max)]),
    ...(min === undefined ? [] : [minText(what, min)]),
    ...(pattern === undefined ? [] : [patternText(pattern)]),
  ];
}

function minText(what: string, min: number): string {
  return `Member must have ${what} greater than or equal to ${min}`;
}

function maxText(what: string, max: number): string {
  return `Member must have ${what} less than or equal to ${max}`;
}

function patternText(pattern: string): string {
  return `Member must satisfy regular expression pattern: ${pattern}`;
}

function enumText(values: readonly string[]): string {
  return `Member must satisfy enum value set: [${values.join(", ")}]`;
}

/**
 * Length in Unicode scalar values, which Smithy counts; JavaScript counts UTF-16 units. The text must be well-formed.
 */
function characterCount(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit >= 0xd800 && unit <= 0xdbff) count -= 1;
  }
  return count;
}

function byteLength(base64: string): number {
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  return (base64.length / 4) * 3 - padding;
}
