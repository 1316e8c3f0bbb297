/** The gateway's own pages: why somebody is not where they wanted to be, and what to do. */
import { escapeHtml } from "../lib/escape-html.ts";

interface Page {
  readonly status: number;
  readonly title: string;
  readonly text: string;
  /** Where to go on from here. */
  readonly link?: readonly [href: string, text: string];
}

const style =
  ":root{color-scheme:light dark}" +
  "body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.25rem;color:#1b1f24;background:#fff;overflow-wrap:anywhere}" +
  "h1{font-size:1.5rem;line-height:1.25}" +
  "p>a:only-child,button{display:inline-block;box-sizing:border-box;min-height:2.75rem;padding:.6rem 1.25rem;border:0;border-radius:.5rem;font:inherit;text-decoration:none;color:#fff;background:#0b57d0;cursor:pointer}" +
  "@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#16181c}p>a:only-child,button{color:#16181c;background:#8ab4f8}}";

/** Text and nothing else: no script, no image, no frame. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
} as const;

export function page(
  { status, title, text, link }: Page,
  headers: readonly (readonly [string, string])[] = [],
): Response {
  const onward =
    link === undefined ? "" : `<p><a href="${escapeHtml(link[0])}">${escapeHtml(link[1])}</a></p>`;
  const noForm = ["content-security-policy", `${policy}; form-action 'none'`] as const;
  return html(status, title, `<p>${escapeHtml(text)}</p>${onward}`, [noForm, ...headers]);
}

/** A page with a button that posts to a path, for what must not happen by a mere link of another site. */
export function askFirst(title: string, text: string, action: string, button: string): Response {
  const form = `<form method="post" action="${escapeHtml(action)}"><button>${escapeHtml(button)}</button></form>`;
  // Chromium also compares with form-action where redirects lead after a form: to the provider, and wherever that leads.
  return html(200, title, `<p>${escapeHtml(text)}</p>${form}`, [["content-security-policy", policy]]);
}

function html(
  status: number,
  title: string,
  main: string,
  headers: readonly (readonly [string, string])[],
): Response {
  const body =
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<title>${escapeHtml(title)}</title><style>${style}</style><main><h1>${escapeHtml(title)}</h1>${main}</main></html>`;
  return new Response(body, {
    status,
    headers: [...Object.entries(pageHeaders), ...headers.map((one) => [...one] as [string, string])],
  });
}
