/**
 * Applies the CSS of the classic hosted UI to a page: colors go through the same checks as those of managed login, and
 * rules apply to the parts of our pages that correspond to the classic classes. Only purely visual properties are used;
 * anything that could cover another part or move one away is left out. The classic pages were light, and so are these.
 * Pure.
 */
import { type Color, colorOfCss } from "../../lib/color.ts";
import { readUiCss } from "./classic-css.ts";
import { paletteOf } from "./theme-colors.ts";

interface Part {
  readonly selector: string;
  /** The custom properties that receive the colors of declarations. */
  readonly color?: string;
  readonly background?: string;
  readonly border?: string;
  readonly mayHide?: boolean;
}

/** Parts by the documented classes; missing classes have no counterpart on our pages. */
const parts: Readonly<Record<string, Part>> = {
  background: { selector: "main", background: "--card", color: "--text" },
  banner: { selector: ".banner", mayHide: true },
  errorMessage: {
    selector: ".problem",
    color: "--bad",
    background: "--bad-back",
    border: "--bad-line",
  },
  inputField: {
    selector: ".input > input",
    color: "--typed",
    background: "--field",
    border: "--edge",
  },
  "inputField:focus": { selector: ".input > input:focus", border: "--focus" },
  label: { selector: ".field > label", color: "--label" },
  legalText: { selector: ".legal", color: "--legal" },
  logo: { selector: ".banner img", mayHide: true },
  redirect: { selector: ".foot", color: "--foot", mayHide: true },
  submitButton: { selector: ".primary", color: "--on-accent", background: "--accent" },
  "submitButton:hover": {
    selector: ".primary:hover",
    color: "--on-accent-over",
    background: "--accent-over",
  },
  textDescription: { selector: ".lead", color: "--soft", mayHide: true },
};

/** Parts that look like another one unless they have declarations themselves. */
const followed: Readonly<Record<string, string>> = {
  "--accent-over": "--accent",
  "--accent-down": "--accent-over",
  "--on-accent-over": "--on-accent",
  "--on-accent-down": "--on-accent-over",
  "--heading": "--text",
  "--wrong": "--bad",
};

export interface UiTheme {
  readonly css: string;
  /** Classes whose color was changed for legibility. */
  readonly repaired: readonly string[];
  /** Declarations that no page uses. */
  readonly ignored: readonly string[];
}

/** Makes the theme of a page. @param css as stored; may be empty */
export function uiThemeOf(css: string): UiTheme {
  const rules = readUiCss(css);
  // Only CSS that was checked when it was stored can be parsed.
  if (typeof rules === "string") return uiThemeOf("");
  const colors = new Map<string, Color>();
  const ignored = new Set<string>();
  const declarationsOf = new Map<string, Map<string, string>>();
  for (const { selectors, declarations } of rules)
    for (const selector of new Set(selectors)) {
      const part = parts[selector.slice(1).replace("-customizable", "")];
      for (const { property, value } of declarations) {
        const adapted = part && adapt(part, { property, value, colors });
        if (adapted === undefined) ignored.add(`${selector} { ${property} }`);
        if (part === undefined || !adapted) continue;
        const ofPart = declarationsOf.get(part.selector) ?? new Map<string, string>();
        declarationsOf.set(part.selector, ofPart);
        // The last one wins, and shorthands apply in order.
        ofPart.delete(property);
        ofPart.set(property, adapted);
      }
    }
  const { values, repairs } = paletteOf("light", (property) => givenFor(property, colors));
  const changed = new Set(repairs.map(({ property }) => property));
  const repaired = Object.entries(parts)
    .filter(([, { color, border }]) => changed.has(color ?? "") || changed.has(border ?? ""))
    .map(([name]) => `.${name.replace(/(?=:|$)/, "-customizable")}`);
  const root = block(":root", new Map([["color-scheme", "light"], ...values]));
  const written = [...declarationsOf].map(([selector, ofPart]) => block(`:root ${selector}`, ofPart));
  return { css: `${root}${written.join("")}`, repaired, ignored: [...ignored] };
}

function givenFor(property: string, colors: ReadonlyMap<string, Color>): Color | undefined {
  const before = followed[property];
  return colors.get(property) ?? (before === undefined ? undefined : givenFor(before, colors));
}

const block = (selector: string, declarations: ReadonlyMap<string, string>) =>
  `${selector}{${[...declarations].map(([property, value]) => `${property}:${value}`).join(";")}}`;

interface Declaration {
  readonly property: string;
  readonly value: string;
  /** Collects the colors for custom properties. */
  readonly colors: Map<string, Color>;
}

/** Longer values are of no use. */
const LONGEST_VALUE = 256;
const side = "(?:top|right|bottom|left|(?:block|inline)(?:-start|-end)?)";
const edge = new RegExp(`^border(?:-${side})?(?:-color)?$`);
const visual = new RegExp(
  "^(?:font-(?:family|size|style|weight|variant|stretch)|letter-spacing|word-spacing|line-height" +
    "|text-(?:align|transform|decoration(?:-(?:line|style))?)|vertical-align" +
    `|(?:padding|margin)(?:-${side})?|(?:min-|max-)?(?:width|height)|border(?:-${side})?-(?:width|style)` +
    "|border(?:-(?:top|bottom)-(?:left|right)|-(?:start|end)-(?:start|end))?-radius|box-shadow|display)$",
);

/** The declaration's value for our page; empty if its color says everything; undefined if it is not used. */
function adapt(part: Part, { property, value, colors }: Declaration): string | undefined {
  if (value.length > LONGEST_VALUE) return undefined;
  // The banner has no text.
  if (part === parts["banner"] && /^background(?:-color|-image)?$/.test(property)) return value;
  if (property === "color" || /^background(?:-color)?$/.test(property))
    return extractColor(property === "color" ? part.color : part.background, value, colors) === undefined
      ? undefined
      : "";
  if (edge.test(property)) return extractColor(part.border, value, colors) ?? value;
  return isVisualOnly(part, property, value) ? value : undefined;
}

/**
 * Assigns the first color of a value to a custom property; returns the value with the property in place of its colors,
 * or undefined if it has none.
 */
function extractColor(
  property: string | undefined,
  value: string,
  colors: Map<string, Color>,
): string | undefined {
  let first: Color | undefined;
  const replaced = value.replace(/#[\da-f]+|(?:rgb|hsl)a?\([^()]*\)|[a-z]+/gi, (token) => {
    const color = colorOfCss(token);
    first ??= color;
    return color === undefined ? token : `var(${property})`;
  });
  if (property === undefined || first === undefined) return undefined;
  colors.set(property, first);
  return replaced;
}

/** At least the font size, but not below the smallest legible size. */
const lineHeight = /^(?:normal|[1-9]\d?(?:\.\d{1,4})?(?:r?em)?|[1-9]\d{1,2}px|[1-9]\d{2}%)$/i;

/**
 * Whether a property leaves everything in place: no position or order, and no margins that pull one part over another.
 */
function isVisualOnly(part: Part, property: string, value: string): boolean {
  if (!visual.test(property)) return false;
  if (/^(?:margin|letter-spacing|word-spacing)/.test(property)) return /^[\w.%\s]+$/.test(value);
  if (property === "font-size") return isLegible(value);
  // Rules out overlapping lines, and strokes as thick as a part.
  if (property === "line-height") return lineHeight.test(value);
  if (/^(?:text-|vertical-)/.test(property)) return /^[a-z\s-]+$/i.test(value);
  // Our own values keep fields and buttons large enough to hit.
  if (property.startsWith("min-")) return part === parts["logo"] || part === parts["banner"];
  if (property === "box-shadow") return isNarrow(value);
  if (property === "display" && value.toLowerCase() === "none") return part.mayHide === true;
  if (property === "display") return /^(?:block|inline|inline-block|flex|inline-flex)$/i.test(value);
  // A percentage of an undefined height would leave a logo as large as its file.
  return part !== parts["logo"] || !property.endsWith("height") || !value.includes("%");
}

/** Whether a font size is a single value of at least 10 pixels. */
function isLegible(size: string): boolean {
  const [, number, unit] = /^([\d.]{1,8})(px|pt|r?em|%)$/i.exec(size) ?? [];
  const least: Readonly<Record<string, number>> = { px: 10, pt: 7.5, em: 0.625, rem: 0.625, "%": 62.5 };
  if (unit === undefined)
    return /^(?:x-small|small|medium|large|x-large|xx-large|xxx-large|larger)$/i.test(size);
  return Number(number) >= least[unit.toLowerCase()]!;
}

/** Whether a shadow is small; shadows are painted over what comes before. */
function isNarrow(shadow: string): boolean {
  const plain = shadow.replace(/#[\da-f]+|(?:rgb|hsl)a?\([^()]*\)/gi, " ");
  const lengths = [...plain.matchAll(/(?<![\w.])-?([\d.]+)([a-z%]*)/gi)];
  return (
    !plain.includes("(") && lengths.every(([, size, unit]) => Number(size) <= 64 && /^(?:px)?$/i.test(unit!))
  );
}
