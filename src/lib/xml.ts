/**
 * Reads XML strictly: well-formed documents of UTF-8, without a document type and so without entities, within limits. Comments
 * vanish, and the text around them stays whole.
 */
import { type SaxesAttributeNS, SaxesParser } from "saxes";

export interface XmlElement {
  /** The name without its prefix. */
  readonly name: string;
  /** The URI of its namespace; empty if it has none. */
  readonly namespace: string;
  /** Attributes that have no prefix. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Texts and elements, in their order. */
  readonly content: readonly (string | XmlElement)[];
}

export interface XmlLimits {
  readonly characters: number;
  readonly depth: number;
  /** Comments count among them: what canonicalizes a document may take quadratic time for either. */
  readonly elements: number;
}

/** Why a text is not accepted as XML, and where: "line 3, column 9: …". */
export class XmlFault extends Error {}

/** An attribute by which a signature may refer to its element, whatever its prefix. */
const identifier = /^id$/i;

const attributesOf = (attributes: readonly SaxesAttributeNS[]) =>
  new Map(attributes.flatMap(({ prefix, name, value }) => (prefix === "" ? [[name, value] as const] : [])));

/** The root of a document. Throws XmlFault, also if two elements have the same ID. Takes linear time. */
export function readXml(text: string, limits: XmlLimits): XmlElement {
  if (text.length > limits.characters)
    throw new XmlFault(`it has more than ${limits.characters.toLocaleString("en")} characters.`);
  const parser = new SaxesParser({ xmlns: true, forceXMLVersion: true, defaultXMLVersion: "1.0" });
  const open: { content: (string | XmlElement)[] }[] = [{ content: [] }];
  const ids = new Set<string>();
  let elements = 0;
  const fault = (message: string): never => {
    throw new XmlFault(`line ${parser.line}, column ${parser.column}: ${message}`);
  };
  const count = () => {
    elements += 1;
    if (elements > limits.elements) fault(`it has more than ${limits.elements} elements and comments.`);
  };
  const add = (part: string) => {
    if (open.length > 1) open.at(-1)!.content.push(part);
  };
  parser.on("error", ({ message }) => fault(message.replace(/^[\d:]+:?\s*/, "")));
  parser.on("doctype", () => fault("it has a document type (DTD), which is not allowed."));
  parser.on("processinginstruction", () => fault("it has a processing instruction, which is not allowed."));
  parser.on("xmldecl", ({ encoding = "utf-8" }) => {
    if (encoding.toLowerCase() !== "utf-8") fault(`it is in ${encoding}, not in UTF-8.`);
  });
  parser.on("comment", count);
  parser.on("text", add);
  parser.on("cdata", add);
  parser.on("opentag", (tag) => {
    const all = Object.values(tag.attributes);
    for (const { local, value } of all.filter((one) => identifier.test(one.local)))
      if (ids.size === ids.add(value).size) fault(`two elements have the ${local} ${value.slice(0, 100)}.`);
    count();
    if (open.length > limits.depth) fault(`it is nested more than ${limits.depth} deep.`);
    const element = {
      name: tag.local,
      namespace: tag.uri,
      attributes: attributesOf(all),
      content: [] as (string | XmlElement)[],
    };
    open.at(-1)!.content.push(element);
    open.push(element);
  });
  parser.on("closetag", () => void open.pop());
  parser.write(text).close();
  const [root] = elementsOf(open[0]!);
  return root ?? fault("it has no element.");
}

/** The elements directly inside. */
export function elementsOf({ content }: Pick<XmlElement, "content">): XmlElement[] {
  return content.filter((part) => typeof part !== "string");
}

/** The text inside, that of inner elements included. */
export function textOf({ content }: Pick<XmlElement, "content">): string {
  return content.map((part) => (typeof part === "string" ? part : textOf(part))).join("");
}

/** An element and all those inside it, each with the one around it. */
export function* walkXml(
  element: XmlElement,
  parent?: XmlElement,
): Generator<{ readonly element: XmlElement; readonly parent: XmlElement | undefined }> {
  yield { element, parent };
  for (const inner of elementsOf(element)) yield* walkXml(inner, element);
}
