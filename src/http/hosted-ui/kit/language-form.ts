/** A quiet choice of languages that works without script: it requests the same page with another `lang`. */
import type { Context } from "hono";
import { html } from "hono/html";
import { type Bindings, rawQuery } from "../../place.ts";
import type { Frame, Html } from "./frame.ts";
import { languages } from "./language.ts";

/** The options of the choice, by the code of the page's language. */
const optionsIn = new Map(languages.map(({ code }) => [code, optionsOf(code)]));

function optionsOf(chosen: string): Html[] {
  return languages.map(
    ({ code, name }) =>
      html`<option value="${code}" lang="${code}"${code === chosen ? html` selected` : ""}>${name}</option>`,
  );
}

export function languageForm({ c, words, root, parameters }: Frame): Html | "" {
  // The answer to a form cannot be requested again: what was sent would be lost.
  if (c.req.method === "POST") return "";
  // Routes have the pool's id in their path, even if the domain has none.
  const path = `${root}${c.req.path.slice(c.req.path.indexOf("/", 1))}`;
  const kept = [...(parameters ?? new URLSearchParams(rawQuery(c as Context<Bindings>)))]
    .filter(([name]) => name !== "lang")
    .map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
  return html`<form class="language" action="${path}">${kept}<label for="lang"><span class="unseen">${words.common.language}</span></label>
<select id="lang" name="lang">${optionsIn.get(words.language.code)}</select><button class="link">${words.common.change}</button></form>`;
}
