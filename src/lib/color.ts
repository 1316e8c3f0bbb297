/** Colors as styles write them, what one looks like over another, and how well they can be told apart (WCAG 2.2). */
import { colorNames } from "./color-names.ts";

/** sRGB: red, green and blue from 0 to 255, alpha from 0 to 1. */
export interface Color {
  readonly r: number;
  readonly g: number;
  readonly b: number;
  readonly a: number;
}

export const black: Color = { r: 0, g: 0, b: 0, a: 1 };
export const white: Color = { r: 255, g: 255, b: 255, a: 1 };

/** RRGGBBAA, as settings of managed login have it; undefined for anything else, of whatever type. */
export function colorOfDigits(value: unknown): Color | undefined {
  if (typeof value !== "string" || !/^[\da-f]{8}$/i.test(value)) return undefined;
  const [r, g, b, a] = [0, 2, 4, 6].map((at) => Number.parseInt(value.slice(at, at + 2), 16));
  return { r: r!, g: g!, b: b!, a: a! / 255 };
}

/** A color of CSS, by its name, its digits, or rgb() and hsl() of plain numbers; undefined for anything else. */
export function colorOfCss(text: string): Color | undefined {
  const value = text.trim().toLowerCase();
  if (value === "transparent") return { ...black, a: 0 };
  const digits = value.startsWith("#") ? value.slice(1) : colorNames.get(value);
  if (digits !== undefined) {
    if (![3, 4, 6, 8].includes(digits.length)) return undefined;
    const long = digits.length <= 4 ? digits.replace(/./g, "$&$&") : digits;
    return colorOfDigits(long.padEnd(8, "f"));
  }
  const [, name, inside] = /^(rgb|hsl)a?\(([^()]*)\)$/.exec(value) ?? [];
  const parts = inside?.split(/[\s,/]+/).filter((part) => part !== "") ?? [];
  if (name === undefined || parts.length < 3 || parts.length > 4) return undefined;
  const alpha = parts[3] === undefined ? 1 : share(parts[3], 1);
  const made = name === "rgb" ? fromRgb(parts) : fromHsl(parts);
  return made === undefined || alpha === undefined ? undefined : { ...made, a: alpha };
}

/** A number, or a percentage of `whole`, no less than nothing and no more than the whole. */
function share(text: string, whole: number): number | undefined {
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)%?$/.test(text)) return undefined;
  const value = Number.parseFloat(text);
  const number = text.endsWith("%") ? (value * whole) / 100 : value;
  return Math.min(Math.max(number, 0), whole);
}

function fromRgb(parts: readonly string[]): Omit<Color, "a"> | undefined {
  const [r, g, b] = parts.map((part) => share(part, 255));
  return r === undefined || g === undefined || b === undefined ? undefined : { r, g, b };
}

/** CSS Color Module Level 4, section 7.1. */
function fromHsl(parts: readonly string[]): Omit<Color, "a"> | undefined {
  const hue = /^[+-]?\d+(?:\.\d+)?(?:deg)?$/.test(parts[0]!) ? Number.parseFloat(parts[0]!) : undefined;
  const [saturation, lightness] = parts.slice(1, 3).map((part) => share(part, 100));
  if (hue === undefined || saturation === undefined || lightness === undefined) return undefined;
  const [s, l] = [saturation / 100, lightness / 100];
  const channel = (n: number) => {
    const k = (((n + hue / 30) % 12) + 12) % 12;
    return 255 * (l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return { r: Math.round(channel(0)), g: Math.round(channel(8)), b: Math.round(channel(4)) };
}

/** What is seen where `top` lies over `under`, which is opaque; in whole numbers, as it will be written. */
export function over(top: Color, under: Color): Color {
  const mix = (a: number, b: number) => Math.round(a * top.a + b * (1 - top.a));
  return { r: mix(top.r, under.r), g: mix(top.g, under.g), b: mix(top.b, under.b), a: 1 };
}

/** The first color with a part, from 0 to 1, of the second in it. */
export function mixed(first: Color, second: Color, part: number): Color {
  return over({ ...second, a: part }, first);
}

/** #rrggbb of an opaque color. */
export function hexOf({ r, g, b }: Color): string {
  return `#${[r, g, b].map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;
}

/** "relative luminance" of WCAG 2.2. */
function luminance({ r, g, b }: Color): number {
  const [red, green, blue] = [r, g, b].map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

/** "contrast ratio" of WCAG 2.2, from 1 to 21. */
export function contrast(one: Color, other: Color): number {
  const [dark, light] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (light! + 0.05) / (dark! + 0.05);
}
