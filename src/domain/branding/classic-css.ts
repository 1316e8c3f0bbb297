/**
 * The CSS of the classic hosted UI: rules for a fixed list of classes ("Specifying CSS customizations", Amazon Cognito
 * Developer Guide). It becomes part of a page on which people enter passwords, so anything not understood is refused.
 * css-tree parses it, and the output is generated from the tree: no text of an operator's is passed through. Pure.
 */
import { type CssNode, type Declaration, generate, parse, type Rule, tokenize, tokenNames } from "css-tree";

/** The classes in the documentation and in the template of Cognito's console. */
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

/** Functions that only compute a value. `url()` and the like would reveal to another server who signs in where. */
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
  /** As written: `.label-customizable`, `.submitButton-customizable:hover`. */
  readonly selectors: readonly string[];
  readonly declarations: readonly { readonly property: string; readonly value: string }[];
}

/** Why the CSS is refused, naming the offending part; undefined if it is fine. Takes linear time. */
export function cssFault(css: string): string | undefined {
  const read = readUiCss(css);
  return typeof read === "string" ? read : undefined;
}

/** The rules of the CSS, or why it is refused. */
export function readUiCss(css: string): readonly UiRule[] | string {
  const forbidden = /[\\<@\0]/.exec(css)?.[0];
  if (forbidden !== undefined) return `The CSS must not contain ${JSON.stringify(forbidden)}.`;
  const fault = tokensFault(css);
  if (fault !== undefined) return fault;
  let errors = 0;
  const onParseError = (error: Error) => {
    errors += 1;
    if (errors > MOST_ERRORS) throw error;
  };
  const sheet = parsed(css, onParseError);
  if (sheet === undefined) return "The CSS is not valid.";
  if (sheet.type !== "StyleSheet") return "The CSS is no stylesheet.";
  const rules: UiRule[] = [];
  for (const node of sheet.children.toArray()) {
    if (node.type === "Comment") continue;
    if (node.type !== "Rule") return `The CSS ${quoted(sourceOf(node, css))} is not valid.`;
    const rule = readRule(node, css);
    if (typeof rule === "string") return rule;
    rules.push(rule);
  }
  return errors === 0 ? rules : "The CSS is not valid.";
}

/** Errors after which parsing ends: css-tree copies the whole text for each, so the time would be quadratic. */
const MOST_ERRORS = 50;

/** The tree; undefined if the parser gave up. */
function parsed(css: string, onParseError: (error: Error) => void): CssNode | undefined {
  try {
    return parse(css, { positions: true, onParseError });
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Deeper nesting than any real style has. */
const MOST_NESTED = 20;

/** Checks the tokens for unterminated ones, nesting and functions. */
function tokensFault(css: string): string | undefined {
  let fault: string | undefined;
  let isOpen = false;
  /** Whether there is anything since the last rule. */
  let isPending = false;
  let nested = 0;
  let valueBegan = 0;
  tokenize(css, (type, start, end) => {
    if (fault !== undefined) return;
    const text = css.slice(start, end);
    const value = () => quoted(css.slice(valueBegan, css.indexOf("}", start) + 1 || undefined).slice(0, -1));
    const name = tokenNames[type];
    if (name !== "whitespace-token" && name !== "comment-token") isPending = name !== "}-token";
    switch (name) {
      case "comment-token":
        if (text.length < 4 || !text.endsWith("*/")) fault = "The CSS has a comment that does not end.";
        break;
      case "{-token":
        if (isOpen) fault = "The CSS has a rule inside a rule.";
        isOpen = true;
        break;
      case "}-token":
        if (!isOpen) fault = "The CSS has a brace that closes nothing.";
        [isOpen, nested] = [false, 0];
        break;
      case "colon-token":
        valueBegan = end;
        break;
      case "bad-string-token":
        fault = `The CSS value ${value()} is not valid.`;
        break;
      case "string-token":
        if (text.length < 2 || !text.endsWith(text.charAt(0)))
          fault = `The CSS value ${value()} is not valid.`;
        // In quotes they would mean nothing, but nothing here needs them.
        else fault = functionFault(text);
        break;
      case "url-token":
      case "bad-url-token":
      case "function-token":
        fault = functionFault(text);
        nested += 1;
        break;
      case "(-token":
        nested += 1;
        break;
      case ")-token":
        nested -= 1;
    }
    if (nested > MOST_NESTED) fault ??= "The CSS has a value that is nested too deeply.";
  });
  return fault ?? (isPending ? "The CSS has a rule that does not end." : undefined);
}

function functionFault(text: string): string | undefined {
  for (const [, name] of text.matchAll(/([\w-]{1,100})\(/g))
    if (!functions.has(name!.toLowerCase())) return `The CSS function ${name}() is not allowed.`;
  return undefined;
}

/** Removes comments, which are for people. A comment separates the text before and after it. */
const withoutComments = (css: string) => css.replace(/\/\*[\s\S]*?\*\//g, " ");

function sourceOf({ loc }: CssNode, css: string): string {
  return loc ? withoutComments(css.slice(loc.start.offset, loc.end.offset)) : "";
}

function readRule({ prelude, block }: Rule, css: string): UiRule | string {
  const list = prelude.type === "SelectorList" ? prelude.children.toArray() : [prelude];
  const names = list.map((node) => ({ node, name: selectorOf(node) }));
  const unknown = names.find(({ name }) => name === undefined || !selectors.has(name));
  if (unknown !== undefined) return `The CSS selector ${quoted(sourceOf(unknown.node, css))} is not allowed.`;
  const declarations: UiRule["declarations"][number][] = [];
  for (const node of block.children.toArray()) {
    const source = sourceOf(node, css);
    if (node.type === "Comment" || (node.type === "Raw" && /^[;\s]*$/.test(source))) continue;
    const fault = node.type === "Declaration" ? declarationFault(node, source) : invalid(source);
    if (fault !== undefined) return fault;
    if (node.type !== "Declaration") continue;
    const value = generate(node.value);
    declarations.push({ property: node.property.toLowerCase(), value });
  }
  return { selectors: names.map(({ name }) => name!), declarations };
}

/** One class with at most one state; undefined for anything else. */
function selectorOf(node: CssNode): string | undefined {
  if (node.type !== "Selector") return undefined;
  const [first, second, third] = node.children.toArray();
  if (first?.type !== "ClassSelector" || third !== undefined) return undefined;
  if (second === undefined) return `.${first.name}`;
  const isState = second.type === "PseudoClassSelector" && second.children === null;
  return isState ? `.${first.name}:${second.name}` : undefined;
}

const invalid = (source: string) => `The CSS declaration ${quoted(source)} is not valid.`;

function declarationFault({ property, value, important }: Declaration, source: string): string | undefined {
  if (!/^-?[a-z][a-z-]{0,60}$/i.test(property)) return invalid(source);
  if (/^(?:-moz-binding|behavior)$/i.test(property)) return `The CSS property ${property} is not allowed.`;
  const written = source.slice(source.indexOf(":") + 1);
  if (/(?:java|vb)script\s*:/i.test(generate(value)))
    return `The CSS value ${quoted(written)} is not allowed.`;
  const isRead = value.type === "Value" && (important === false || important === true);
  return isRead ? undefined : `The CSS value ${quoted(written)} is not valid.`;
}

function quoted(text: string): string {
  return JSON.stringify(text.trim().slice(0, 100));
}
