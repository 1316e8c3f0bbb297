/**
 * Encodes an operation's answer as JSON text with only the members that the model declares: a row that is passed whole
 * cannot leak a hash or a sealed value. A value of the wrong type is our defect and throws. AWS JSON 1.1:
 * https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 */

import {
  type Model,
  type OperationTypes,
  type Shape,
  type Shapes,
  type StructureShape,
  shapeOf,
} from "./model.ts";

/** Encodes an operation's answer. Timestamps may be Date and blobs Uint8Array; undefined and null are left out. */
export function encodeOutput<Operations extends OperationTypes<Operations>>(
  model: Model<Operations>,
  operationName: keyof Operations & string,
  value: unknown,
): string {
  const { output } = model.operations[operationName];
  if (output === null) return "{}";
  return JSON.stringify(encode(model.shapes, output, value));
}

function encode(shapes: Shapes, name: string, value: unknown): unknown {
  const shape = shapeOf(shapes, name);
  switch (shape.type) {
    case "structure":
      return encodeStructure(shapes, name, shape, value);
    case "list":
      if (!Array.isArray(value)) return defect(name, value);
      return value.filter(isPresent).map((item) => encode(shapes, shape.member, item));
    case "map":
      return encodeMap(shapes, name, shape.value, value);
    case "document":
      return value;
    default:
      return encodeScalar(shape, name, value);
  }
}

function encodeStructure(shapes: Shapes, name: string, shape: StructureShape, value: unknown): object {
  if (!isRecord(value)) return defect(name, value);
  const result: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(shape.members)) {
    const item = value[key];
    if (isPresent(item)) result[key] = encode(shapes, member.target, item);
  }
  return result;
}

/** Encodes a map as an object without a prototype, as decode.ts does: users name the keys. */
function encodeMap(shapes: Shapes, name: string, target: string, value: unknown): object {
  if (!isRecord(value)) return defect(name, value);
  const result = Object.create(null) as Record<string, unknown>;
  for (const [key, item] of Object.entries(value)) {
    if (isPresent(item)) result[key] = encode(shapes, target, item);
  }
  return result;
}

function encodeScalar(shape: Shape, name: string, value: unknown): unknown {
  switch (shape.type) {
    case "string":
    case "enum":
      if (typeof value === "string") return value;
      break;
    case "boolean":
      if (typeof value === "boolean") return value;
      break;
    case "integer":
    case "long":
      if (Number.isSafeInteger(value)) return value;
      break;
    case "float":
      if (Number.isFinite(value)) return value;
      break;
    case "timestamp": {
      // JSON.stringify writes numbers of this size as plain decimals, which every SDK reads.
      const seconds = value instanceof Date ? value.getTime() / 1000 : value;
      if (Number.isFinite(seconds)) return seconds;
      break;
    }
    case "blob":
      if (typeof value === "string") return value;
      if (value instanceof Uint8Array)
        return Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64");
      break;
  }
  return defect(name, value);
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** Throws an Error that names the shape and the type, never the value. */
function defect(name: string, value: unknown): never {
  throw new TypeError(`${name} cannot be encoded from ${Array.isArray(value) ? "a list" : typeof value}`);
}
