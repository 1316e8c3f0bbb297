/** A quiet choice of languages that works without script: it requests the same page with another `lang`. */
import { html } from "hono/html";
import type { Frame, Html } from "./frame.ts";
import { languages } from "./language.ts";

export function languageForm({ c, words, root, parameters }: Frame): Html | "" {
  // The answer to a form cannot be requested again: what was sent would be lost.
  if (c.req.method === "POST") return "";
  const url = new URL(c.req.url);
  // Routes have the pool's id in their path, even if the domain has none.
  const path = `${root}${url.pathname.slice(url.pathname.indexOf("/", 1))}`;
  const kept = [...(parameters ?? url.searchParams)]
    .filter(([name]) => name !== "lang")
    .map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
  const options = languages.map(
    ({ code, name }) =>
      html`<option value="${code}" lang="${code}"${code === words.language.code ? html` selected` : ""}>${name}</option>`,
  );
  return html`<form class="language" action="${path}">${kept}<label for="lang"><span class="unseen">${words.common.language}</span></label>
<select id="lang" name="lang">${options}</select><button class="link">${words.common.change}</button></form>`;
}
