/**
 * Applies the CSS of the classic hosted UI to a page: colors go through the same checks as those of managed login, and
 * rules apply to the parts of our pages that correspond to the classic classes. Only declarations are used whose effect
 * stays in the part's box (classic-values.ts). The classic pages were light, and so are these.
 * Pure.
 */
import { type Color, colorOfCss } from "../../lib/color.ts";
import { readUiCss } from "./classic-css.ts";
import { type Applied, type Box, withinBox } from "./classic-values.ts";
import { type Palette, paletteOf } from "./theme-colors.ts";

interface Part {
  readonly selector: string;
  readonly box: Box;
  /** The custom properties that receive the colors of declarations. */
  readonly color?: string;
  readonly background?: string;
  readonly border?: string;
  readonly mayHide?: boolean;
}

/** Parts by the documented classes; missing classes have no counterpart on our pages. */
const parts: Readonly<Record<string, Part>> = {
  background: { selector: "main", box: "page", background: "--card", color: "--text" },
  banner: { selector: ".banner", box: "banner", mayHide: true },
  errorMessage: {
    selector: ".problem",
    box: "text",
    color: "--bad",
    background: "--bad-back",
    border: "--bad-line",
  },
  idpButton: {
    selector: ".provider.plain",
    box: "button",
    color: "--on-idp",
    background: "--idp",
    border: "--idp-line",
  },
  "idpButton:hover": {
    selector: ".provider.plain:hover",
    box: "button",
    color: "--on-idp-over",
    background: "--idp-over",
    border: "--idp-over-line",
  },
  idpDescription: { selector: ".organization .field > label", box: "text", color: "--idp-label" },
  inputField: {
    selector: ".input > input",
    box: "field",
    color: "--typed",
    background: "--field",
    border: "--edge",
  },
  "inputField:focus": { selector: ".input > input:focus", box: "field", border: "--focus" },
  label: { selector: ".field > label", box: "text", color: "--label" },
  legalText: { selector: ".legal", box: "text", color: "--legal" },
  logo: { selector: ".banner img", box: "image", mayHide: true },
  redirect: { selector: ".foot", box: "text", color: "--foot", mayHide: true },
  // The brands' own colors stay.
  socialButton: { selector: ".provider.social", box: "button" },
  "socialButton:hover": { selector: ".provider.social:hover", box: "button" },
  submitButton: { selector: ".primary", box: "button", color: "--on-accent", background: "--accent" },
  "submitButton:hover": {
    selector: ".primary:hover",
    box: "button",
    color: "--on-accent-over",
    background: "--accent-over",
  },
  textDescription: { selector: ".lead", box: "text", color: "--soft", mayHide: true },
};

/** Parts that look like another one unless they have declarations themselves. */
const followed: Readonly<Record<string, string>> = {
  "--accent-over": "--accent",
  "--accent-down": "--accent-over",
  "--on-accent-over": "--on-accent",
  "--on-accent-down": "--on-accent-over",
  "--heading": "--text",
  "--idp-over": "--idp",
  "--idp-down": "--idp-over",
  "--idp-over-line": "--idp-line",
  "--idp-down-line": "--idp-over-line",
  "--on-idp-over": "--on-idp",
  "--on-idp-down": "--on-idp-over",
  "--idp-label": "--label",
  "--wrong": "--bad",
};

export interface UiTheme {
  readonly css: string;
  /** Colors by their custom properties in theme.css. */
  readonly colors: Palette["values"];
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
        if (part === undefined || adapted === undefined || adapted === "color") continue;
        const ofPart = declarationsOf.get(part.selector) ?? new Map<string, string>();
        declarationsOf.set(part.selector, ofPart);
        // The last one wins, and shorthands apply in order.
        ofPart.delete(adapted.property);
        ofPart.set(adapted.property, adapted.value);
      }
    }
  const { values, repairs } = paletteOf("light", (property) => givenFor(property, colors));
  const changed = new Set(repairs.map(({ property }) => property));
  const repaired = Object.entries(parts)
    .filter(([, { color, border }]) => changed.has(color ?? "") || changed.has(border ?? ""))
    .map(([name]) => `.${name.replace(/(?=:|$)/, "-customizable")}`);
  const root = block(":root", new Map([["color-scheme", "light"], ...values]));
  const written = [...declarationsOf].map(([selector, ofPart]) => block(`:root ${selector}`, ofPart));
  return { css: `${root}${written.join("")}`, colors: values, repaired, ignored: [...ignored] };
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
const edge = /^border(?:-(?:top|right|bottom|left|(?:block|inline)(?:-start|-end)?))?(?:-color)?$/;

/** The declaration for our page; "color" if its color says everything; undefined if it is not used. */
function adapt(part: Part, { property, value, colors }: Declaration): Applied | "color" | undefined {
  if (value.length > LONGEST_VALUE) return undefined;
  // The banner has no text.
  if (part === parts["banner"] && /^background(?:-color|-image)?$/.test(property)) return { property, value };
  if (property === "color" || /^background(?:-color)?$/.test(property))
    return extractColor(property === "color" ? part.color : part.background, value, colors) === undefined
      ? undefined
      : "color";
  if (property === "display" && value.toLowerCase() === "none")
    return part.mayHide === true ? { property, value } : undefined;
  const colored = edge.test(property) ? extractColor(part.border, value, colors) : undefined;
  return withinBox(part.box, { property, value: colored ?? value });
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
