/**
 * Turns the settings of a managed login style into a page's theme: colors, measures and layout. Settings are an
 * operator's document of any shape: a value is used only if it is exactly a color, a number or a known word, and
 * otherwise the default applies, so that nothing in it reaches a stylesheet as written. Pure.
 */
import { at } from "../../lib/json-path.ts";
import type { AssetKey } from "../../store/branding.ts";
import { defaultSettings } from "./defaults.ts";
import {
  allowsImage,
  givenBy,
  hasProviderColors,
  type Mode,
  type Palette,
  paletteOf,
  providerPalette,
  type Repair,
  scrim,
} from "./theme-colors.ts";

export type Side = "start" | "center" | "end";

/** A bar at the top or bottom of the page. */
interface Bar {
  /** The position of its logo; undefined if it has none. */
  readonly logo: Side | undefined;
}

export interface Theme {
  /** The supported color modes, with that of the light page first. */
  readonly modes: readonly Mode[];
  readonly palettes: Readonly<Record<Mode, Palette>>;
  /** Custom properties common to both modes, if they differ from the default. */
  readonly measures: ReadonlyMap<string, string>;
  /** The position of the form on the page. */
  readonly place: { readonly horizontal: Side; readonly vertical: Side };
  readonly compact: boolean;
  readonly header: Bar | undefined;
  readonly footer: Bar | undefined;
  readonly logo: { readonly side: Side; readonly below: boolean; readonly outside: boolean } | undefined;
  /** Categories of background images. */
  readonly images: ReadonlySet<string>;
  readonly icons: readonly ("ICO" | "SVG")[];
  readonly graphics: boolean;
  readonly languages: boolean;
  readonly federation: {
    /** Names of identity providers whose buttons come first, in this order. */
    readonly order: readonly string[];
    /** Whether providers come before the form of the pool's own users. */
    readonly first: boolean;
    readonly icons: boolean;
    /** Providers whose button has colors of its own. */
    readonly custom: readonly CustomButton[];
  };
}

interface CustomButton {
  /** The name of the identity provider. */
  readonly name: string;
  /** The class of its button, of letters and digits: a name may contain anything. */
  readonly look: string;
  readonly palettes: Readonly<Record<Mode, Palette>>;
}

/** More providers with colors of their own than any page has room for. */
const MOST_CUSTOM = 100;

/** The largest radius with which a form still looks like one, in pixels. */
const MOST_RADIUS = 64;

const measures = [
  ["--radius-button", "componentClasses.buttons.borderRadius"],
  ["--radius", "componentClasses.input.borderRadius"],
  ["--radius-note", "components.alert.borderRadius"],
  ["--radius-card", "components.form.borderRadius"],
] as const;

const images = [
  ["PAGE_BACKGROUND", "components.pageBackground.image.enabled"],
  ["FORM_BACKGROUND", "components.form.backgroundImage.enabled"],
  ["PAGE_HEADER_BACKGROUND", "components.pageHeader.backgroundImage.enabled"],
  ["PAGE_FOOTER_BACKGROUND", "components.pageFooter.backgroundImage.enabled"],
] as const;

export function themeOf(settings: unknown, assets: readonly Pick<AssetKey, "category">[]): Theme {
  const isOn = (path: string) => settingOf(settings, path, isBoolean) as boolean;
  const categories = new Set(assets.map(({ category }) => category));
  const modes = modesOf(settings);
  const wanted = images.filter(([category, path]) => categories.has(category) && isOn(path));
  const bar = (name: "pageHeader" | "pageFooter", logo: string): Bar | undefined => {
    if (!isOn(`categories.global.${name}.enabled`)) return undefined;
    const withLogo = isOn(`components.${name}.logo.enabled`) && categories.has(logo);
    return { logo: withLogo ? sideOf(settings, `components.${name}.logo.location`) : undefined };
  };
  const colors = colorsAndImages(
    settings,
    modes,
    wanted.map(([category]) => category),
  );
  return {
    modes,
    ...colors,
    measures: measuresOf(settings),
    place: {
      horizontal: sideOf(settings, "categories.form.location.horizontal"),
      vertical: sideOf(settings, "categories.form.location.vertical"),
    },
    compact:
      settingOf(settings, "categories.global.spacingDensity", isOneOf("REGULAR", "COMPACT")) === "COMPACT",
    header: bar("pageHeader", "PAGE_HEADER_LOGO"),
    footer: bar("pageFooter", "PAGE_FOOTER_LOGO"),
    logo: isOn("components.form.logo.enabled") && categories.has("FORM_LOGO") ? logoOf(settings) : undefined,
    icons: iconsOf(settings),
    graphics: isOn("categories.form.displayGraphics"),
    languages: isOn("categories.form.languageSelector.enabled"),
    federation: {
      order: textsOf(settings, "categories.auth.federation.order"),
      first: federationFirst(settings),
      icons: isOn("componentClasses.idpButtons.icons.enabled"),
      custom: customButtons(settings, colors.palettes),
    },
  };
}

function customButtons(settings: unknown, { light, dark }: Theme["palettes"]): CustomButton[] {
  const given = settingOf(settings, "components.idpButton.custom", isObject) as object;
  const own = Object.entries(given).filter(([, custom]) => hasProviderColors(custom));
  return own.slice(0, MOST_CUSTOM).map(([name, custom], place) => {
    const palette = (mode: Mode, { values }: Palette) =>
      providerPalette(mode, settings, { name, custom, card: values.get("--card")! });
    return {
      name,
      look: `own-${place}`,
      palettes: { light: palette("light", light), dark: palette("dark", dark) },
    };
  });
}

function textsOf(settings: unknown, path: string): readonly string[] {
  const values = settingOf(settings, path, Array.isArray) as readonly unknown[];
  return values.filter((value) => typeof value === "string");
}

/** Whether FEDERATED comes first in the order of sign-in methods, a list of groups. */
function federationFirst(settings: unknown): boolean {
  const groups = settingOf(settings, "categories.auth.authMethodOrder", Array.isArray) as readonly unknown[];
  const types = groups.flat().map((method) => at(method, "type"));
  return types.find((type) => type === "FEDERATED" || type === "USERNAME_PASSWORD") !== "USERNAME_PASSWORD";
}

function modesOf(settings: unknown): readonly Mode[] {
  const path = "categories.global.colorSchemeMode";
  const scheme = settingOf(settings, path, isOneOf("LIGHT", "DARK", "DYNAMIC"));
  return scheme === "LIGHT" ? ["light"] : scheme === "DARK" ? ["dark"] : ["light", "dark"];
}

/** The colors, and the images that go with them: no image behind a form if no text on it would be legible. */
function colorsAndImages(
  settings: unknown,
  modes: readonly Mode[],
  wanted: readonly string[],
): Pick<Theme, "palettes" | "images"> {
  const both = (withImage: boolean) => ({
    light: paletteOf("light", givenBy(settings, "light"), withImage),
    dark: paletteOf("dark", givenBy(settings, "dark"), withImage),
  });
  const plain = both(false);
  const allowed = modes.every((mode) => allowsImage(plain[mode]));
  const shown = new Set(wanted.filter((category) => category !== "FORM_BACKGROUND" || allowed));
  return { palettes: shown.has("FORM_BACKGROUND") ? both(true) : plain, images: shown };
}

/** Colors changed for legibility, in the supported modes. */
export function repairsOf({ modes, palettes, federation }: Theme): Repair[] {
  return [palettes, ...federation.custom.map((one) => one.palettes)].flatMap((each) =>
    modes.flatMap((mode) => each[mode].repairs),
  );
}

function logoOf(settings: unknown): Theme["logo"] {
  const logo = "components.form.logo";
  return {
    side: sideOf(settings, `${logo}.location`),
    below: settingOf(settings, `${logo}.position`, isOneOf("TOP", "BOTTOM")) === "BOTTOM",
    outside: settingOf(settings, `${logo}.formInclusion`, isOneOf("IN", "OUT")) === "OUT",
  };
}

function iconsOf(settings: unknown): Theme["icons"] {
  const types = settingOf(settings, "components.favicon.enabledTypes", Array.isArray) as readonly unknown[];
  return (["ICO", "SVG"] as const).filter((type) => types.includes(type));
}

function measuresOf(settings: unknown): Map<string, string> {
  const isRadius = (value: unknown) => typeof value === "number" && value >= 0 && value <= MOST_RADIUS;
  return new Map(
    measures.flatMap(([property, path]) => {
      const radius = settingOf(settings, path, isRadius);
      return radius === at(defaultSettings, path) ? [] : [[property, `${(radius as number) / 16}rem`]];
    }),
  );
}

const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
const isBoolean = (value: unknown) => typeof value === "boolean";
const isOneOf =
  (...words: readonly string[]) =>
  (value: unknown) =>
    words.some((word) => word === value);

function sideOf(settings: unknown, path: string): Side {
  return (settingOf(settings, path, isOneOf("START", "CENTER", "END")) as string).toLowerCase() as Side;
}

/** The value of the settings at this path if it is of the right kind, else the default. */
function settingOf(settings: unknown, path: string, isKind: (value: unknown) => boolean): unknown {
  const value = at(settings, path);
  return isKind(value) ? value : at(defaultSettings, path);
}

/** The file names of an image by color mode. */
export type Picture = Readonly<Record<Mode, string>>;

/**
 * The stylesheet of a theme, to follow that of all pages; empty if it would change nothing. Both modes are written in
 * full: otherwise the rules for the light page would apply to the dark one, too.
 * @param picture returns the image of a category, or undefined if there is none
 */
export function themeCss(theme: Theme, picture: (category: string) => Picture | undefined): string {
  const { modes, measures: sizes, palettes, images: shown } = theme;
  const { custom } = theme.federation;
  const isDefault =
    modes.length === 2 &&
    sizes.size + shown.size + custom.length === 0 &&
    modes.every((mode) => hasDefaults(palettes[mode], mode));
  if (isDefault) return "";
  const scheme = modes.length === 1 ? [["color-scheme", modes[0]!] as const] : [];
  const [first, second] = modes.map((mode, index) => {
    const properties = [...(index === 0 ? [...scheme, ...sizes] : []), ...palettes[mode].values];
    const buttons = custom.map(({ look, palettes: own }) => block(`.${look}`, own[mode].values));
    const behindParts = [...shown].map((category) => behind(category, picture(category)?.[mode]));
    return [block(":root", properties), ...buttons, ...behindParts].join("");
  });
  return second === undefined ? first! : `${first}@media (prefers-color-scheme:dark){${second}}`;
}

/** A rule that sets custom properties. */
function block(selector: string, properties: Iterable<readonly [string, string]>): string {
  const written = Array.from(properties, ([property, value]) => `${property}:${value}`);
  return `${selector}{${written.join(";")}}`;
}

function hasDefaults({ values }: Palette, mode: Mode): boolean {
  const standard = paletteOf(mode, () => undefined).values;
  return [...values].every(([property, value]) => standard.get(property) === value);
}

/** A rule for a background image. Its URL is relative to this stylesheet, which would get lost in a custom property. */
function behind(category: string, name: string | undefined): string {
  if (name === undefined) return "";
  const image = `url(${name}) center/cover no-repeat`;
  if (category === "PAGE_HEADER_BACKGROUND") return `header.bar{background:${image} var(--top)}`;
  if (category === "PAGE_FOOTER_BACKGROUND") return `footer.bar{background:${image} var(--bottom)}`;
  // If the card fills the window, there is no page behind it.
  if (category === "PAGE_BACKGROUND")
    return `@media (min-width:30.01rem){body{background:${image} var(--page)}}`;
  const veil = `color-mix(in srgb,var(--card) ${Math.round(scrim * 100)}%,transparent)`;
  return `main:not(.open),.card{background:linear-gradient(${veil},${veil}),${image} var(--card)}`;
}
