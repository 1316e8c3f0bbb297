/** Links to an application's terms of use and privacy policy, in the language of the page. */
import { html } from "hono/html";
import { readTermsOfClient, type Terms } from "../../../store/terms.ts";
import type { Html } from "../kit/frame.ts";
import type { Visit } from "../kit/visit.ts";

/** The model's names for our languages; a language it does not know gets the default link. */
const names: Readonly<Record<string, string>> = {
  de: "german",
  en: "english",
  es: "spanish",
  fr: "french",
  id: "bahasa-indonesia",
  it: "italian",
  ja: "japanese",
  ko: "korean",
  "pt-BR": "portuguese-brazil",
  "zh-CN": "chinese-simplified",
  "zh-TW": "chinese-traditional",
};

/** The sentence with both links; empty if either of them is missing, as in Cognito. */
export async function termsLine({ ctx, client, words }: Visit): Promise<Html | ""> {
  const all = await readTermsOfClient(ctx.db, client.poolId, client.id);
  const address = (name: string) =>
    linkFor(all.find((terms) => terms.name === name)?.links, words.language.code);
  const [terms, privacy] = [address("terms-of-use"), address("privacy-policy")];
  if (terms === undefined || privacy === undefined) return "";
  const { signUp } = words;
  const links: Readonly<Record<string, Html>> = {
    "{terms}": html`<a href="${terms}" rel="noreferrer">${signUp.terms}</a>`,
    "{privacy}": html`<a href="${privacy}" rel="noreferrer">${signUp.privacy}</a>`,
  };
  return html`<p class="legal">${signUp.agree.split(/(\{\w+\})/).map((part) => links[part] ?? part)}</p>`;
}

function linkFor(links: Terms["links"] | undefined, code: string): string | undefined {
  const found = links?.[`cognito:${names[code]}`] ?? links?.["cognito:default"];
  // Links were checked when they were stored; one that executes script is worth a second check.
  return found !== undefined && /^https?:\/\//i.test(found) ? found : undefined;
}
