/**
 * Writes the answers of the Query protocol as XML, or as JSON for those who accept only that, as the authenticators of
 * Kubernetes do.
 */

import type { Shapes } from "../../wire/model.ts";
import { shapeOf } from "../../wire/model.ts";
import type { WireError } from "./errors.ts";

const namespace = "https://sts.amazonaws.com/doc/2011-06-15/";

export interface Written {
  readonly type: "text/xml" | "application/json";
  readonly body: string;
}

export interface Form {
  readonly requestId: string;
  readonly isJson: boolean;
}

/** The answer of an operation. @param output only members that the model declares */
export function writeAnswer(
  form: Form,
  {
    name,
    shapes,
    shape,
    output,
  }: {
    readonly name: string;
    readonly shapes: Shapes;
    readonly shape: string;
    readonly output: Readonly<Record<string, unknown>>;
  },
): Written {
  const metadata = { RequestId: form.requestId };
  if (form.isJson)
    return json({ [`${name}Response`]: { [`${name}Result`]: output, ResponseMetadata: metadata } });
  return xml(`${name}Response`, [
    `<${name}Result>${membersOf(shapes, shape, output)}</${name}Result>`,
    `<ResponseMetadata><RequestId>${form.requestId}</RequestId></ResponseMetadata>`,
  ]);
}

export function writeError({ requestId, isJson }: Form, { code, status, message }: WireError): Written {
  const Type = status < 500 ? "Sender" : "Receiver";
  if (isJson) return json({ Error: { Code: code, Message: message, Type }, RequestId: requestId });
  return xml("ErrorResponse", [
    `<Error><Type>${Type}</Type><Code>${code}</Code><Message>${textOf(message)}</Message></Error>`,
    `<RequestId>${requestId}</RequestId>`,
  ]);
}

const json = (value: object): Written => ({ type: "application/json", body: JSON.stringify(value) });

const xml = (root: string, parts: readonly string[]): Written => ({
  type: "text/xml",
  body: `<${root} xmlns="${namespace}">\n  ${parts.join("\n  ")}\n</${root}>\n`,
});

function membersOf(shapes: Shapes, name: string, value: Readonly<Record<string, unknown>>): string {
  const shape = shapeOf(shapes, name);
  if (shape.type !== "structure") throw new Error(`${name} is not a structure.`);
  return Object.entries(value)
    .map(([key, item]) => `<${key}>${elementOf(shapes, shape.members[key]!.target, item)}</${key}>`)
    .join("");
}

function elementOf(shapes: Shapes, name: string, value: unknown): string {
  const { type } = shapeOf(shapes, name);
  if (type === "structure") return membersOf(shapes, name, value as Readonly<Record<string, unknown>>);
  if (type === "timestamp") return new Date(Number(value) * 1000).toISOString().replace(/\.\d+Z$/, "Z");
  return textOf(String(value));
}

/** A text as XML, without the characters that no XML document can contain (XML 1.0, section 2.2). */
function textOf(text: string): string {
  const allowed = text.toWellFormed().replace(notXml, "\u{fffd}");
  return allowed.replace(/[&<>]/g, (character) => entities[character as keyof typeof entities]);
}

/** Characters that an element cannot contain, as entities. */
const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;" } as const;

const notXml = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
