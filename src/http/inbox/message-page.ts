/** One message as its recipient would see it. */
import { html } from "hono/html";
import { type Html, plainPage } from "../kit/plain-page.ts";
import { files } from "./files.ts";
import { sandbox } from "./frame.ts";
import { codeOf, mediumOf } from "./parts.ts";
import type { ShownMessage } from "./shown.ts";

export function messagePage(message: ShownMessage): string {
  const { id, title, headers, kind, poolId, html: body } = message;
  const path = `/inbox/messages/${id}`;
  const facts = [...headers, ["Kind", kind], ["User pool", poolId]] as const;
  const main = html`<p class="back-up"><a href="/inbox">← Inbox</a></p>
<header class="top">
<h1 class="subject" dir="auto">${title}</h1>
<form method="post" action="${path}/delete"><button class="copy">Delete</button></form>
</header>
${codeOf(message)}
<section aria-labelledby="about">
<h2 id="about">${mediumOf(message)}</h2>
<dl>
${facts.map(([name, value]) => html`<dt>${name}</dt><dd dir="auto">${value}</dd>\n`)}</dl>
</section>
${body === undefined ? textSection(message) : mailSections(path, message)}`;
  return plainPage({ title, main, ...files });
}

const mailSections = (path: string, message: ShownMessage) => html`<section aria-labelledby="seen">
<h2 id="seen">As HTML</h2>
<iframe title="The message as HTML" sandbox="${sandbox}" src="${path}/html"></iframe>
<p class="soft">Nothing in it runs, and nothing is loaded from elsewhere. Links open in a tab of their own.</p>
</section>
${textSection(message)}
<p class="actions"><a class="button" href="${path}/raw">Source</a>
<a class="button" href="${path}/raw" download="${message.id}.eml">Download as .eml</a></p>`;

const textSection = ({ text }: ShownMessage) => html`<section aria-labelledby="text">
<h2 id="text">As text</h2>
<p class="text" dir="auto">${withLinks(text)}</p>
</section>`;

/** Turns the URLs in a text into links, so that a confirmation link can be opened. */
function withLinks(text: string): (Html | string)[] {
  return text
    .split(/(https?:\/\/[^\s()<>"']+)/)
    .map((part, at) =>
      at % 2 === 1 ? html`<a href="${part}" target="_blank" rel="noreferrer">${part}</a>` : part,
    );
}
