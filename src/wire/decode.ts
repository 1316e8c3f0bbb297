/**
 * Decodes JSON text to a value that has the types of a shape; refuses with SerializationException at the first one that
 * does not fit. Constraints (lengths, patterns, …) are left to check.ts: Cognito reports a type error alone, before any
 * of them. AWS JSON 1.1: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 */

import { type Shape, type Shapes, shapeOf } from "./model.ts";
import { refuse } from "./refuse.ts";

/** Deeper than any declared shape; documents (theme settings, passkey data) have room to spare. */
const MAX_DEPTH = 64;

const MAX_INTEGER = 2 ** 31;
/** The range of JavaScript's Date, ±100 million days around 1970, in seconds. */
const MAX_TIMESTAMP = 8.64e12;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

type JsonObject = Record<string, unknown>;

/**
 * Decodes a request body by its input structure (null: the operation takes none). AWS SDKs may leave out an empty body,
 * so "" counts as `{}`; any other text must be a JSON object.
 */
export function decodeBody(shapes: Shapes, input: string | null, body: string): JsonObject {
  const parsed = body === "" ? {} : parseJson(body);
  if (!isObject(parsed)) return mismatch(parsed, "Expected map or null");
  return input === null ? {} : (decode(shapes, shapeOf(shapes, input), parsed) as JsonObject);
}

function malformed(message: string, detail?: string): never {
  return refuse("SerializationException", message, detail);
}

function parseJson(body: string): unknown {
  if (isTooDeep(body)) return malformed("Expected map or null", `nested deeper than ${MAX_DEPTH}`);
  try {
    return JSON.parse(body);
  } catch {
    // The parser's message quotes the body, which may hold a password; it must not even be logged.
    return malformed("Expected map or null", "not JSON");
  }
}

/**
 * Whether the JSON is nested too deeply. Counts brackets outside strings before parsing, so that hostile nesting costs
 * one pass.
 */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '"') index = endOfString(text, index);
    else if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

/** The index of the quote that closes the string opened at `start`; the end of the text if there is none. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text[end - 1 - slashes] === "\\") slashes += 1;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Decodes one value. It is never null: AWS reads null as absent, so every caller drops nulls first. */
function decode(shapes: Shapes, shape: Shape, value: unknown): unknown {
  switch (shape.type) {
    case "structure":
      return decodeStructure(shapes, shape.members, value);
    case "list":
      return decodeList(shapes, shapeOf(shapes, shape.member), value);
    case "map":
      return decodeMap(shapes, shapeOf(shapes, shape.value), value);
    case "string":
    case "enum":
      return typeof value === "string"
        ? wellFormed(value)
        : mismatch(value, `${token(value)} can not be converted to a String`);
    case "boolean":
      return typeof value === "boolean"
        ? value
        : mismatch(value, `${token(value)} can not be converted to a Boolean`);
    case "integer":
      return isInteger(value) ? value : mismatch(value, `${token(value)} cannot be converted to Integer`);
    case "long":
      return Number.isSafeInteger(value)
        ? value
        : mismatch(value, `${token(value)} cannot be converted to Long`);
    case "float":
      return Number.isFinite(value) ? value : mismatch(value, `${token(value)} cannot be converted to Float`);
    case "timestamp":
      return decodeTimestamp(value);
    case "blob":
      return isBase64(value) ? value : mismatch(value, `${token(value)} can not be converted to a Blob`);
    case "document":
      return decodeDocument(value);
  }
}

function decodeStructure(
  shapes: Shapes,
  members: Extract<Shape, { type: "structure" }>["members"],
  value: unknown,
): JsonObject {
  if (!isObject(value)) return mismatch(value, "Expected map or null");
  const result: JsonObject = {};
  for (const [name, member] of Object.entries(members)) {
    const raw = Object.hasOwn(value, name) ? value[name] : null;
    if (raw !== null) result[name] = decode(shapes, shapeOf(shapes, member.target), raw);
    else if (member.default !== undefined) result[name] = member.default;
  }
  return result;
}

function decodeList(shapes: Shapes, element: Shape, value: unknown): unknown[] {
  if (!Array.isArray(value)) return mismatch(value, "Expected list or null");
  return value.filter((item) => item !== null).map((item) => decode(shapes, element, item));
}

/**
 * Decodes a map to an object without a prototype, so that a key like `constructor` or `__proto__` is an ordinary entry.
 */
function decodeMap(shapes: Shapes, element: Shape, value: unknown): JsonObject {
  if (!isObject(value)) return mismatch(value, "Expected map or null");
  const result = Object.create(null) as JsonObject;
  for (const [key, item] of Object.entries(value)) {
    if (item !== null) result[wellFormed(key)] = decode(shapes, element, item);
  }
  return result;
}

function isInteger(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= -MAX_INTEGER && (value as number) < MAX_INTEGER;
}

/** Decodes epoch seconds, or RFC 3339 text, which some clients send although AWS JSON 1.1 asks for a number. */
function decodeTimestamp(value: unknown): number {
  const isText = typeof value === "string" && DATE_TIME.test(value);
  const seconds = isText ? Date.parse(value) / 1000 : value;
  if (typeof seconds !== "number" || !(Math.abs(seconds) <= MAX_TIMESTAMP))
    return mismatch(value, `${token(value)} can not be converted to a Timestamp`);
  return seconds;
}

/** Whether a value is padded standard base64, as the SDKs send it (RFC 4648 section 4). */
function isBase64(value: unknown): value is string {
  if (typeof value !== "string" || value.length % 4 !== 0) return false;
  const padding = value.endsWith("==") ? 2 : value.endsWith("=") ? 1 : 0;
  return !/[^A-Za-z0-9+/]/.test(padding === 0 ? value : value.slice(0, -padding));
}

/**
 * Checks a free-form JSON document. It is fresh from JSON.parse, so it is cleaned in place: `__proto__` keys are
 * removed (a later Object.assign would act on them), and anything that cannot be written back as JSON or UTF-8 is
 * refused.
 */
function decodeDocument(value: unknown): unknown {
  if (typeof value === "string") wellFormed(value);
  else if (typeof value === "number" && !Number.isFinite(value))
    mismatch(value, `${token(value)} can not be converted to a Document`);
  else if (Array.isArray(value)) value.forEach(decodeDocument);
  else if (isObject(value)) {
    if (Object.hasOwn(value, "__proto__")) Reflect.deleteProperty(value, "__proto__");
    for (const [key, item] of Object.entries(value)) {
      wellFormed(key);
      decodeDocument(item);
    }
  }
  return value;
}

/**
 * Refuses half of a surrogate pair, which JSON can escape: it has no UTF-8 form, so no database and no hash would see
 * what was sent. A serialization error, whatever the shape's pattern says.
 */
function wellFormed(text: string): string {
  if (!text.isWellFormed()) return malformed("Expected well-formed Unicode text");
  // PostgreSQL cannot store NUL in text.
  return text.includes("\0") ? malformed("Expected text without NUL characters") : text;
}

/**
 * Refuses a JSON value of the wrong kind in AWS's words; with `otherwise` unless it is the start of an object or array.
 */
function mismatch(value: unknown, otherwise: string): never {
  if (Array.isArray(value)) return malformed("Start of list found where not expected");
  if (isObject(value)) return malformed("Start of structure or map found where not expected.");
  return malformed(otherwise);
}

/** The name AWS's JSON reader has for a scalar: STRING_VALUE, NUMBER_VALUE, TRUE_VALUE, FALSE_VALUE. */
function token(value: unknown): string {
  return `${typeof value === "boolean" ? String(value).toUpperCase() : (typeof value).toUpperCase()}_VALUE`;
}
