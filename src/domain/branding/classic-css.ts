/**
 * The style of the classic pages: rules for a fixed list of classes (AWS: "Specifying CSS customizations"). It becomes a
 * stylesheet of a page on which people enter passwords, so what is not understood is refused. Pure.
 */

/** The classes of the documentation and of the template that Cognito's console gives out. */
const classes = [
  "background",
  "banner",
  "errorMessage",
  "idpButton",
  "idpDescription",
  "inputField",
  "label",
  "legalText",
  "logo",
  "passwordCheck-notValid",
  "passwordCheck-valid",
  "redirect",
  "socialButton",
  "submitButton",
  "textDescription",
];
const states: Readonly<Record<string, string>> = {
  idpButton: "hover",
  inputField: "focus",
  socialButton: "hover",
  submitButton: "hover",
};

const selectors = new Set(
  classes.flatMap((name) => {
    const selector = `.${name}-customizable`;
    return states[name] === undefined ? [selector] : [selector, `${selector}:${states[name]}`];
  }),
);

/** Functions that only compute a value. `url()` and its like would tell another server who signs in where. */
const functions = new Set([
  "calc",
  "clamp",
  "hsl",
  "hsla",
  "linear-gradient",
  "max",
  "min",
  "radial-gradient",
  "repeating-linear-gradient",
  "repeating-radial-gradient",
  "rgb",
  "rgba",
]);

export interface UiRule {
  /** As they are written: `.label-customizable`, `.submitButton-customizable:hover`. */
  readonly selectors: readonly string[];
  readonly declarations: readonly { readonly property: string; readonly value: string }[];
}

/** Why the style is refused, naming what; undefined when it is fine. Takes linear time. */
export function cssFault(css: string): string | undefined {
  const read = readUiCss(css);
  return typeof read === "string" ? read : undefined;
}

/** The rules of a style, or why it is refused. */
export function readUiCss(css: string): readonly UiRule[] | string {
  const forbidden = /[\\<@\0]/.exec(css)?.[0];
  if (forbidden !== undefined) return `The CSS must not contain ${JSON.stringify(forbidden)}.`;
  const text = withoutComments(css);
  if (text === undefined) return "The CSS has a comment that does not end.";
  const parts = text.split("}");
  if (parts.pop()?.trim() !== "") return "The CSS has a rule that does not end.";
  const rules: UiRule[] = [];
  for (const part of parts) {
    const brace = part.indexOf("{");
    if (brace === -1) return "The CSS has a brace that closes nothing.";
    const [list, block] = [part.slice(0, brace), part.slice(brace + 1)];
    const fault = selectorFault(list) ?? declarationsFault(block);
    if (fault !== undefined) return fault;
    rules.push({
      selectors: list.split(",").map((selector) => selector.trim()),
      declarations: declarationsOf(block),
    });
  }
  return rules;
}

/** Of a block without a fault. */
function declarationsOf(block: string): UiRule["declarations"] {
  return block
    .split(";")
    .filter((declaration) => declaration.trim() !== "")
    .map((declaration) => {
      const colon = declaration.indexOf(":");
      const property = declaration.slice(0, colon).trim().toLowerCase();
      return { property, value: declaration.slice(colon + 1).trim() };
    });
}

/** Undefined where one does not end. A comment separates what stands before and after it. */
function withoutComments(css: string): string | undefined {
  const kept: string[] = [];
  for (let at = 0; ; ) {
    const start = css.indexOf("/*", at);
    if (start === -1) return kept.concat(css.slice(at)).join(" ");
    kept.push(css.slice(at, start));
    const end = css.indexOf("*/", start + 2);
    if (end === -1) return undefined;
    at = end + 2;
  }
}

function selectorFault(list: string): string | undefined {
  const unknown = list
    .split(",")
    .map((selector) => selector.trim())
    .find((selector) => !selectors.has(selector));
  return unknown === undefined ? undefined : `The CSS selector ${quoted(unknown)} is not allowed.`;
}

function declarationsFault(block: string): string | undefined {
  if (block.includes("{")) return "The CSS has a rule inside a rule.";
  for (const declaration of block.split(";")) {
    if (declaration.trim() === "") continue;
    const colon = declaration.indexOf(":");
    const property = declaration.slice(0, colon).trim();
    if (colon === -1 || !/^-?[a-z][a-z-]{0,60}$/i.test(property))
      return `The CSS declaration ${quoted(declaration)} is not valid.`;
    if (/^(?:-moz-binding|behavior)$/i.test(property)) return `The CSS property ${property} is not allowed.`;
    const fault = valueFault(declaration.slice(colon + 1));
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function valueFault(value: string): string | undefined {
  if (/(?:java|vb)script\s*:/i.test(value)) return `The CSS value ${quoted(value)} is not allowed.`;
  // Parentheses alone group what calc() computes. In quotes they say nothing, but nothing here needs them there.
  for (const [, name] of value.matchAll(/([\w-]{1,100})\(/g))
    if (!functions.has(name!.toLowerCase())) return `The CSS function ${name}() is not allowed.`;
  const isClosed = /^(?:[^"']|"[^"\n]*"|'[^'\n]*')*$/.test(value);
  return isClosed ? undefined : `The CSS value ${quoted(value)} is not valid.`;
}

function quoted(text: string): string {
  return JSON.stringify(text.trim().slice(0, 100));
}
