/**
 * Checks that an SVG image is safe to show to strangers: no scripts, event handlers or foreign elements, and nothing
 * loaded from elsewhere. Elements are allowed by name; anything not understood is refused. This complements the
 * Content-Security-Policy that the image is served with; it does not replace it.
 */

const SVG = "http://www.w3.org/2000/svg";

/** Elements of SVG 2 that draw or describe. Links, scripts, animations and foreignObject are left out. */
const drawing = new Set(
  (
    "svg g defs symbol use switch title desc metadata style path rect circle ellipse line polyline polygon text tspan " +
    "textPath image linearGradient radialGradient stop pattern clipPath mask marker filter view " +
    "feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap " +
    "feDistantLight feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur feImage feMerge feMergeNode " +
    "feMorphology feOffset fePointLight feSpecularLighting feSpotLight feTile feTurbulence"
  ).split(" "),
);

/** W3C namespaces whose elements draw nothing; elements of its other namespaces (XHTML, MathML …) are refused. */
const inertNamespaces = new Set([
  "http://www.w3.org/1999/xlink",
  "http://www.w3.org/XML/1998/namespace",
  "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
  "http://www.w3.org/2000/01/rdf-schema#",
]);

/** Why the image is refused, as a continuation of "The SVG image"; undefined if it is fine. Takes linear time. */
export function svgFault(bytes: Uint8Array): string | undefined {
  try {
    new Scanner(new TextDecoder("utf-8", { fatal: true }).decode(bytes)).run();
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error.message;
    if (error instanceof TypeError) return "is not UTF-8 text.";
    throw error;
  }
}

class Fault extends Error {}

function fault(message: string): never {
  throw new Fault(message);
}

const MOST_NESTED = 100;

class Scanner {
  readonly #text: string;
  #at = 0;
  #roots = 0;
  readonly #open: string[] = [];
  readonly #namespaces = new Map<string, string>();
  /** The text of a style element, whose pieces an XML parser would join. */
  #style = "";

  constructor(text: string) {
    this.#text = text;
  }

  run(): void {
    const text = this.#text;
    while (this.#at < text.length) {
      const next = text.indexOf("<", this.#at);
      this.#characters(text.slice(this.#at, next === -1 ? undefined : next));
      if (next === -1) break;
      this.#at = next;
      if (text.startsWith("<!--", next)) this.#comment();
      else if (text.startsWith("<![CDATA[", next)) this.#cdata();
      else if (text.startsWith("<!DOCTYPE", next)) this.#doctype();
      else if (text.startsWith("<?", next)) this.#declaration();
      else if (text.startsWith("</", next)) this.#endTag();
      else this.#startTag();
    }
    if (this.#roots !== 1 || this.#open.length > 0) fault("is not well-formed.");
  }

  #characters(run: string): void {
    if (this.#open.length === 0 && run.trim() !== "") fault("is not well-formed.");
    const decoded = decodeEntities(run);
    if (this.#open.at(-1) === "style") this.#style += decoded;
  }

  /** Moves past the next `end` and returns the text before it. */
  #until(end: string, from: number): string {
    const found = this.#text.indexOf(end, from);
    if (found === -1) fault("is not well-formed.");
    this.#at = found + end.length;
    return this.#text.slice(from, found);
  }

  #comment(): void {
    // XML forbids two hyphens here, and HTML would end the comment elsewhere.
    if (this.#until("-->", this.#at + 4).includes("--")) fault("is not well-formed.");
  }

  #cdata(): void {
    const content = this.#until("]]>", this.#at + 9);
    if (this.#open.length === 0) fault("is not well-formed.");
    if (this.#open.at(-1) === "style") this.#style += content;
  }

  #doctype(): void {
    if (this.#roots > 0 || this.#until(">", this.#at).includes("[")) fault("declares entities.");
  }

  #declaration(): void {
    const isFirst = this.#at === 0;
    const content = this.#until("?>", this.#at + 2);
    if (!isFirst || !/^xml\s/.test(content)) fault("has a processing instruction.");
    const [, encoding] = /encoding\s*=\s*["']([^"']*)["']/.exec(content) ?? [];
    if (encoding !== undefined && encoding.toLowerCase() !== "utf-8") fault("is not UTF-8 text.");
  }

  #endTag(): void {
    const name = this.#until(">", this.#at + 2).trimEnd();
    if (this.#open.pop() !== name) fault("is not well-formed.");
    if (name === "style") {
      checkStyle(this.#style);
      this.#style = "";
    }
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text) ?? undefined;
    if (found !== undefined) this.#at = pattern.lastIndex;
    return found;
  }

  #startTag(): void {
    const name = this.#take(/<([A-Za-z_][\w.:-]*)/y)?.[1] ?? fault("is not well-formed.");
    if (this.#open.at(-1) === "style") fault("has an element inside a style.");
    const attributes: [string, string][] = [];
    for (;;) {
      const found = this.#take(/\s+([A-Za-z_][\w.:-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y);
      if (found === undefined) break;
      attributes.push([found[1]!, decodeEntities(found[2] ?? found[3] ?? "")]);
    }
    const end = this.#take(/\s*(\/?)>/y) ?? fault("is not well-formed.");
    for (const [key, value] of attributes) this.#declareNamespace(key, value);
    this.#checkElement(name);
    for (const [key, value] of attributes) checkAttribute(key, value);
    if (this.#open.length === 0) this.#roots += 1;
    if (end[1] === "") this.#open.push(name);
    if (this.#open.length > MOST_NESTED) fault("is nested too deeply.");
  }

  #declareNamespace(key: string, value: string): void {
    if (key === "xmlns" ? value !== SVG : key.startsWith("xmlns:") && this.#isForeign(value))
      fault(`uses the namespace ${value.slice(0, 100)}.`);
    if (key !== "xmlns" && !key.startsWith("xmlns:")) return;
    const known = this.#namespaces.get(key);
    if (known !== undefined && known !== value) fault(`redefines ${key}.`);
    this.#namespaces.set(key, value);
  }

  #isForeign(namespace: string): boolean {
    if (namespace === SVG || inertNamespaces.has(namespace)) return false;
    return namespace.trim() !== namespace || /^https?:\/\/www\.w3\.org\//i.test(namespace);
  }

  #checkElement(name: string): void {
    const [prefix, local] = name.includes(":") ? name.split(":", 2) : [undefined, name];
    const namespace = this.#namespaces.get(prefix === undefined ? "xmlns" : `xmlns:${prefix}`);
    if (this.#open.length === 0 && (name !== "svg" || namespace !== SVG))
      fault(`has no svg element of the namespace ${SVG} at its root.`);
    if (namespace === undefined) fault(`has an element ${name} of no namespace.`);
    // Elements in the namespaces of editors draw nothing, and no browser runs them.
    if (namespace === SVG && (prefix !== undefined || !drawing.has(local!)))
      fault(`has an element ${name}, which is not allowed.`);
  }
}

const references: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  return text.replace(/&([^;&\s]{0,10};?)/g, (_, name: string) => {
    const [, hex, decimal, word] = /^(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(\w+));$/.exec(name) ?? [];
    const point = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    if (word !== undefined) return references[word] ?? fault(`has an unknown entity &${word};`);
    return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : fault("is not well-formed.");
  });
}

/** Attributes that only people read or that name things; never styles. */
const plainAttribute = /^(?:aria-.*|data-.*|xmlns|id|class|role|lang|version)$/;
const embeddedImage = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*$/;

function checkAttribute(key: string, value: string): void {
  const local = key.slice(key.indexOf(":") + 1).toLowerCase();
  if (local.startsWith("on")) fault(`has an event handler ${key}.`);
  if (key === "xml:base") fault("changes its base.");
  if (local === "href" || local === "src") {
    if (!value.startsWith("#") && !embeddedImage.test(value)) fault(`refers to something outside (${key}).`);
  } else if (!key.includes(":") && !plainAttribute.test(key)) checkStyle(value);
}

/** Checks a style, or an attribute that is one: it may only refer to the image itself. */
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
