/**
 * What HTML in mail may contain: what Outlook's Word engine, Gmail and Apple Mail all show, or drop without harm. Gmail
 * cuts a mail off after 102 kB, and drops a style sheet with anything that it does not know.
 */

/** Attributes by element. Nothing is loaded from elsewhere, and nothing runs. */
const elements: Readonly<Record<string, readonly string[]>> = {
  html: ["lang", "dir"],
  head: [],
  meta: ["charset", "name", "content"],
  title: [],
  style: [],
  body: [],
  div: [],
  table: ["role", "cellpadding", "cellspacing", "border", "width"],
  tr: [],
  td: ["align"],
  h1: [],
  p: [],
  a: ["href"],
  img: ["src", "alt", "height", "border"],
};
const everywhere = ["class", "style", "dir"];

/** Properties with the values they may have. Word ignores those marked, and what it then shows is as good. */
const color = /^#[\da-f]{6}$/;
const length = /^(?:0|\d{1,3}px|100%)$/;
const lengths = /^(?:(?:0|\d{1,3}px) ?){1,4}$/;
const properties: Readonly<Record<string, RegExp>> = {
  color,
  "background-color": color,
  "border-color": color,
  "border-width": length,
  "border-style": /^solid$/,
  /** Ignored by Word: corners are square. */
  "border-radius": lengths,
  margin: lengths,
  padding: lengths,
  width: /^(?:100%|auto)$/,
  height: /^auto$/,
  /** Ignored by Word, for which a conditional comment sets a width, and the image has a height. */
  "max-width": /^(?:560|240)px$/,
  "max-height": length,
  "font-family": /^[\w ,'-]+$/,
  "font-size": /^\d{2}px$/,
  "font-weight": /^bold$/,
  "line-height": /^\d{2}px$/,
  "text-align": /^(?:left|right|center)$/,
  "text-decoration": /^(?:none|underline)$/,
  display: /^(?:none|inline-block)$/,
  overflow: /^hidden$/,
  /** Word's own, which all others ignore. */
  "mso-hide": /^all$/,
  "mso-line-height-rule": /^exactly$/,
  "mso-table-lspace": /^0pt$/,
  "mso-table-rspace": /^0pt$/,
  /** Apple's own: text is not enlarged. */
  "-webkit-text-size-adjust": /^100%$/,
  /** Ignored by Word, which breaks long words anyway. */
  "word-break": /^break-(?:word|all)$/,
  "overflow-wrap": /^anywhere$/,
};

/** Gmail's limit, in bytes. */
const mostBytes = 102_000;
const sheet =
  /^:root\{color-scheme:(?:light dark|light|dark)\}(?:@media \(prefers-color-scheme:dark\)\{(.*)\})?$/;

/** What a mail contains that some mail program does not show as it should. */
export function faultsOf(html: string): string[] {
  const faults: string[] = [];
  if (Buffer.byteLength(html) > mostBytes) faults.push("is cut off by Gmail");
  const styled = sheet.exec(/<style>(.*)<\/style>/s.exec(html)?.[1] ?? "");
  if (styled === null) faults.push("has a style sheet of another form");
  for (const [, declarations = ""] of (styled?.[1] ?? "").matchAll(/\.[a-z]+\{([^{}]*)\}/g))
    faults.push(...faultyDeclarations(declarations.replaceAll(" !important", "")));
  const shown = html.replace(/<style>.*<\/style>/s, "").replace(/<!--\[(?:if mso\]>.*?<!\[endif\]-->)/gs, "");
  if (shown.includes("<!--")) faults.push("has a comment");
  for (const [, name = "", attributes = ""] of shown.matchAll(
    /<([a-z]\w*)((?:\s+[\w-]+(?:="[^"]*")?)*)\s*>/gi,
  ))
    faults.push(...faultyElement(name, attributes));
  // Whatever is no tag is text.
  if (
    /[<>]/.test(
      shown.replace(/<!--.*?-->|<!doctype html>|<\/?[a-z]\w*(?:\s+[\w-]+(?:="[^"<>]*")?)*\s*>/gi, ""),
    )
  )
    faults.push("has markup of another form");
  return faults;
}

function faultyElement(name: string, attributes: string): string[] {
  const allowed = elements[name];
  if (allowed === undefined) return [`<${name}>`];
  return [...attributes.matchAll(/([\w-]+)(?:="([^"]*)")?/g)].flatMap(([, attribute = "", value = ""]) => {
    if (!allowed.includes(attribute) && !everywhere.includes(attribute)) return [`<${name} ${attribute}>`];
    if (attribute === "style") return faultyDeclarations(value);
    if (attribute === "src" && !value.startsWith("cid:")) return [`loads ${value}`];
    return attribute === "href" && !/^https?:\/\//.test(value) ? [`leads to ${value}`] : [];
  });
}

function faultyDeclarations(text: string): string[] {
  return text.split(";").filter((one) => {
    const [property = "", value = ""] = one.split(/:(.*)/s);
    return properties[property]?.test(value) !== true;
  });
}
