/**
 * The colors of the pages: which managed login setting each comes from, what it is painted on, and the contrast it
 * needs there. Whatever an operator sets, text stays legible (WCAG 2.2, 1.4.3 and 1.4.11). Pure.
 */
import { black, type Color, colorOfDigits, contrast, hexOf, mixed, over, white } from "../../lib/color.ts";
import { at } from "../../lib/json-path.ts";
import { defaultSettings } from "./defaults.ts";

export type Mode = "light" | "dark";

const TEXT = 4.5;
/** The contrast of field borders and focus indicators. */
const EDGE = 3;

interface Role {
  /** Its custom property in theme.css. */
  readonly property: string;
  /** Settings that define it, `*` for the mode; the first one given counts, else the default of the first. */
  readonly paths: readonly string[];
  /** Properties of the colors it is painted on; its alpha is mixed with the first. */
  readonly on: readonly string[];
  /** The contrast that it needs with each of them. */
  readonly least?: number;
}

const role = (property: string, on: string, paths: string, least?: number): Role => ({
  property,
  on: on.split(" "),
  paths: paths.split(" "),
  ...(least !== undefined && { least }),
});

const button = "components.primaryButton.*";
const second = "components.secondaryButton.*";
const provider = "components.idpButton.standard.*";
const input = "componentClasses.input.*.defaults";
const failure = "componentClasses.statusIndicator.*.error";
const success = "componentClasses.statusIndicator.*.success";
const description = "components.pageText.*.descriptionColor";
const body = "components.pageText.*.bodyColor";

/** The settings that count for each state of a button: its own, else those of the states before it. */
const statesOf = { "": "defaults", "-over": "hover defaults", "-down": "active hover defaults" } as const;

/** The buttons of identity providers. Without settings of their own they look like other secondary buttons. */
const providerRoles: readonly Role[] = Object.entries(statesOf).flatMap(([suffix, states]) => {
  const paths = (member: string) =>
    [provider, second]
      .flatMap((path) => states.split(" ").map((state) => `${path}.${state}.${member}`))
      .join(" ");
  return [
    role(`--idp${suffix}`, "--card", paths("backgroundColor")),
    role(`--idp${suffix}-line`, "--card", paths("borderColor")),
    role(`--on-idp${suffix}`, `--idp${suffix}`, paths("textColor"), TEXT),
  ];
});

/** Settings of colors that pages use; all others have no effect. Backgrounds come before what is painted on them. */
const roles: readonly Role[] = [
  role("--page", "canvas", "components.pageBackground.*.color"),
  role("--card", "--page", "components.form.*.backgroundColor"),
  role("--card-line", "--page", "components.form.*.borderColor"),
  role("--line", "--card", "componentClasses.divider.*.borderColor"),
  role("--top", "--page", "components.pageHeader.*.background.color"),
  role("--top-line", "--page", "components.pageHeader.*.borderColor"),
  role("--bottom", "--page", "components.pageFooter.*.background.color"),
  role("--bottom-line", "--page", "components.pageFooter.*.borderColor"),
  role("--field", "--card", `${input}.backgroundColor`),
  role("--edge", "--card", `${input}.borderColor`, EDGE),
  role("--focus", "--card", "componentClasses.focusState.*.borderColor", EDGE),
  role("--heading", "--card", "components.pageText.*.headingColor", TEXT),
  role("--text", "--card --still", body, TEXT),
  role("--soft", "--card --still", description, TEXT),
  role("--foot", "--card", description, TEXT),
  role("--legal", "--card", description, TEXT),
  role("--label", "--card", "componentClasses.inputLabel.*.textColor", TEXT),
  role("--hint", "--card", "componentClasses.inputDescription.*.textColor", TEXT),
  role("--typed", "--field", body, TEXT),
  role("--reveal", "--field", description, TEXT),
  role("--link", "--card --still", "componentClasses.link.*.defaults.textColor", TEXT),
  role(
    "--link-over",
    "--card --still",
    "componentClasses.link.*.hover.textColor componentClasses.link.*.defaults.textColor",
    TEXT,
  ),
  role("--accent", "--card", `${button}.defaults.backgroundColor`),
  role("--on-accent", "--accent", `${button}.defaults.textColor`, TEXT),
  role("--accent-over", "--card", `${button}.hover.backgroundColor ${button}.defaults.backgroundColor`),
  role("--on-accent-over", "--accent-over", `${button}.hover.textColor ${button}.defaults.textColor`, TEXT),
  role(
    "--accent-down",
    "--card",
    `${button}.active.backgroundColor ${button}.hover.backgroundColor ${button}.defaults.backgroundColor`,
  ),
  role(
    "--on-accent-down",
    "--accent-down",
    `${button}.active.textColor ${button}.hover.textColor ${button}.defaults.textColor`,
    TEXT,
  ),
  role("--second", "--card", `${second}.defaults.backgroundColor`),
  role("--second-line", "--card", `${second}.defaults.borderColor`),
  role("--on-second", "--second", `${second}.defaults.textColor`, TEXT),
  role("--second-over", "--card", `${second}.hover.backgroundColor ${second}.defaults.backgroundColor`),
  role("--second-over-line", "--card", `${second}.hover.borderColor ${second}.defaults.borderColor`),
  role("--on-second-over", "--second-over", `${second}.hover.textColor ${second}.defaults.textColor`, TEXT),
  ...providerRoles,
  role("--idp-label", "--card", "componentClasses.inputLabel.*.textColor", TEXT),
  role("--bad-back", "--card", `components.alert.*.error.backgroundColor ${failure}.backgroundColor`),
  role("--bad-line", "--card", `components.alert.*.error.borderColor ${failure}.borderColor`),
  role("--bad", "--bad-back", `${failure}.indicatorColor`, TEXT),
  role("--wrong", "--card", `${failure}.indicatorColor`, TEXT),
  role("--good-back", "--card", `${success}.backgroundColor`),
  role("--good-line", "--card", `${success}.borderColor`),
  role("--good", "--good-back", `${success}.indicatorColor`, TEXT),
];

/** Values without a setting. A page of another color than the default has no glow. */
const fixed = {
  light: {
    "--glow": "#e6ecfb",
    "--still": "#f1f3f7",
    "--shadow": "0 1px 2px rgb(20 23 31 / 5%), 0 12px 32px -12px rgb(20 23 31 / 14%)",
  },
  dark: {
    "--glow": "#151b2d",
    "--still": "#20242e",
    "--shadow": "0 1px 2px rgb(0 0 0 / 40%), 0 16px 40px -16px rgb(0 0 0 / 60%)",
  },
} as const;
const ringAlpha = { light: 28, dark: 32 } as const;

/** A color that was changed for legibility. */
export interface Repair {
  readonly property: string;
  /** The managed login setting that defines it. */
  readonly setting: string;
  readonly contrast: number;
  readonly least: number;
}

export interface Palette {
  /** Values by their custom properties in theme.css. */
  readonly values: ReadonlyMap<string, string>;
  readonly repairs: readonly Repair[];
}

/** Returns the color given for a custom property and the settings that define it. */
export type Given = (property: string, paths: readonly string[]) => Color | undefined;

/** The colors given by managed login settings. */
export function givenBy(settings: unknown, mode: Mode): Given {
  return (_property, paths) => firstColor(settings, paths, mode);
}

function firstColor(settings: unknown, paths: readonly string[], mode: Mode): Color | undefined {
  for (const path of paths) {
    const color = colorOfDigits(at(settings, path.replace("*", `${mode}Mode`)));
    if (color !== undefined) return color;
  }
  return undefined;
}

/** The opacity of the card over its own image. */
export const scrim = 0.88;

/**
 * The colors of one mode.
 * @param withImage whether there is an image behind the card, of which any color may shine through
 */
export function paletteOf(mode: Mode, given: Given, withImage = false): Palette {
  const colors = new Map<string, Color>([["canvas", mode === "dark" ? black : white]]);
  const repairs = paint(colors, roles, { mode, given, withImage });
  return { values: written(mode, colors), repairs };
}

/** Settings with those of one identity provider in place of those of all. */
const inPlaceOfStandard = (custom: unknown): object => ({ components: { idpButton: { standard: custom } } });

/** Whether these settings of one identity provider have a color that counts, in any mode. */
export function hasProviderColors(custom: unknown): boolean {
  const settings = inPlaceOfStandard(custom);
  return providerRoles.some(({ paths }) =>
    (["light", "dark"] as const).some((mode) => firstColor(settings, paths, mode) !== undefined),
  );
}

/**
 * The colors of the button of one identity provider: its own, and otherwise those of all.
 * @param custom the settings that `components.idpButton.custom` has under the provider's name
 * @param card the page's color behind the button
 */
export function providerPalette(
  mode: Mode,
  settings: unknown,
  { name, custom, card }: { readonly name: string; readonly custom: unknown; readonly card: string },
): Palette {
  const own = givenBy(inPlaceOfStandard(custom), mode);
  const others = givenBy(settings, mode);
  const colors = new Map<string, Color>([["--card", colorOfHex(card)]]);
  const repairs = paint(colors, providerRoles, {
    mode,
    given: (property, paths) => own(property, paths) ?? others(property, paths),
    withImage: false,
  });
  return {
    values: new Map(providerRoles.map(({ property }) => [property, hexOf(colors.get(property)!)])),
    repairs: repairs.map((repair) => ({
      ...repair,
      setting: repair.setting.replace("idpButton.standard", () => `idpButton.custom.${name}`),
    })),
  };
}

const colorOfHex = (hex: string): Color => colorOfDigits(`${hex.slice(1)}ff`)!;

interface Painting {
  readonly mode: Mode;
  readonly given: Given;
  readonly withImage: boolean;
}

/** Adds the color of each role to those that it is painted on; returns what was changed for legibility. */
function paint(
  colors: Map<string, Color>,
  painted: readonly Role[],
  { mode, given, withImage }: Painting,
): Repair[] {
  const repairs: Repair[] = [];
  for (const { property, paths, on, least } of painted) {
    const standard = firstColor(defaultSettings, paths, mode) ?? colors.get(on[0]!)!;
    const color = over(given(property, paths) ?? standard, colors.get(on[0]!)!);
    const under = on.flatMap((name) => underneath(name, colors.get(name)!, withImage));
    const found = Math.min(...under.map((back) => contrast(color, back)));
    if (least !== undefined && found < least)
      repairs.push({ property, setting: paths[0]!.replace("*", `${mode}Mode`), contrast: found, least });
    colors.set(property, least === undefined ? color : readable(color, under, least));
    if (property === "--card") colors.set("--still", mutedOf(mode, color, standard));
  }
  return repairs;
}

/**
 * The color of flat areas on the card: a little of the text's color mixed in, unless that leaves the text too little
 * contrast.
 */
function mutedOf(mode: Mode, card: Color, standard: Color): Color {
  if (hexOf(card) === hexOf(standard)) return colorOfHex(fixed[mode]["--still"]);
  const [text, other] = contrast(card, black) > contrast(card, white) ? [black, white] : [white, black];
  const still = mixed(card, text, 0.06);
  return contrast(still, text) >= TEXT ? still : mixed(card, other, 0.06);
}

/** The extremes of a card's color over an unknown image: mixed with black, and with white. */
function underneath(name: string, color: Color, withImage: boolean): Color[] {
  if (name !== "--card" || !withImage) return [color];
  return [color, ...throughScrim(color)];
}

const throughScrim = (card: Color) => [black, white].map((image) => mixed(image, card, scrim));

/** Whether some text color is legible on a card of this color, whatever image is behind it. */
export function allowsImage({ values }: Palette): boolean {
  const card = colorOfHex(values.get("--card")!);
  return [black, white].some((text) => throughScrim(card).every((back) => contrast(text, back) >= TEXT));
}

const ink: Color = { r: 20, g: 23, b: 31, a: 1 };
const paper: Color = { r: 247, g: 248, b: 250, a: 1 };

/**
 * The color itself, or else the nearest one on its way to black or white, which keeps its hue, that has enough contrast
 * with all of these backgrounds. If it cannot be made light enough, it becomes dark.
 */
function readable(color: Color, under: readonly Color[], least: number): Color {
  const isSeen = (one: Color) => under.every((back) => contrast(one, back) >= least);
  const isLighter = contrast(color, black) > contrast(under[0]!, black);
  const [near, far] = isLighter ? [white, black] : [black, white];
  const towards = (end: Color) => Array.from({ length: 32 }, (_, step) => mixed(color, end, (step + 1) / 32));
  const found = [color, ...towards(near), isLighter ? ink : paper, ...towards(far)].find(isSeen);
  const worst = (one: Color) => Math.min(...under.map((back) => contrast(one, back)));
  return found ?? (worst(black) > worst(white) ? black : white);
}

function written(mode: Mode, colors: ReadonlyMap<string, Color>): Map<string, string> {
  const values = new Map(
    [...colors].filter(([name]) => name !== "canvas").map(([name, color]) => [name, hexOf(color)]),
  );
  const { r, g, b } = colors.get("--focus")!;
  values.set("--ring", `rgb(${r} ${g} ${b} / ${ringAlpha[mode]}%)`);
  const page = values.get("--page")!;
  const standard = hexOf(firstColor(defaultSettings, ["components.pageBackground.*.color"], mode)!);
  values.set("--glow", page === standard ? fixed[mode]["--glow"] : page);
  values.set("--shadow", fixed[mode]["--shadow"]);
  return values;
}
