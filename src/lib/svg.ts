/**
 * Whether an SVG image is one that can be shown to strangers: no script, no event handlers, no foreign elements, nothing
 * fetched from elsewhere. Elements are allowed by name, and what is not understood is refused. It stands beside the
 * Content-Security-Policy that such an image is served with, not in its place.
 */
import { type SaxesAttributeNS, SaxesParser, type SaxesTagNS } from "saxes";

const SVG = "http://www.w3.org/2000/svg";

/** Elements of SVG 2 that draw or describe. Links, scripts, animations and foreignObject are not among them. */
const drawing = new Set(
  (
    "svg g defs symbol use switch title desc metadata style path rect circle ellipse line polyline polygon text tspan " +
    "textPath image linearGradient radialGradient stop pattern clipPath mask marker filter view " +
    "feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap " +
    "feDistantLight feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur feImage feMerge feMergeNode " +
    "feMorphology feOffset fePointLight feSpecularLighting feSpotLight feTile feTurbulence"
  ).split(" "),
);

/** Namespaces of the W3C whose elements draw nothing; of the others (XHTML, MathML …) none may occur. */
const inertNamespaces = new Set([
  "http://www.w3.org/1999/xlink",
  "http://www.w3.org/XML/1998/namespace",
  "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
  "http://www.w3.org/2000/01/rdf-schema#",
]);

/** Why the image is refused, to be read after "The SVG image"; undefined when it is fine. Takes linear time. */
export function svgFault(bytes: Uint8Array): string | undefined {
  try {
    new Checks().run(decode(bytes));
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
}

class Fault extends Error {}

function fault(message: string): never {
  throw new Fault(message);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return fault("is not UTF-8 text.");
  }
}

const MOST_NESTED = 100;

/** Takes what a strict parser of XML finds, piece by piece. Throws Fault at the first that is not allowed. */
class Checks {
  readonly #parser = new SaxesParser({ xmlns: true, forceXMLVersion: true, defaultXMLVersion: "1.0" });
  readonly #open: string[] = [];
  readonly #prefixes = new Map<string, string>();
  /** What stands in a style element, whose parts the parser of CSS joins. */
  #style = "";

  constructor() {
    const parser = this.#parser;
    const inStyle = (text: string) => {
      if (this.#open.at(-1) === "style") this.#style += text;
    };
    parser.on("error", ({ message }) => fault(faultOf(message)));
    parser.on("xmldecl", ({ encoding = "utf-8" }) => {
      if (encoding.toLowerCase() !== "utf-8") fault("is not UTF-8 text.");
    });
    parser.on("processinginstruction", () => fault("has a processing instruction."));
    parser.on("doctype", (content) => {
      // The parser reads over declarations without heeding them.
      if (/[[<>]/.test(content)) fault("declares entities.");
    });
    parser.on("text", inStyle);
    parser.on("cdata", inStyle);
    parser.on("attribute", checkAttribute);
    parser.on("opentag", (tag) => this.#startTag(tag));
    parser.on("closetag", (tag) => this.#endTag(tag));
  }

  run(text: string): void {
    this.#parser.write(text).close();
  }

  #startTag(tag: SaxesTagNS): void {
    const { name, prefix, local, uri } = tag;
    if (this.#open.at(-1) === "style") fault("has an element inside a style.");
    const attributes = Object.values(tag.attributes);
    for (const attribute of attributes) this.#checkNamespace(attribute);
    if (this.#open.length === 0 && (name !== "svg" || uri !== SVG))
      fault(`has no svg element of the namespace ${SVG} at its root.`);
    // Elements of editors' namespaces draw nothing, and nobody runs them.
    if ((uri === SVG && (prefix !== "" || !drawing.has(local))) || prefix === "xml")
      fault(`has an element ${name}, which is not allowed.`);
    for (const { name, value } of attributes) if (!plainAttribute.test(name)) checkStyle(value);
    this.#open.push(name);
    if (this.#open.length > MOST_NESTED) fault("is nested too deeply.");
  }

  #endTag({ name }: SaxesTagNS): void {
    this.#open.pop();
    if (name !== "style") return;
    checkStyle(this.#style);
    this.#style = "";
  }

  #checkNamespace({ name, prefix, value }: SaxesAttributeNS): void {
    if (name === "xmlns" ? value !== SVG : prefix === "xmlns" && isForeign(value))
      fault(`uses the namespace ${value.slice(0, 100)}.`);
    if (name !== "xmlns" && prefix !== "xmlns") return;
    const known = this.#prefixes.get(name);
    if (known !== undefined && known !== value) fault(`redefines ${name}.`);
    this.#prefixes.set(name, value);
  }
}

function isForeign(namespace: string): boolean {
  if (namespace === SVG || inertNamespaces.has(namespace)) return false;
  return namespace.trim() !== namespace || /^https?:\/\/www\.w3\.org\//i.test(namespace);
}

/** The parser's words, where they say more than that the image is not well-formed. */
function faultOf(message: string): string {
  if (message.includes("undefined entity")) return "has an unknown entity.";
  if (message.includes("unbound namespace prefix")) return "has an element or attribute of no namespace.";
  return "is not well-formed.";
}

/** Attributes that are read by people, name things or have a prefix, and never are a style. */
const plainAttribute = /^(?:aria-.*|data-.*|xmlns|id|class|role|lang|version|href|src|[^:]*:.*)$/;
const embeddedImage = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*$/;

function checkAttribute({ name, local, value }: Pick<SaxesAttributeNS, "name" | "local" | "value">): void {
  const folded = local.toLowerCase();
  if (folded.startsWith("on")) fault(`has an event handler ${name}.`);
  if (name === "xml:base") fault("changes its base.");
  if ((folded === "href" || folded === "src") && !value.startsWith("#") && !embeddedImage.test(value))
    fault(`refers to something outside (${name}).`);
}

/** A style, or an attribute that is one: only references to what stands in the image itself. */
function checkStyle(css: string): void {
  if (css.includes("\\")) fault("has an escape in a style.");
  if (css.includes("@")) fault("has an @ rule in a style.");
  if (
    /(?:image|set|src|fade|element|expression|paint)\s*\(|-moz-binding|behavior|(?:java|vb)script:/i.test(css)
  )
    fault("has a style that could load or run something.");
  for (const [, target] of css.matchAll(/url\s*\(\s*["']?(.?)/gis))
    if (target !== "#") fault("refers to something outside (url).");
}
