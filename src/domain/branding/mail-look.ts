/**
 * The branding of mail: the colors of a client's pages, checked for contrast as they are there, and their logo. Colors
 * come from the cached branding of the pages.
 */
import type { Reader } from "../../app.ts";
import { CacheKind } from "../../lib/caches.ts";
import { rasterType } from "../../lib/image-type.ts";
import { allClients } from "../../store/ui-customizations.ts";
import { type Appearance, appearanceOf, brandingFile, uiLogoCategory } from "./appearance.ts";
import type { Mode } from "./theme-colors.ts";

export interface MailLook {
  readonly scheme: Appearance["scheme"];
  /** The colors of each mode of the scheme, by their custom properties in theme.css. */
  readonly palettes: Appearance["palettes"];
  /** A PNG or JPEG image. */
  readonly logo: { readonly type: "image/png" | "image/jpeg"; readonly bytes: Uint8Array } | undefined;
}

/** The largest logo that is sent along, in bytes: mail is kept for years, in many copies. */
const largestLogo = 200_000;

/** Categories of logos, the one that mail shows first. */
const logoCategories = ["FORM_LOGO", "PAGE_HEADER_LOGO", uiLogoCategory];

/** The branding of a client's mail; of mail that belongs to no client, what was set for all of them. */
export async function mailLookOf(
  ctx: Reader,
  poolId: string,
  clientId: string | undefined,
): Promise<MailLook> {
  const client = { poolId, id: clientId ?? allClients };
  const appearance = await appearanceOf(ctx, client);
  if (appearance === undefined) return standardLook(ctx);
  const { scheme, palettes } = appearance;
  return { scheme, palettes, logo: await logoOf(ctx, client, appearance) };
}

async function logoOf(
  ctx: Reader,
  client: { readonly poolId: string; readonly id: string },
  { pictures, scheme }: Appearance,
): Promise<MailLook["logo"]> {
  const [picture] = logoCategories.flatMap((category) => pictures.get(category) ?? []);
  if (picture === undefined) return undefined;
  const file = await brandingFile(ctx, client, picture[scheme === "dark" ? "dark" : "light"]);
  if (file === undefined || typeof file.body === "string" || file.body.length > largestLogo) return undefined;
  const type = rasterType(file.body);
  if (type !== "PNG" && type !== "JPEG") return undefined;
  return { type: type === "PNG" ? "image/png" : "image/jpeg", bytes: file.body };
}

const standard = new CacheKind<MailLook>(1);

/** The look without branding. What reads colors is loaded by the first mail. */
async function standardLook({ app }: Reader): Promise<MailLook> {
  const cache = app.caches.of(standard);
  const found = cache.get("");
  if (found !== undefined) return found;
  const { paletteOf } = await import("./theme-colors.ts");
  const colors = (mode: Mode) => paletteOf(mode, () => undefined).values;
  const look: MailLook = {
    scheme: "light dark",
    palettes: { light: colors("light"), dark: colors("dark") },
    logo: undefined,
  };
  cache.set("", look);
  return look;
}
