/**
 * Which declarations of classic CSS may apply to a part of a page: those whose effect stays in the part's own box, so
 * that a style cannot cover, move away or hide a field, a label or a button. Pure.
 */

/** What kind of box a part is. */
export type Box = "page" | "banner" | "image" | "text" | "field" | "button";

export interface Applied {
  readonly property: string;
  readonly value: string;
}

interface Length {
  /** Approximately: an em is taken for 16 pixels. */
  readonly pixels: number | undefined;
  readonly percent: number | undefined;
}

const inPixels: Readonly<Record<string, number>> = { px: 1, pt: 4 / 3, em: 16, rem: 16 };

/** Reads a length or percentage that is not negative and not computed. */
function lengthOf(text: string): Length | undefined {
  const [, number, unit] = /^(\d{1,5}(?:\.\d{1,4})?|\.\d{1,4})(px|pt|r?em|%)?$/i.exec(text) ?? [];
  if (number === undefined) return undefined;
  const value = Number(number);
  if (unit === "%") return { pixels: undefined, percent: value };
  // Zero alone needs no unit.
  const factor = unit === undefined ? (value === 0 ? 1 : undefined) : inPixels[unit.toLowerCase()];
  return factor === undefined ? undefined : { pixels: value * factor, percent: undefined };
}

interface Range {
  readonly pixels: readonly [least: number, most: number];
  readonly percent: readonly [least: number, most: number];
}

const none = [1, 0] as const;

function isIn({ pixels, percent }: Range, text: string): boolean {
  const length = lengthOf(text);
  if (length === undefined) return false;
  const [least, most] = length.percent === undefined ? pixels : percent;
  const value = length.percent ?? length.pixels!;
  return value >= least && value <= most;
}

const words = (value: string) => value.trim().split(/\s+/);

/** Accepts up to four lengths in a range. */
const lengths =
  (range: Range, word?: string): Check =>
  (value) =>
    words(value).length <= 4 && words(value).every((one) => one === word || isIn(range, one))
      ? value
      : undefined;

/** Returns the value that a page uses, or undefined. */
type Check = (value: string, box: Box) => string | Applied | undefined;

const keywords: Check = (value) => (/^[a-z\s-]+$/i.test(value) ? value : undefined);
const anything: Check = (value) => value;

const space: Range = { pixels: [0, 64], percent: [0, 15] };
/** Little enough to leave room for the text of the narrowest part in the largest font. */
function padding(value: string): string | undefined {
  const most = 32;
  const given = lengths({ pixels: [0, most * 2], percent: space.percent })(value, "text");
  if (typeof given !== "string") return undefined;
  const bounded = (one: string) =>
    /(?:em|%)$/i.test(one) || (lengthOf(one)?.pixels ?? 0) > most ? `min(${one},${most}px)` : one;
  return words(given).map(bounded).join(" ");
}

const fontSize: Range = { pixels: [10, 64], percent: [62.5, 400] };
const fontSizeWord = /^(?:x-small|small|medium|large|x-large|xx-large|xxx-large|larger)$/i;

/** At least as high as the letters: lines neither overlap nor leave the box. */
function lineHeight(value: string): string | undefined {
  if (/^(?:normal|[12](?:\.\d{1,4})?|[12](?:\.\d{1,4})?em|[12]\d{2}%)$/i.test(value)) return value;
  return isIn({ pixels: [10, 128], percent: none }, value) ? `max(${value},1em)` : undefined;
}

/** Never wider than what the part is in, and wide enough to read. */
function width(value: string, box: Box): string | undefined {
  const [least, part] = box === "image" ? [16, 5] : box === "page" ? [320, 80] : [160, 40];
  if (/^auto$/i.test(value)) return value;
  if (!isIn({ pixels: [least, 4_000], percent: [part, 100] }, value)) return undefined;
  return value.endsWith("%") ? value : `min(${value},100%)`;
}

const tall: Range = { pixels: [16, 176], percent: none };

/** Text would leave a box of a fixed height, so the box may only be made higher than its content. */
function height(value: string, box: Box): string | Applied | undefined {
  if (!isIn(tall, value)) return undefined;
  if (box === "field" || box === "image") return value;
  if (box === "button") return { property: "min-height", value: `max(${value},var(--target))` };
  return box === "banner" ? { property: "min-height", value } : undefined;
}

/** Shadows inside the box that do not reach the text; others are painted over what is around the box. */
function boxShadow(value: string): string | undefined {
  if (/^none$/i.test(value)) return value;
  const isFine = withoutColors(value)
    .split(",")
    .every((shadow) => {
      // A sign also separates: `0-2px`. Which side a shadow is on does not matter.
      const sizes = words(shadow.replace(/-(?=[\d.])/g, " ")).filter((word) => !/^[a-z]*$/i.test(word));
      const total = sizes.reduce((sum, size) => sum + (lengthOf(size)?.pixels ?? 99), 0);
      return /\binset\b/i.test(shadow) && total <= 8;
    });
  return isFine ? value : undefined;
}

function display(value: string, box: Box): string | undefined {
  if (box === "page") return /^block$/i.test(value) ? value : undefined;
  // The padding of an inline box is painted over the lines around it.
  if (/^inline$/i.test(value)) return "inline-block";
  return /^(?:block|inline-block|flex|inline-flex)$/i.test(value) ? value : undefined;
}

const ofPictures =
  (check: Check): Check =>
  (value, box) =>
    box === "image" || box === "banner" ? check(value, box) : undefined;

/** A border as thin as a line; its style and color are words. */
function border(value: string): string | undefined {
  const widths = words(withoutColors(value)).filter((word) => !/^(?:[a-z-]+|)$/i.test(word));
  return widths.every((word) => isIn({ pixels: [0, 16], percent: none }, word)) ? value : undefined;
}

const withoutColors = (value: string) =>
  value.replace(/#[\da-f]+|(?:rgb|hsl)a?\([^()]*\)|var\(--[\w-]+\)/gi, " ");

const side = "(?:top|right|bottom|left|(?:block|inline)(?:-start|-end)?)";
const corner = "(?:top|bottom)-(?:left|right)|(?:start|end)-(?:start|end)";

/** The checks by a pattern of property names; no other property is used. */
const checks: readonly (readonly [RegExp, Check])[] = [
  [/^font-family$/, anything],
  [/^font-(?:style|variant)$/, keywords],
  [/^font-weight$/, (value) => (/^(?:\d{3}|[a-z]+)$/i.test(value) ? value : undefined)],
  [
    /^font-stretch$/,
    (value) => keywords(value, "text") ?? lengths({ pixels: none, percent: [50, 200] })(value, "text"),
  ],
  [/^font-size$/, (value) => (fontSizeWord.test(value) || isIn(fontSize, value) ? value : undefined)],
  [/^line-height$/, lineHeight],
  [/^letter-spacing$/, lengths({ pixels: [0, 8], percent: none }, "normal")],
  [/^word-spacing$/, lengths({ pixels: [0, 16], percent: none }, "normal")],
  [/^(?:text-(?:align|transform|decoration(?:-(?:line|style))?)|vertical-align)$/, keywords],
  [new RegExp(`^padding(?:-${side})?$`), padding],
  [new RegExp(`^margin(?:-${side})?$`), lengths(space, "auto")],
  [/^(?:max-)?width$/, width],
  [/^min-width$/, ofPictures(width)],
  [/^height$/, height],
  [/^max-height$/, (value, box) => (box === "field" || box === "image" ? height(value, box) : undefined)],
  [/^min-height$/, ofPictures((value) => (isIn(tall, value) ? value : undefined))],
  [new RegExp(`^border(?:-${side})?(?:-(?:color|style|width))?$`), border],
  [new RegExp(`^border(?:-(?:${corner}))?-radius$`), lengths({ pixels: [0, 64], percent: [0, 50] })],
  [/^box-shadow$/, boxShadow],
  [/^display$/, display],
];

/** The declaration that a page uses in place of a given one; undefined if it is not used. */
export function withinBox(box: Box, { property, value }: Applied): Applied | undefined {
  const found = checks.find(([pattern]) => pattern.test(property))?.[1](value, box);
  return typeof found === "string" ? { property, value: found } : found;
}
