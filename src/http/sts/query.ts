/**
 * Reads the parameters of the Query protocol ("Making Query Requests", IAM User Guide;
 * https://smithy.io/2.0/aws/protocols/aws-query-protocol.html) into the input that a model describes.
 */
import { type Shape, type Shapes, shapeOf } from "../../wire/model.ts";
import { refuse } from "../../wire/refuse.ts";

/** The parameters by name, decoded, without those of a signature. */
export type Parameters = ReadonlyMap<string, string>;

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * The parameters of a query and a form. Throws MalformedQueryString unless they are well-formed, and InvalidQueryParameter
 * if one is given twice: whoever reads the request elsewhere might take the other value.
 */
export function readParameters(query: string, form: Uint8Array): Parameters {
  const parameters = new Map<string, string>();
  for (const part of [...query.split("&"), ...textOf(form).split("&")]) {
    if (part === "") continue;
    const at = part.indexOf("=");
    const [name, value] = at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)];
    const key = decoded(name);
    if (key.startsWith("X-Amz-")) continue;
    if (parameters.has(key)) refuse("InvalidQueryParameter", `The parameter ${shown(key)} is given twice.`);
    parameters.set(key, decoded(value));
  }
  return parameters;
}

const malformed = (): never => refuse("MalformedQueryString", "The query string contains a syntax error.");

function textOf(form: Uint8Array): string {
  try {
    return decoder.decode(form);
  } catch {
    return malformed();
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return malformed();
  }
}

const shown = (name: string) => `'${name.slice(0, 128)}'`;

/** The input of an operation, as a JSON document; the values are yet to be checked. Parameters without a member are ignored. */
export function inputOf(shapes: Shapes, input: string | null, parameters: Parameters): string {
  const read: Reading = { shapes, parameters };
  return JSON.stringify(input === null ? {} : (valueAt(read, shapeOf(shapes, input), "") ?? {}));
}

interface Reading {
  readonly shapes: Shapes;
  readonly parameters: Parameters;
}

/** The value of a shape whose parameters have this name, or begin with it; undefined if there are none. */
function valueAt(read: Reading, shape: Shape, name: string): unknown {
  switch (shape.type) {
    case "structure": {
      const prefix = name === "" ? "" : `${name}.`;
      const members = Object.entries(shape.members).map(([key, { target }]) => [
        key,
        valueAt(read, shapeOf(read.shapes, target), prefix + key),
      ]);
      return Object.fromEntries(members);
    }
    case "list": {
      const member = shapeOf(read.shapes, shape.member);
      const numbers = numbersAt(read, name);
      // An empty list has a parameter of its own, without a value.
      if (numbers.length === 0) return read.parameters.get(name) === "" ? [] : undefined;
      return numbers.map((number) => valueAt(read, member, `${name}.member.${number}`));
    }
    case "integer": {
      const text = read.parameters.get(name);
      return text === undefined ? undefined : integer(text, name);
    }
    default:
      return read.parameters.get(name);
  }
}

function integer(text: string, name: string): number {
  return /^-?\d{1,10}$/.test(text)
    ? Number(text)
    : refuse("SerializationException", `The parameter ${shown(name)} must be an integer.`);
}

/** The numbers of a list's members, in their order. */
function numbersAt({ parameters }: Reading, name: string): number[] {
  const prefix = `${name}.member.`;
  const numbers = new Set<number>();
  for (const key of parameters.keys()) {
    if (!key.startsWith(`${name}.`)) continue;
    const [number = ""] = key.startsWith(prefix) ? key.slice(prefix.length).split(".", 1) : [];
    // A list that is written in another way might be a restriction.
    if (!/^[1-9]\d{0,4}$/.test(number))
      refuse("InvalidQueryParameter", `The parameter ${shown(key)} is not of the form ${prefix}N.`);
    numbers.add(Number(number));
  }
  return [...numbers].sort((one, other) => one - other);
}
