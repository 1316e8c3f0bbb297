/**
 * Mail in our own words: plain text that is complete by itself, and HTML for the mail programs of the last twenty years:
 * tables, and a style attribute on every element (docs/message-looks.md). The style sheet only adds the dark mode, so that
 * a program that drops it loses nothing. Pure.
 */
import { inOneLine } from "../../lib/bidi.ts";
import { escapeHtml } from "../../lib/escape-html.ts";
import type { MailLook } from "../branding/mail-look.ts";
import { filled, type Layout, linkPlace, wordsOf } from "./layout.ts";
import { directionOf, type KindWords } from "./words.ts";

/** The id of the logo among a mail's images. */
export const logoId = "logo";

export interface Mail {
  readonly text: string;
  readonly html: string;
}

/** What a mail is rendered from. */
interface Parts {
  readonly layout: Layout;
  readonly words: KindWords;
  readonly look: MailLook;
  /** The name of the application. */
  readonly app: string;
  readonly dir: "ltr" | "rtl";
  /** Where lines begin. */
  readonly side: "left" | "right";
  readonly subject: string;
}

/** Renders a mail. @param app the name of the application that people know */
export function renderMail(layout: Layout, subject: string, look: MailLook, app: string): Mail {
  const words = wordsOf(layout);
  const dir = directionOf(layout.language);
  const side = dir === "rtl" ? "right" : "left";
  const parts: Parts = { layout, words, look, app: inOneLine(app), dir, side, subject };
  return { text: textOf(parts), html: htmlOf(parts) };
}

function textOf({ layout, words }: Parts): string {
  const sentence = filled(words.body.replace(linkPlace, ""), layout).trim();
  const lines = layout.own?.lines.join("\n");
  return [sentence, lines, layout.link, words.note].filter((part) => part !== undefined).join("\n\n");
}

/** The class of an element by the custom properties (theme.css) of its text, background and border. */
const roles = {
  page: { background: "--page" },
  card: { background: "--card", border: "--card-line" },
  logo: { background: "--card" },
  heading: { color: "--heading" },
  text: { color: "--text" },
  soft: { color: "--soft" },
  code: { color: "--text", background: "--still" },
  button: { color: "--on-accent", background: "--accent" },
  link: { color: "--link" },
} as const;

type Role = keyof typeof roles;
type Colors = ReadonlyMap<string, string>;

/** The declarations that color an element. */
function colored(role: Role, colors: Colors, after = ""): string {
  const { color, background, border }: { color?: string; background?: string; border?: string } = roles[role];
  return [
    color && `color:${colors.get(color)}${after}`,
    background && `background-color:${colors.get(background)}${after}`,
    border && `border-color:${colors.get(border)}${after}`,
  ]
    .filter(Boolean)
    .join(";");
}

/** The colors of the first mode, which every element has by itself. */
function firstColors({ scheme, palettes }: MailLook): Colors {
  return (scheme === "dark" ? palettes.dark : palettes.light) ?? new Map();
}

/** The style sheet: the colors of the dark mode, if there are two. A logo keeps the background it was made for. */
function styleOf({ scheme, palettes }: MailLook): string {
  const root = `:root{color-scheme:${scheme}}`;
  if (scheme !== "light dark" || palettes.dark === undefined) return root;
  const rules = (Object.keys(roles) as Role[])
    .filter((role) => role !== "logo")
    .map((role) => `.${role}{${colored(role, palettes.dark!, " !important")}}`);
  return `${root}@media (prefers-color-scheme:dark){${rules.join("")}}`;
}

/** Word inherits no fonts into tables, so every text names them; and it takes line heights for the least. */
const fonts =
  "mso-line-height-rule:exactly;font-family:-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";
const fixedFonts = "font-family:Consolas,Menlo,'Courier New',monospace";
/** Word leaves space beside tables. */
const joined = "mso-table-lspace:0pt;mso-table-rspace:0pt";
const unbroken = "word-break:break-word;overflow-wrap:anywhere";
const table = 'role="presentation" cellpadding="0" cellspacing="0" border="0"';

/** Writes elements with a class and its colors. */
type Styled = (role: Role, declarations: string) => string;

function htmlOf(parts: Parts): string {
  const { layout, look, words, dir, side, subject } = parts;
  const colors = firstColors(look);
  const styled: Styled = (role, declarations) =>
    `class="${role}" style="${declarations};${colored(role, colors)}"`;
  const preview = escapeHtml(filled(words.body.replace(linkPlace, ""), layout).trim());
  const schemes = `content="${look.scheme}"`;
  return `<!doctype html>
<html lang="${layout.language}" dir="${dir}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" ${schemes}>
<meta name="supported-color-schemes" ${schemes}>
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no">
<meta name="x-apple-disable-message-reformatting">
<title>${escapeHtml(subject)}</title>
<!--[if mso]><xml><o:OfficeDocumentSettings xmlns:o="urn:schemas-microsoft-com:office:office"><o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml><![endif]-->
<style>${styleOf(look)}</style>
</head>
<body ${styled("page", "margin:0;padding:0;-webkit-text-size-adjust:100%")}>
<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">${preview}</div>
<table ${table} width="100%" dir="${dir}" ${styled("page", `width:100%;${joined}`)}><tr><td align="center" style="padding:24px 12px">
<!--[if mso]><table ${table} width="560"><tr><td><![endif]-->
<table ${table} width="100%" ${styled("card", `width:100%;max-width:560px;${joined};border-width:1px;border-style:solid;border-radius:12px;text-align:${side}`)}>
${headerOf(parts, styled)}
<tr><td style="padding:8px 24px 28px 24px;text-align:${side}">
<h1 ${styled("heading", `margin:0 0 12px 0;font-size:22px;line-height:30px;font-weight:bold;${fonts};${unbroken}`)}>${escapeHtml(words.title)}</h1>
<p ${styled("text", `margin:0 0 20px 0;font-size:16px;line-height:24px;${fonts}`)}>${escapeHtml(words.intro)}</p>
${contentOf(parts, styled)}
<p ${styled("soft", `margin:0;font-size:14px;line-height:21px;${fonts}`)}>${escapeHtml(words.note)}</p>${signatureOf(parts, styled)}
</td></tr>
</table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr></table>
</body>
</html>
`;
}

/** The logo, or the name of the application where there is none. */
function headerOf({ look, app, side }: Parts, styled: Styled): string {
  const name = escapeHtml(app);
  if (look.logo === undefined)
    return `<tr><td dir="auto" ${styled("soft", `padding:24px 24px 0 24px;font-size:14px;line-height:21px;font-weight:bold;text-align:${side};${fonts};${unbroken}`)}>${name}</td></tr>`;
  const image = `<img src="cid:${logoId}" alt="${name}" height="48" border="0" style="display:inline-block;height:auto;width:auto;max-height:48px;max-width:240px">`;
  return `<tr><td ${styled("logo", `padding:20px 24px 12px 24px;border-radius:12px 12px 0 0;font-size:14px;text-align:${side};${fonts}`)}>${image}</td></tr>`;
}

/** The name of the application below a mail that has a logo, which many mail programs show on demand only. */
function signatureOf({ look, app, side }: Parts, styled: Styled): string {
  if (look.logo === undefined) return "";
  return `
<p dir="auto" ${styled("soft", `margin:20px 0 0 0;font-size:14px;line-height:21px;font-weight:bold;text-align:${side};${fonts};${unbroken}`)}>${escapeHtml(app)}</p>`;
}

/** What the message is about: its values, its code, its link. */
function contentOf({ layout, words, side }: Parts, styled: Styled): string {
  const { values, link } = layout;
  const rows = Object.entries(words.rows ?? {}).flatMap(([name, label]) => {
    const value = values[name];
    return value === undefined ? [] : [rowOf({ label, name, value, side }, styled)];
  });
  const lines = (layout.own?.lines ?? []).map((line) => lineOf(line, styled));
  const { code } = values;
  const isLarge = code !== undefined && words.rows?.["code"] === undefined;
  return [
    ...rows,
    ...(lines.length > 0 ? [...lines, spaceBelow] : []),
    ...(isLarge ? [codeOf(code, styled)] : []),
    ...(link === undefined
      ? []
      : [buttonOf(link, linkPlace.exec(words.body)?.[1] ?? words.title, side, styled)]),
  ].join("\n");
}

interface Row {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  readonly side: Parts["side"];
}

function rowOf({ label, name, value, side }: Row, styled: Styled): string {
  // A password is shown as it is, in a font that tells its characters apart.
  const [dir, font, shown] =
    name === "code" ? (["ltr", fixedFonts, value] as const) : (["auto", fonts, inOneLine(value)] as const);
  return `<p ${styled("soft", `margin:0;font-size:14px;line-height:21px;${fonts}`)}>${escapeHtml(label)}</p>
<p dir="${dir}" ${styled("text", `margin:0 0 20px 0;font-size:18px;line-height:26px;font-weight:bold;text-align:${side};${font};${unbroken}`)}>${escapeHtml(shown)}</p>`;
}

const lineOf = (line: string, styled: Styled) =>
  `<p ${styled("text", `margin:0;font-size:16px;line-height:24px;${fonts};${unbroken}`)}>${escapeHtml(line)}</p>`;
/** Sets apart what follows lines. */
const spaceBelow = '<p style="margin:0;font-size:20px;line-height:20px">&nbsp;</p>';

function codeOf(code: string, styled: Styled): string {
  return `<p dir="ltr" ${styled("code", `margin:0 0 20px 0;padding:16px;border-radius:8px;font-size:32px;line-height:40px;font-weight:bold;text-align:center;${fixedFonts};${unbroken}`)}>${escapeHtml(code)}</p>`;
}

/** A link as a button, and in full for those who rather copy it. */
function buttonOf(link: string, label: string, side: Parts["side"], styled: Styled): string {
  const address = escapeHtml(link);
  return `<table ${table} style="${joined}"><tr><td ${styled("button", "padding:0;border-radius:8px")}><a href="${address}" ${styled("button", `display:inline-block;padding:12px 24px;border-radius:8px;font-size:16px;line-height:24px;font-weight:bold;text-decoration:none;${fonts}`)}>${escapeHtml(label)}</a></td></tr></table>
<p dir="ltr" style="margin:16px 0 20px 0;font-size:14px;line-height:21px;text-align:${side};${fonts};word-break:break-all"><a href="${address}" ${styled("link", "text-decoration:underline")}>${address}</a></p>`;
}
