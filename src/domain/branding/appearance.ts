/**
 * The branding of a client's pages: a style of managed login, the CSS and logo of the classic hosted UI, or neither.
 * Each page reads only the versions; what was made from them is cached. Names of stylesheets and images contain a hash
 * of the content, so that browsers can cache them forever. What reads colors and CSS is loaded by the first branding.
 */
import { createHash } from "node:crypto";
import type { Ctx, Reader } from "../../app.ts";
import { CacheKind } from "../../lib/caches.ts";
import { type Asset, type AssetKey, readAsset, readAssets, readStyle } from "../../store/branding.ts";
import { type BrandingVersions, readBrandingVersions } from "../../store/branding-versions.ts";
import { readUiCustomizations, readUiImage } from "../../store/ui-customizations.ts";
import type { Picture, Theme } from "./theme.ts";
import type { Mode, Palette } from "./theme-colors.ts";

/** The path of clients' files, below the root of a pool's endpoints. */
export const brandingPath = "/assets/brand";

interface Icon {
  readonly file: string;
  readonly type: string;
  /** Set if each color mode has its own. */
  readonly mode: Mode | undefined;
}

export interface Appearance {
  /** The name of the stylesheet that follows that of all pages; undefined if there is none. */
  readonly style: string | undefined;
  readonly scheme: "light dark" | Mode;
  /** The colors of each mode that it has, by their custom properties in theme.css. */
  readonly palettes: Readonly<Partial<Record<Mode, Palette["values"]>>>;
  /** Undefined for the classic hosted UI, which has at most a logo. */
  readonly theme:
    | Pick<Theme, "place" | "compact" | "header" | "footer" | "logo" | "languages" | "federation">
    | undefined;
  /** The images that pages show, by category of their assets. */
  readonly pictures: ReadonlyMap<string, Picture>;
  /** Icons for buttons of identity providers, by the provider's name in lower case; `""` for those without a brand. */
  readonly providerIcons: ReadonlyMap<string, Picture>;
  readonly icons: readonly Icon[];
  readonly files: ReadonlyMap<string, AppearanceFile>;
}

/** Where the bytes of a file are. */
type AppearanceFile =
  | { readonly type: "text/css; charset=utf-8"; readonly text: string }
  | { readonly type: string; readonly asset: AssetKey }
  | { readonly type: string; readonly logoOf: string };

/** Categories of standalone images, except those that settings turn on one by one. */
const graphics = ["EMAIL_GRAPHIC", "SMS_GRAPHIC", "AUTH_APP_GRAPHIC", "PASSWORD_GRAPHIC", "PASSKEY_GRAPHIC"];
const buttonIcon = "IDP_BUTTON_ICON";
/** The logo of the classic hosted UI. */
export const uiLogoCategory = "UI_LOGO";

const types: Readonly<Record<string, string>> = {
  ICO: "image/x-icon",
  JPEG: "image/jpeg",
  PNG: "image/png",
  SVG: "image/svg+xml",
  WEBP: "image/webp",
};

interface Client {
  readonly poolId: string;
  readonly id: string;
}

/**
 * The branding of a client's pages; undefined for the default.
 * @param version ManagedLoginVersion of the domain that the request came to; undefined if it came to none, and a style
 * of managed login then takes precedence
 */
export async function appearanceOf(
  ctx: Reader,
  client: Client,
  version?: number,
): Promise<Appearance | undefined> {
  const versions = await readBrandingVersions(ctx.db, client.poolId, client.id);
  const isManaged = version === undefined ? versions.style !== undefined : version !== 1;
  return appearanceBy(ctx, client, versions, isManaged ? managedSource : classicSource);
}

/** A file of the client's branding, of whatever kind; undefined if there is none of this name. */
export async function brandingFile(
  ctx: Reader,
  client: Client,
  name: string,
): Promise<{ type: string; body: string | Uint8Array } | undefined> {
  const versions = await readBrandingVersions(ctx.db, client.poolId, client.id);
  for (const source of [managedSource, classicSource]) {
    const file = (await appearanceBy(ctx, client, versions, source))?.files.get(name);
    if (file === undefined) continue;
    if ("text" in file) return { type: file.type, body: file.text };
    const body =
      "asset" in file
        ? await readAsset(ctx.db, client.poolId, client.id, file.asset)
        : (await readUiImage(ctx.db, client.poolId, file.logoOf))?.bytes;
    // It may just have been replaced, and would be cached forever under this name.
    if (body !== undefined && name.startsWith(hashOf(body))) return { type: file.type, body };
  }
  return undefined;
}

/** The path of the logo of the classic hosted UI, below the root of the pool's endpoints. */
export async function uiLogoPath(ctx: Ctx, poolId: string, clientId: string): Promise<string | undefined> {
  const versions = await readBrandingVersions(ctx.db, poolId, clientId);
  const appearance = await appearanceBy(ctx, { poolId, id: clientId }, versions, classicSource);
  const name = appearance?.pictures.get(uiLogoCategory)?.light;
  return name && `${brandingPath}/${clientId}/${name}`;
}

/** Cached branding by client and kind, each with the version that it was made from. */
const appearances = new CacheKind<{
  readonly version: string;
  readonly appearance: Appearance | undefined;
}>(1_000);

/** The source of a client's branding: a style, or the classic customization. */
interface Source {
  readonly kind: string;
  /** The version that is current; undefined if there is none. */
  readonly version: (versions: BrandingVersions) => string | undefined;
  readonly make: (ctx: Reader, client: Client, versions: BrandingVersions) => Promise<Appearance | undefined>;
}

const managedSource: Source = {
  kind: "managed",
  version: ({ style }) =>
    style === undefined || style.provided ? undefined : `${style.styleId} ${style.version}`,
  make: async (ctx, { poolId, id }) => {
    const style = await readStyle(ctx.db, poolId, { clientId: id });
    if (style === undefined || style.provided) return undefined;
    return managed(style.settings, await readAssets(ctx.db, poolId, id));
  },
};

const classicSource: Source = {
  kind: "classic",
  version: ({ customization }) => customization && `${customization.clientId} ${customization.updatedAt}`,
  make: async (ctx, { poolId, id }, { customization }) => {
    const clientId = customization?.clientId ?? id;
    const [found] = await readUiCustomizations(ctx.db, poolId, [clientId]);
    return classic(clientId, found?.css, await readUiImage(ctx.db, poolId, clientId));
  },
};

async function appearanceBy(
  ctx: Reader,
  client: Client,
  versions: BrandingVersions,
  { kind, version, make }: Source,
): Promise<Appearance | undefined> {
  const current = version(versions);
  if (current === undefined) return undefined;
  const cache = ctx.app.caches.of(appearances);
  const key = `${kind} ${client.poolId} ${client.id}`;
  const found = cache.get(key);
  if (found?.version === current) return found.appearance;
  const appearance = await make(ctx, client, versions);
  // What was read in several steps belongs to this version only if it has not changed since.
  const after = version(await readBrandingVersions(ctx.db, client.poolId, client.id));
  if (after === current) cache.set(key, { version: current, appearance });
  return appearance;
}

async function managed(settings: unknown, assets: readonly Asset[]): Promise<Appearance> {
  const { themeCss, themeOf } = await import("./theme.ts");
  const theme = themeOf(settings, assets);
  const files = new Map<string, AppearanceFile>();
  const named = assets.map(({ bytes, ...asset }) => {
    const name = `${hashOf(bytes)}.${asset.extension.toLowerCase()}`;
    files.set(name, { type: types[asset.extension]!, asset });
    return { ...asset, name };
  });
  const picture = (category: string) => pictureOf(named.filter((asset) => asset.category === category));
  const style = addStyle(files, themeCss(theme, picture));
  const shown = [
    ...(theme.graphics ? graphics : []),
    ...(theme.logo ? ["FORM_LOGO"] : []),
    ...(theme.header?.logo ? ["PAGE_HEADER_LOGO"] : []),
    ...(theme.footer?.logo ? ["PAGE_FOOTER_LOGO"] : []),
  ];
  const pictures = new Map<string, Picture>();
  for (const category of shown) {
    const found = picture(category);
    if (found !== undefined) pictures.set(category, inModes(found, theme.modes));
  }
  const providerIcons = new Map<string, Picture>();
  if (theme.federation.icons)
    for (const [id, images] of Map.groupBy(
      named.filter(({ category }) => category === buttonIcon),
      ({ resourceId }) => resourceId.toLowerCase(),
    ))
      providerIcons.set(id, inModes(pictureOf(images)!, theme.modes));
  const icons = theme.icons.flatMap((kind) => {
    const found = picture(`FAVICON_${kind}`);
    if (found === undefined) return [];
    const { light, dark } = inModes(found, theme.modes);
    const modes = light === dark ? ([undefined] as const) : (["light", "dark"] as const);
    return modes.map((mode) => ({ file: mode === "dark" ? dark : light, type: types[kind]!, mode }));
  });
  const scheme = theme.modes.length === 2 ? "light dark" : theme.modes[0]!;
  const palettes = Object.fromEntries(theme.modes.map((mode) => [mode, theme.palettes[mode].values]));
  return { style, scheme, palettes, theme, pictures, providerIcons, icons, files };
}

/**
 * The files of an image for both modes. One that was set for both modes, or for one alone, fills in for a missing one.
 */
function pictureOf(
  assets: readonly { readonly colorMode: string; readonly name: string }[],
): Picture | undefined {
  const of = (mode: string) => assets.find(({ colorMode }) => colorMode === mode)?.name;
  const light = of("LIGHT") ?? of("DYNAMIC") ?? of("DARK");
  const dark = of("DARK") ?? of("DYNAMIC") ?? of("LIGHT");
  return light === undefined || dark === undefined ? undefined : { light, dark };
}

function inModes(picture: Picture, modes: readonly Mode[]): Picture {
  const [only] = modes;
  return modes.length === 2 ? picture : { light: picture[only!], dark: picture[only!] };
}

async function classic(
  clientId: string,
  css: string | undefined,
  image: { readonly mediaType: string; readonly bytes: Uint8Array } | undefined,
): Promise<Appearance | undefined> {
  if (css === undefined && image === undefined) return undefined;
  const { uiThemeOf } = await import("./classic-theme.ts");
  const files = new Map<string, AppearanceFile>();
  const { css: themed, colors } = uiThemeOf(css ?? "");
  const style = addStyle(files, themed);
  const pictures = new Map<string, Picture>();
  if (image !== undefined) {
    const name = `${hashOf(image.bytes)}.${image.mediaType === "image/png" ? "png" : "jpeg"}`;
    files.set(name, { type: image.mediaType, logoOf: clientId });
    pictures.set(uiLogoCategory, { light: name, dark: name });
  }
  const palettes = { light: colors };
  return {
    style,
    scheme: "light",
    palettes,
    theme: undefined,
    pictures,
    providerIcons: new Map(),
    icons: [],
    files,
  };
}

function addStyle(files: Map<string, AppearanceFile>, text: string): string | undefined {
  if (text === "") return undefined;
  const name = `${hashOf(text)}.css`;
  files.set(name, { type: "text/css; charset=utf-8", text });
  return name;
}

function hashOf(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 32);
}
