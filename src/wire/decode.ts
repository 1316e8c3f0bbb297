/**
 * JSON text → a value that has the types of a shape, or SerializationException at the first thing that does
 * not fit. Constraints (lengths, patterns, …) are not looked at here: Cognito reports a type error alone, before
 * any of them. AWS JSON 1.1: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 */

import { type Shape, type Shapes, shapeOf } from "./model.ts";
import { refuse } from "./refuse.ts";

/** Deeper than any declared shape; a document (theme settings, passkey data) has room to spare. */
const MAX_DEPTH = 64;

const MAX_INTEGER = 2 ** 31;
/** The range of JavaScript's Date, ±100 million days around 1970, in seconds. */
const MAX_TIMESTAMP = 8.64e12;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

type JsonObject = Record<string, unknown>;

/**
 * Decodes a request body against its input structure (null: the operation takes none). The HTTP layer of AWS
 * SDKs may omit an empty body, so "" counts as `{}`; any other text must be a JSON object.
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
    // The parser's own text quotes the body, which may hold a password: it goes nowhere, not even to the log.
    return malformed("Expected map or null", "not JSON");
  }
}

/** Looks at brackets outside strings only, before parsing, so that hostile nesting costs one pass. */
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

/** Index of the quote that closes the string opened at `start`; the end of the text when none does. */
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

/** `value` is never null: every caller drops nulls first, because AWS reads null as absent. */
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

/** The result has no prototype: a caller's key `constructor` or `__proto__` is an entry like any other. */
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

/** Epoch seconds, or RFC 3339 text, which some clients write although AWS JSON 1.1 asks for the number. */
function decodeTimestamp(value: unknown): number {
  const isText = typeof value === "string" && DATE_TIME.test(value);
  const seconds = isText ? Date.parse(value) / 1000 : value;
  if (typeof seconds !== "number" || !(Math.abs(seconds) <= MAX_TIMESTAMP))
    return mismatch(value, `${token(value)} can not be converted to a Timestamp`);
  return seconds;
}

/** Padded standard base64, which is what the SDKs write (RFC 4648 §4). */
function isBase64(value: unknown): value is string {
  if (typeof value !== "string" || value.length % 4 !== 0) return false;
  const padding = value.endsWith("==") ? 2 : value.endsWith("=") ? 1 : 0;
  return !/[^A-Za-z0-9+/]/.test(padding === 0 ? value : value.slice(0, -padding));
}

/**
 * Free JSON. It came fresh out of JSON.parse, so it is mended in place: `__proto__` keys go (some later
 * Object.assign would obey them), and what cannot be written back as JSON or as UTF-8 is refused.
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
 * JSON can escape half of a surrogate pair; such text has no UTF-8, so no database and no hash would see what
 * was sent. It is refused as a serialization error, whatever the shape's own pattern says.
 */
function wellFormed(text: string): string {
  if (!text.isWellFormed()) return malformed("Expected well-formed Unicode text");
  // PostgreSQL text cannot hold it, and nothing that Cognito stores may.
  return text.includes("\0") ? malformed("Expected text without NUL characters") : text;
}

/** AWS's words for a JSON value of the wrong kind; `otherwise` when it is not the start of something. */
function mismatch(value: unknown, otherwise: string): never {
  if (Array.isArray(value)) return malformed("Start of list found where not expected");
  if (isObject(value)) return malformed("Start of structure or map found where not expected.");
  return malformed(otherwise);
}

/** The name AWS's JSON reader has for a scalar: STRING_VALUE, NUMBER_VALUE, TRUE_VALUE, FALSE_VALUE. */
function token(value: unknown): string {
  return `${typeof value === "boolean" ? String(value).toUpperCase() : (typeof value).toUpperCase()}_VALUE`;
}
