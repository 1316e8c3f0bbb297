/** CSS colors: parsing, compositing one over another, and their contrast (WCAG 2.2). */
import {
  colorsNamed,
  converter,
  formatHex,
  modeHsl,
  modeLrgb,
  modeRgb,
  parse,
  type Rgb,
  useMode,
  wcagContrast,
} from "culori/fn";

useMode(modeRgb);
useMode(modeHsl);
useMode(modeLrgb);
const toRgb = converter("rgb");

/** An sRGB color: red, green and blue from 0 to 255, alpha from 0 to 1. */
export interface Color {
  readonly r: number;
  readonly g: number;
  readonly b: number;
  readonly a: number;
}

export const black: Color = { r: 0, g: 0, b: 0, a: 1 };
export const white: Color = { r: 255, g: 255, b: 255, a: 1 };

/** Parses RRGGBBAA, the form used by managed login settings; undefined for anything else, of whatever type. */
export function colorOfDigits(value: unknown): Color | undefined {
  return typeof value === "string" && /^[\da-f]{8}$/i.test(value) ? read(`#${value}`) : undefined;
}

/** Parses a CSS color: a name, hex digits, or rgb() and hsl() with plain numbers; undefined for anything else. */
export function colorOfCss(text: string): Color | undefined {
  const value = text.trim().toLowerCase();
  const isName = value === "transparent" || Object.hasOwn(colorsNamed, value);
  const isPlain = /^(?:#[\da-f]+|(?:rgb|hsl)a?\((?:[\d\s.,/%+-]|deg)*\))$/.test(value);
  return isName || isPlain ? read(value) : undefined;
}

function read(css: string): Color | undefined {
  const color = toRgb(parse(css));
  if (color === undefined) return undefined;
  const within = (value: number, most: number) => Math.min(Math.max(value, 0), 1) * most;
  const channel = (value: number) => Math.round(within(value, 255));
  return {
    r: channel(color.r),
    g: channel(color.g),
    b: channel(color.b),
    a: within(color.alpha ?? 1, 1),
  };
}

const rgb = ({ r, g, b }: Color): Rgb => ({ mode: "rgb", r: r / 255, g: g / 255, b: b / 255 });

/** The color seen where `top` is painted over the opaque `under`, in whole numbers. */
export function over(top: Color, under: Color): Color {
  const mix = (a: number, b: number) => Math.round(a * top.a + b * (1 - top.a));
  return { r: mix(top.r, under.r), g: mix(top.g, under.g), b: mix(top.b, under.b), a: 1 };
}

/** Mixes two colors: `part`, from 0 to 1, is the share of the second. */
export function mixed(first: Color, second: Color, part: number): Color {
  return over({ ...second, a: part }, first);
}

/** An opaque color as `#rrggbb`. */
export function hexOf(color: Color): string {
  return formatHex(rgb(color));
}

/** The contrast ratio of two colors as WCAG 2.2 defines it, from 1 to 21. */
export function contrast(one: Color, other: Color): number {
  return wcagContrast(rgb(one), rgb(other));
}
