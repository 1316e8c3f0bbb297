/** How a page is dressed: what the look of its client adds to the frame, and the files that go with it. */
import type { Context } from "hono";
import { html } from "hono/html";
import type { Ctx } from "../../../app.ts";
import { type Look, lookFile, lookOf, looksPath, uiLogoCategory } from "../../../domain/branding/looks.ts";
import type { Picture, Side } from "../../../domain/branding/theme.ts";
import type { Client } from "../../../domain/user-pools/load-pool.ts";
import { type Bindings, type Place, placeOf } from "../../place.ts";
import type { Brand, Frame, Html } from "./frame.ts";
import { languageForm } from "./language-form.ts";

export function brandOf(ctx: Ctx, { pool, loginVersion }: Place, { id }: Client): Brand {
  return { clientId: id, look: () => lookOf(ctx, { poolId: pool.id, id }, loginVersion) };
}

/** The parts of a page that a look decides. */
export interface Dress {
  readonly scheme: Look["scheme"];
  readonly icons: Html;
  readonly style: Html | "";
  /** Of the body. */
  readonly classes: string;
  readonly header: Html | "";
  readonly footer: Html | "";
  /** Stands before the heading, inside the card. */
  readonly head: Html | "";
  /** Ends the card. */
  readonly foot: Html | "";
  /** Around the card; undefined: the card is all there is. */
  readonly outside: { readonly before: Html | ""; readonly after: Html | "" } | undefined;
}

const noIcon = html`<link rel="icon" href="data:,">`;
const sideClass: Readonly<Record<Side, string>> = { start: "", center: " center", end: " end" };

/** @param graphic the category of the image that the page shows, if there is one */
export async function dressOf(frame: Frame, graphic: string | undefined): Promise<Dress> {
  const look = await frame.brand?.look();
  const plain: Dress = {
    scheme: look?.scheme ?? "light dark",
    icons: noIcon,
    style: "",
    classes: "",
    header: "",
    footer: "",
    head: letterMark(frame),
    foot: "",
    outside: undefined,
  };
  if (look === undefined) return plain;
  const folder = `${frame.root}${looksPath}/${frame.brand!.clientId}`;
  const style =
    look.style === undefined ? "" : html`\n<link rel="stylesheet" href="${folder}/${look.style}">`;
  const show = (category: string, alt: string) => {
    const picture = look.pictures.get(category);
    return picture === undefined ? undefined : image(folder, picture, alt);
  };
  if (look.theme === undefined) {
    const head = html`<div class="banner">${show(uiLogoCategory, frame.app ?? "") ?? letterMark(frame)}</div>`;
    return { ...plain, style, head };
  }
  return { ...plain, style, ...themed(frame, { look, theme: look.theme, folder, show }, graphic) };
}

function letterMark({ app }: Frame): Html | "" {
  return app === undefined
    ? ""
    : html`<div class="mark" aria-hidden="true">${[...app][0]?.toUpperCase()}</div>`;
}

interface Themed {
  readonly look: Look;
  readonly theme: NonNullable<Look["theme"]>;
  readonly folder: string;
  readonly show: (category: string, alt: string) => Html | undefined;
}

function themed(frame: Frame, parts: Themed, graphic: string | undefined): Partial<Dress> {
  const { look, theme, folder, show } = parts;
  const { header, footer, logo } = theme;
  const hasLogo = look.pictures.has("FORM_LOGO") || look.pictures.has("PAGE_HEADER_LOGO");
  const drawn = graphic === undefined ? undefined : show(graphic, "");
  const { above, below } = formLogo(frame, parts);
  const isOutside = logo?.outside === true;
  return {
    icons: iconsOf(look, folder),
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

function iconsOf({ icons }: Look, folder: string): Html {
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

/** GET: a file of a client's look. It runs nothing, also where it is opened by itself. */
export async function answerBrandFile(ctx: Ctx, c: Context<Bindings>): Promise<Response> {
  const { pool } = await placeOf(ctx, c);
  const client = { poolId: pool.id, id: c.req.param("clientId") ?? "" };
  const file = await lookFile(ctx, client, c.req.param("name") ?? "");
  if (file === undefined) return c.json({ message: "There is nothing here." }, 404);
  const body = typeof file.body === "string" ? file.body : new Uint8Array(file.body);
  return c.body(body, 200, {
    "content-type": file.type,
    "cache-control": "public, max-age=31536000, immutable",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "cross-origin-resource-policy": "same-origin",
  });
}
