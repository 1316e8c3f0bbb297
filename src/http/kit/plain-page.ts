/**
 * Pages of the server itself, which belong to no pool and have no branding. The style sheet is part of the page, so that
 * it looks the same on any host and path.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { html, raw } from "hono/html";
import { themeStyle } from "./theme.ts";

export type Html = ReturnType<typeof html>;

export interface PlainPage {
  /** Without the name of the program, which follows in the tab. */
  readonly title: string;
  /** The content of the main element, with the heading. */
  readonly main: Html;
  /** The language of the text; English if undefined. */
  readonly language?: { readonly code: string; readonly dir: string };
  /** Path of a module of this server; none if undefined. */
  readonly script?: string;
  /** Path of a style sheet of this server, in addition to that of all plain pages. */
  readonly style?: string;
  /** What else belongs into the head. */
  readonly head?: Html;
}

const style = `${themeStyle}\n${readFileSync(new URL("public/plain.css", import.meta.url), "utf8")}`;
const styleHash = createHash("sha256").update(style).digest("base64");

export function plainPage({ title, main, language, script, style: more, head }: PlainPage): string {
  const { code, dir } = language ?? { code: "en", dir: "ltr" };
  return String(html`<!doctype html>
<html lang="${code}" dir="${dir}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} – Poolhouse</title>
<link rel="icon" href="data:,">
<style>${raw(style)}</style>${more === undefined ? "" : html`\n<link rel="stylesheet" href="${more}">`}${head ?? ""}${script === undefined ? "" : html`\n<script src="${script}" type="module"></script>`}
</head>
<body>
<main>
${main}
</main>
</body>
</html>
`);
}

/** A page with a heading and one sentence. */
export function messagePage(title: string, text: string, language?: PlainPage["language"]): string {
  const main = html`<h1>${title}</h1>
<p class="lead">${text}</p>`;
  return plainPage({ title, main, ...(language && { language }) });
}

const directives = {
  "default-src": "'none'",
  "style-src": `'sha256-${styleHash}'`,
  "script-src": "'self'",
  "connect-src": "'self'",
  "img-src": "data:",
  "base-uri": "'none'",
  "form-action": "'none'",
  "frame-ancestors": "'none'",
} as const;

/** The Content-Security-Policy of a plain page that also has frames, forms or a style sheet of this origin. */
export function plainPolicy(own: readonly ("frame-src" | "form-action" | "style-src")[] = []): string {
  const all: Record<string, string> = { ...directives };
  for (const name of own) all[name] = name === "style-src" ? `${directives[name]} 'self'` : "'self'";
  return Object.entries(all)
    .map(([name, value]) => `${name} ${value}`)
    .join("; ");
}

/** The headers of a plain page. Its scripts may only come from, and only call, this origin. */
export const plainHeaders = {
  "content-security-policy": plainPolicy(),
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  vary: "accept",
} as const;

/** Whether a request asks for a page, as browsers do; programs ask for JSON, or for anything. @param accept the header */
export function wantsPage(accept: string | undefined): boolean {
  return /\btext\/html\b/i.test(accept ?? "");
}
