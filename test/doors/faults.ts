/**
 * What can be wrong with a value, and what the answer to it must be: an independent version of the model's constraints.
 */
import type { Shape } from "../../src/wire/model.ts";
import type { Place } from "./places.ts";

export interface Fault {
  readonly what: string;
  readonly body: string;
  /** Undefined for any error that the operation declares, but no internal error. */
  readonly type: "SerializationException" | "InvalidParameterException" | undefined;
  /** What the message must contain. */
  readonly says: string;
}

const deep = 10_000;
const nested = {
  lists: `${"[".repeat(deep)}${"]".repeat(deep)}`,
  objects: `${'{"a":'.repeat(deep)}1${"}".repeat(deep)}`,
};

/** JSON, made once: every text of every operation is given it. */
const million = JSON.stringify("a".repeat(1_000_000));

/** One JSON text of each type, with the types of shapes that accept it. */
const jsonTypes: Readonly<Record<string, { json: string; fits: readonly Shape["type"][] }>> = {
  "a text": { json: '"text"', fits: ["string", "enum", "document", "blob"] },
  "a number": { json: "1", fits: ["integer", "long", "float", "timestamp", "document"] },
  "a fraction": { json: "1.5", fits: ["float", "timestamp", "document"] },
  "a number beyond all": { json: "1e999", fits: [] },
  true: { json: "true", fits: ["boolean", "document"] },
  false: { json: "false", fits: ["boolean", "document"] },
  "a list": { json: "[]", fits: ["list", "document"] },
  "an object": { json: "{}", fits: ["structure", "map", "document"] },
};

/** The faults of a place, but not those of places inside it. */
export function* faultsOf(place: Place): Generator<Fault> {
  const { shape, path, body, member } = place;
  const isKey = place.reportedAs === "Map keys";
  const at = (json: string, what: string, type: Fault["type"], says = ""): Fault => ({
    what: `${path}: ${what}`,
    body: body(json),
    type,
    says,
  });
  if (member !== undefined) {
    const needed = member.required === true && member.default === undefined;
    const [type, says] = needed
      ? ([
          "InvalidParameterException",
          `Value null at '${path}' failed to satisfy constraint: Member must not be null`,
        ] as const)
      : ([undefined, ""] as const);
    yield { what: `${path}: missing`, body: place.without?.() ?? "", type, says };
    yield at("null", "null", type, says);
  }
  // The key of an object is always a text.
  if (isKey) {
    yield* textFaults(place, at);
    return;
  }
  for (const [what, { json, fits }] of Object.entries(jsonTypes)) {
    if (!fits.includes(shape.type)) yield at(json, what, "SerializationException");
  }
  yield at(nested.lists, "deep lists", "SerializationException", "Expected map or null");
  yield at(nested.objects, "deep objects", "SerializationException", "Expected map or null");
  if (shape.type === "string" || shape.type === "enum") yield* textFaults(place, at);
  if (shape.type === "blob") yield at('"***"', "no base64", "SerializationException");
  if (shape.type === "integer" || shape.type === "long" || shape.type === "float")
    yield* numberFaults(place, at);
  if (shape.type === "list" || shape.type === "map") yield* sizeFaults(place, at);
}

type At = (json: string, what: string, type: Fault["type"], says?: string) => Fault;

/** A constraint in Cognito's words, for the place or, for items, for the whole. */
function broken(place: Place, constraint: string): string {
  const { path, reportedAs } = place;
  const where = `at '${path}' failed to satisfy constraint: `;
  return reportedAs === undefined ? where + constraint : `${where}${reportedAs} must satisfy constraint: [`;
}

function* textFaults(place: Place, at: At): Generator<Fault> {
  const { shape } = place;
  const text = (value: string, what: string, type: Fault["type"], says = "") =>
    at(JSON.stringify(value), what, type, says);
  yield at('"\\ud800"', "half a pair", "SerializationException", "well-formed Unicode");
  yield at('"a\\u0000b"', "a NUL", "SerializationException", "NUL");
  yield at(
    '"a\\udc00\\ud800b"',
    "a pair the wrong way round",
    "SerializationException",
    "well-formed Unicode",
  );
  if (shape.type === "enum") {
    const says = broken(place, `Member must satisfy enum value set: [${shape.values.join(", ")}]`);
    for (const value of [
      "NO_SUCH_VALUE",
      "",
      "__proto__",
      "constructor",
      `${shape.values[0]!.toUpperCase()} `,
    ])
      yield text(value, "unknown", "InvalidParameterException", says);
    yield at(million, "a million characters", "InvalidParameterException", says);
    return;
  }
  if (shape.type !== "string") return;
  const { min = 0, max, pattern } = shape;
  const short = broken(place, `Member must have length greater than or equal to ${min}`);
  if (min > 0) yield text("", "empty", "InvalidParameterException", short);
  if (min > 1) yield text("a".repeat(min - 1), "too short", "InvalidParameterException", short);
  if (max === undefined) {
    yield at(million, "a million characters", undefined);
  } else {
    const long = broken(place, `Member must have length less than or equal to ${max}`);
    yield text("a".repeat(max + 1), "too long", "InvalidParameterException", long);
    yield text("😀".repeat(max + 1), "too long in pairs", "InvalidParameterException", long);
    yield at(million, "a million characters", "InvalidParameterException", long);
  }
  if (pattern === undefined) return;
  const says = broken(place, `Member must satisfy regular expression pattern: ${pattern}`);
  for (const value of misfits(pattern, min, max))
    yield text(value, "bad pattern", "InvalidParameterException", says);
}

/** Texts of a valid length that a pattern refuses; long ones have a bad end, which would reveal backtracking. */
function* misfits(pattern: string, min: number, max = 100_000): Generator<string> {
  const regex = new RegExp(`^(?:${pattern.replace(/^\(\?s\)/, "")})$`, "su");
  const fill = (text: string) => text.repeat(Math.max(min, 1)).slice(0, Math.min(max, 100_000));
  const plain = [" ", "\u0001", "!", "é", "a b", "-", "\n"].map(fill).filter((text) => !regex.test(text));
  if (plain[0] !== undefined) yield plain[0];
  // The reference is not evaluated where it would backtrack forever: these texts cannot match, because of their last
  // character.
  const bad = ["\u0001", " "].find((end) => !/\[\\S\\s\]|\(\?s\)|\.\*/.test(pattern) && !regex.test(end));
  if (bad === undefined || max < 20) return;
  for (const unit of ["a", "{", "{####}", "@", "a.", "1", "-", "/"]) {
    yield unit.repeat(Math.floor((Math.min(max, 20_000) - 1) / unit.length)) + bad;
  }
}

function* numberFaults(place: Place, at: At): Generator<Fault> {
  const { shape } = place;
  const { min, max } = shape as { min?: number; max?: number };
  if (min !== undefined) {
    const says = broken(place, `Member must have value greater than or equal to ${min}`);
    yield at(String(min - 1), "too small", "InvalidParameterException", says);
  }
  if (max !== undefined) {
    const says = broken(place, `Member must have value less than or equal to ${max}`);
    yield at(String(max + 1), "too great", "InvalidParameterException", says);
  }
  if (shape.type === "integer") {
    yield at("2147483648", "beyond 32 bits", "SerializationException");
    yield at("-2147483649", "beyond 32 bits", "SerializationException");
  }
  if (shape.type === "long") yield at("9007199254740993", "beyond what is exact", "SerializationException");
}

function* sizeFaults(place: Place, at: At): Generator<Fault> {
  const { shape, path } = place;
  const { min, max } = shape as { min?: number; max?: number };
  const where = `at '${path}' failed to satisfy constraint: Member must have length `;
  const empty = shape.type === "list" ? "[]" : "{}";
  if (min !== undefined && min > 0)
    yield at(empty, "too few", "InvalidParameterException", `${where}greater than or equal to ${min}`);
  yield at(
    empty.replace(/(.)(.)/, shape.type === "list" ? "$1null$2" : '$1"a":null$2'),
    "of nulls",
    undefined,
  );
  if (max === undefined || max > 5_000) return;
  const items = Array.from({ length: max + 1 }, (_, index) =>
    shape.type === "list" ? place.item : `"k${index}":${place.item}`,
  ).join(",");
  const json = shape.type === "list" ? `[${items}]` : `{${items}}`;
  yield at(json, "too many", "InvalidParameterException", `${where}less than or equal to ${max}`);
}
