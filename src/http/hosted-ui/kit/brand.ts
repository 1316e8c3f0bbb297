/** Applies a client's branding to the frame of a page, and serves the files that belong to it. */
import type { Context } from "hono";
import { html } from "hono/html";
import type { Ctx } from "../../../app.ts";
import {
  type Appearance,
  appearanceOf,
  brandingFile,
  brandingPath,
  uiLogoCategory,
} from "../../../domain/branding/appearance.ts";
import type { Picture, Side } from "../../../domain/branding/theme.ts";
import type { Client } from "../../../domain/user-pools/load-pool.ts";
import { type Bindings, type Place, placeOf } from "../../place.ts";
import type { Brand, Frame, Html } from "./frame.ts";
import { languageForm } from "./language-form.ts";

export function brandOf(ctx: Ctx, { pool, loginVersion }: Place, { id }: Client): Brand {
  let appearance: Promise<Appearance | undefined> | undefined;
  return {
    clientId: id,
    appearance: () => {
      appearance ??= appearanceOf(ctx, { poolId: pool.id, id }, loginVersion);
      return appearance;
    },
  };
}

/** The parts of a page that the branding determines. */
export interface BrandedParts {
  readonly scheme: Appearance["scheme"];
  readonly icons: Html;
  readonly style: Html | "";
  /** Classes of the body element. */
  readonly classes: string;
  readonly header: Html | "";
  readonly footer: Html | "";
  /** Before the heading, inside the card. */
  readonly head: Html | "";
  /** At the end of the card. */
  readonly foot: Html | "";
  /** Around the card; undefined if there is only the card. */
  readonly outside: { readonly before: Html | ""; readonly after: Html | "" } | undefined;
}

const noIcon = html`<link rel="icon" href="data:,">`;
const sideClass: Readonly<Record<Side, string>> = { start: "", center: " center", end: " end" };

/** @param graphic the category of the image for this page, if any */
export async function brandedParts(frame: Frame, graphic: string | undefined): Promise<BrandedParts> {
  const appearance = await frame.brand?.appearance();
  const plain: BrandedParts = {
    scheme: appearance?.scheme ?? "light dark",
    icons: noIcon,
    style: "",
    classes: "",
    header: "",
    footer: "",
    head: letterMark(frame),
    foot: languageForm(frame),
    outside: undefined,
  };
  if (appearance === undefined) return plain;
  const folder = folderOf(frame);
  const style =
    appearance.style === undefined
      ? ""
      : html`\n<link rel="stylesheet" href="${folder}/${appearance.style}">`;
  const show = (category: string, alt: string) => {
    const picture = appearance.pictures.get(category);
    return picture === undefined ? undefined : image(folder, picture, alt);
  };
  if (appearance.theme === undefined) {
    const head = html`<div class="banner">${show(uiLogoCategory, frame.app ?? "") ?? letterMark(frame)}</div>`;
    return { ...plain, style, head };
  }
  return {
    ...plain,
    style,
    ...themed(frame, { appearance, theme: appearance.theme, folder, show }, graphic),
  };
}

const folderOf = ({ root, brand }: Pick<Frame, "root" | "brand">) =>
  `${root}${brandingPath}/${brand!.clientId}`;

/** The client's own icon for an identity provider's button: the one of its name, or else of all without a brand. */
export async function providerIcon(
  frame: Pick<Frame, "root" | "brand">,
  { name, isPlain }: { readonly name: string; readonly isPlain: boolean },
): Promise<Html | undefined> {
  const icons = (await frame.brand?.appearance())?.providerIcons;
  const picture = icons?.get(name.toLowerCase()) ?? (isPlain ? icons?.get("") : undefined);
  return picture && image(folderOf(frame), picture, "");
}

function letterMark({ app }: Frame): Html | "" {
  return app === undefined
    ? ""
    : html`<div class="mark" aria-hidden="true">${[...app][0]?.toUpperCase()}</div>`;
}

interface Themed {
  readonly appearance: Appearance;
  readonly theme: NonNullable<Appearance["theme"]>;
  readonly folder: string;
  readonly show: (category: string, alt: string) => Html | undefined;
}

function themed(frame: Frame, parts: Themed, graphic: string | undefined): Partial<BrandedParts> {
  const { appearance, theme, folder, show } = parts;
  const { header, footer, logo } = theme;
  const hasLogo = appearance.pictures.has("FORM_LOGO") || appearance.pictures.has("PAGE_HEADER_LOGO");
  const drawn = graphic === undefined ? undefined : show(graphic, "");
  const { above, below } = formLogo(frame, parts);
  const isOutside = logo?.outside === true;
  return {
    icons: iconsOf(appearance, folder),
    classes: classesOf(theme),
    header: header
      ? html`<header class="bar${sideClass[header.logo ?? "start"]}">${show("PAGE_HEADER_LOGO", frame.app ?? "")}</header>\n`
      : "",
    footer: footer
      ? html`<footer class="bar${sideClass[footer.logo ?? "start"]}">${show("PAGE_FOOTER_LOGO", frame.app ?? "")}</footer>\n`
      : "",
    head: html`${isOutside ? "" : above}${hasLogo ? "" : letterMark(frame)}${drawn && html`<div class="graphic">${drawn}</div>`}`,
    foot: html`${theme.languages ? languageForm(frame) : ""}${isOutside ? "" : below}`,
    outside: isOutside ? { before: above, after: below } : undefined,
  };
}

function formLogo({ app }: Frame, { theme, show }: Themed): { above: Html | ""; below: Html | "" } {
  const { logo } = theme;
  if (logo === undefined) return { above: "", below: "" };
  const shown = html`<div class="logo${sideClass[logo.side]}">${show("FORM_LOGO", app ?? "")}</div>`;
  return logo.below ? { above: "", below: shown } : { above: shown, below: "" };
}

function iconsOf({ icons }: Appearance, folder: string): Html {
  if (icons.length === 0) return noIcon;
  const links = icons.map(({ file, type, mode }) => {
    const media = mode === undefined ? "" : html` media="(prefers-color-scheme: ${mode})"`;
    return html`<link rel="icon" type="${type}" href="${folder}/${file}"${media}>`;
  });
  return html`${links}`;
}

function classesOf({ place, header, footer, compact }: Themed["theme"]): string {
  return [
    { start: "first", center: "", end: "last" }[place.horizontal],
    { start: "top", center: "", end: "bottom" }[place.vertical],
    header || footer ? "framed" : "",
    compact ? "compact" : "",
  ]
    .filter((name) => name !== "")
    .join(" ");
}

function image(folder: string, { light, dark }: Picture, alt: string): Html {
  const shown = html`<img src="${folder}/${light}" alt="${alt}">`;
  if (light === dark) return shown;
  return html`<picture><source srcset="${folder}/${dark}" media="(prefers-color-scheme: dark)">${shown}</picture>`;
}

/** GET: a file of a client's branding. It executes nothing, even if opened by itself. */
export async function answerBrandFile(ctx: Ctx, c: Context<Bindings>): Promise<Response> {
  const { pool } = await placeOf(ctx, c);
  const client = { poolId: pool.id, id: c.req.param("clientId") ?? "" };
  const file = await brandingFile(ctx, client, c.req.param("name") ?? "");
  if (file === undefined) return c.json({ message: "There is nothing here." }, 404);
  const body = typeof file.body === "string" ? file.body : new Uint8Array(file.body);
  return c.body(body, 200, {
    "content-type": file.type,
    "cache-control": "public, max-age=31536000, immutable",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "cross-origin-resource-policy": "same-origin",
  });
}
