/** Renders a page: the frame around its content, and its headers. */
import { html } from "hono/html";
import { isolated } from "../../../lib/bidi.ts";
import { exactSource } from "../../../lib/csp-source.ts";
import { script, style } from "./assets.ts";
import { brandedParts } from "./brand.ts";
import type { Frame, Html } from "./frame.ts";

export interface Page {
  readonly title: string;
  /** The content of the card, below the heading. */
  readonly body: Html;
  /** Whether the page reports an error; the title then says so first, since screen readers read it out. */
  readonly isProblem?: boolean;
  readonly status?: 200 | 400 | 403 | 404 | 500;
  /** The category of the image that a style may have for this page. */
  readonly graphic?: string | undefined;
}

export async function answerPage(frame: Frame, page: Page): Promise<Response> {
  const headers = {
    "content-security-policy": policy(frame.leadsTo),
    // Sent to our own origin only: with no-referrer, browsers would send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-amz-cognito-request-id": frame.requestId,
  };
  // A plain string, which node-server sends as it is; `html` makes an object.
  const text = String(await document(frame, page));
  return frame.c.html(text, page.status ?? 200, headers);
}

/**
 * The Content-Security-Policy of a page. Chrome checks every redirect after a form against form-action, including the
 * application's own: if the callback redirects the browser to another host, the client must have registered it. Addresses
 * that no source names exactly are left out (onward.ts).
 */
function policy(leadsTo: readonly string[]): string {
  const targets = [...new Set(leadsTo.flatMap((uri) => exactSource(uri) ?? []))];
  return [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self' data:",
    "connect-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ["form-action 'self'", ...targets].join(" "),
  ].join("; ");
}

async function document(frame: Frame, { title, body, isProblem, graphic }: Page): Promise<Html> {
  const { words, root, app } = frame;
  const { code, dir } = words.language;
  const named = app === undefined || title.includes(app) ? title : `${title} – ${isolated(app)}`;
  const inTab = isProblem === true ? words.common.problem(named) : named;
  const parts = await brandedParts(frame, graphic);
  const card = html`${parts.head}
<h1>${title}</h1>
${body}${parts.foot}`;
  const main =
    parts.outside === undefined
      ? html`<main>
${card}
</main>`
      : html`<main class="open">${parts.outside.before}<div class="card">
${card}
</div>${parts.outside.after}</main>`;
  return html`<!doctype html>
<html lang="${code}" dir="${dir}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="${parts.scheme}">
<meta name="robots" content="noindex">
<title>${inTab}</title>
${parts.icons}
<link rel="stylesheet" href="${root}/assets/${style.name}">${parts.style}
<script src="${root}/assets/${script.name}" defer></script>
</head>
<body${parts.classes === "" ? "" : html` class="${parts.classes}"`}>
${parts.header}${main}
${parts.footer}</body>
</html>
`;
}
