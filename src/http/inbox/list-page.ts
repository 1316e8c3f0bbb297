/** The list of messages: newest first, each with its code, readable without script. */
import { html } from "hono/html";
import { type Html, plainPage } from "../kit/plain-page.ts";
import { files } from "./files.ts";
import type { Listing } from "./find.ts";
import { codeOf, mediumOf, sentAt } from "./parts.ts";
import type { ShownMessage } from "./shown.ts";

export interface ListView extends Listing {
  /** The only recipient whose messages are listed; undefined: all. */
  readonly to: string | undefined;
  /** What is searched for. */
  readonly words: string;
  /** Whether the page reloads by itself where scripts do not run. */
  readonly refreshes: boolean;
  /** The cursor after the messages of the list. */
  readonly next: string;
}

/** Characters of a message's text that the list shows. */
const previewed = 240;

export function listPage(view: ListView): string {
  const { messages, to, words, refreshes, next } = view;
  const other = { ...(to && { to }), ...(words && { q: words }), ...(!refreshes && { refresh: "on" }) };
  const query = new URLSearchParams(other).toString();
  const isFiltered = to !== undefined || words !== "";
  const main = html`<header class="top">
<h1>Inbox</h1>
${messages.length === 0 ? "" : deleteAll}
</header>
<p class="lead">Messages that this development server would have sent.
<noscript><a href="${query === "" ? "/inbox" : `/inbox?${query}`}">${refreshes ? "Stop refreshing" : "Refresh automatically"}</a></noscript></p>
<form class="search" method="get" action="/inbox" role="search">
<label for="q">Recipient, subject or text</label>
<div><input id="q" type="search" name="q" value="${words}" autocomplete="off" spellcheck="false" dir="auto">
${to === undefined ? "" : html`<input type="hidden" name="to" value="${to}">`}
${refreshes ? html`<input type="hidden" name="refresh" value="on">` : ""}
<button>Search</button></div>
</form>
<p class="soft" id="count">${countOf(view)}${isFiltered ? html` <a href="/inbox">Show all</a>` : ""}</p>
<p class="hidden-text" id="news" role="status"></p>
<div id="list" data-next="${next}" data-to="${to ?? ""}">
${messages.map(card)}
</div>`;
  const reload = html`<noscript><meta http-equiv="refresh" content="3"></noscript>`;
  return plainPage({ title: "Inbox", main, ...files, ...(refreshes && { head: reload }) });
}

const deleteAll = html`<form method="post" action="/inbox/messages/delete"><button class="copy">Delete all</button></form>`;

function countOf({ messages, count, to, words }: ListView): Html {
  const which = html`${to === undefined ? "" : html` to <bdi>${to}</bdi>`}${words === "" ? "" : html` with “<bdi>${words}</bdi>”`}`;
  if (count === 0) return html`No messages${which} yet.`;
  if (messages.length < count) return html`The newest ${messages.length} of ${count} messages${which}.`;
  return html`${count} ${count === 1 ? "message" : "messages"}${which}.`;
}

function card(message: ShownMessage): Html {
  const { id, destination, title, text } = message;
  return html`<article id="m-${id}" aria-labelledby="t-${id}">
<p class="about"><span>${mediumOf(message)} to <strong dir="auto">${destination}</strong></span>
${sentAt(message)}</p>
<h2 id="t-${id}" dir="auto"><a href="/inbox/messages/${id}">${title}</a></h2>
${codeOf(message)}
<p class="preview" dir="auto">${beginningOf(text)}</p>
</article>
`;
}

function beginningOf(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > previewed ? `${line.slice(0, previewed).toWellFormed()}…` : line;
}
