/** The pages: plain HTML that works without script. */
import type { Claim } from "./claims.ts";
import type { User } from "./tokens.ts";

/** Text that is HTML already. */
class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | Html | readonly Html[];

/** Escapes every value, unless it is HTML itself. */
function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(String.raw({ raw: parts }, ...values.map(written)));
}

function written(value: Value): string {
  if (typeof value === "string") return value.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return value instanceof Html ? value.text : value.map(written).join("");
}

const nothing = html``;

function page(title: string, body: Html, user?: User): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – Notice board</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header>
<a class="name" href="/">Notice board</a>
${user === undefined ? nothing : signedInAs(user)}
</header>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`.text;
}

function signedInAs({ name, groups }: User): Html {
  const labels = groups.map((group) => html`<li>${group}</li>`);
  return html`<div class="user">
<span>${name}</span>
${labels.length === 0 ? nothing : html`<ul class="groups" aria-label="Your groups">${labels}</ul>`}
<form method="post" action="/sign-out"><button>Sign out</button></form>
</div>`;
}

/** @param signIn where signing in begins */
export const welcome = (signIn = "/sign-in") =>
  page(
    "Welcome",
    html`<p>News from the building. Readers see the notices, and editors post them.</p>
<p><a class="button" href="${signIn}">Sign in</a></p>`,
  );

export interface Notice {
  readonly text: string;
  readonly by: string;
}

const list = (notices: readonly Notice[]) =>
  html`<ul class="notices">${notices.map(({ text, by }) => html`<li><p>${text}</p><small>${by}</small></li>`)}</ul>`;

/** A notice that its author may write, and why it was refused as it is. */
interface Writing {
  readonly text: string;
  readonly refusal?: string;
}

/** @param more paths of further pages by what they show */
export function noticesPage(
  notices: readonly Notice[],
  user: User,
  writing: Writing | undefined = undefined,
  more: Readonly<Record<string, string>> = {},
): string {
  const links = Object.entries(more).map(([what, path]) => html`<li><a href="${path}">${what}</a></li>`);
  const nav = links.length === 0 ? nothing : html`<nav><ul>${links}</ul></nav>`;
  return page(
    "Notices",
    html`${nav}${list(notices)}\n${writing === undefined ? nothing : form(writing)}`,
    user,
  );
}

/** The form of a notice that could not be posted, without the others. Nobody is signed in if there is no user. */
export const unpostedPage = (writing: Writing, user?: User) =>
  page("Not posted", html`${user === undefined ? signInBeside : nothing}${form(writing)}`, user);

/** In another tab, so that this one keeps what was written. */
const signInBeside = html`<p><a href="/sign-in" target="_blank">Sign in</a> (in another tab), then post it again here.</p>
`;

const back = html`<p><a href="/">Back to the start page</a></p>`;

export const repairsPage = (repairs: readonly Notice[], user: User) =>
  page("Repairs", html`${list(repairs)}${back}`, user);

/** What the user's two tokens say. */
export function tokensPage(access: readonly Claim[], id: readonly Claim[], user: User): string {
  return page(
    "Your tokens",
    html`<p>The pool issued these to this application when you signed in; your browser has neither. There is also a refresh token, which
is opaque: this application exchanges it for new tokens when these expire.</p>
<h2>Access token</h2>
<p>For APIs: it is sent with each call.</p>
${claims(access)}
<h2>ID token</h2>
<p>For this application: who you are, and how you signed in.</p>
${claims(id)}
${back}`,
    user,
  );
}

const claims = (all: readonly Claim[]) => html`<dl class="claims">
${all.map(({ name, value, meaning }) => html`<dt><code>${name}</code></dt><dd><code>${value}</code><p>${meaning}</p></dd>`)}
</dl>`;

const form = ({ text, refusal }: Writing) => html`<form method="post" action="/notices" class="write">
${refusal === undefined ? nothing : html`<p role="alert">${refusal}</p>`}
<label for="text">New notice (at most 280 characters)</label>
<textarea id="text" name="text" rows="3" maxlength="280" required>
${text}</textarea>
<button class="button">Post it</button>
</form>`;

/** @param more paths of further pages by what they show */
export function problem(
  title: string,
  message: string,
  user?: User,
  more: Readonly<Record<string, string>> = {},
): string {
  const links = Object.entries(more).map(([what, path]) => html`<p><a href="${path}">${what}</a></p>`);
  return page(title, html`<p>${message}</p>${back}${links}`, user);
}

/** After a sign-out of which the pool could not be told. */
export const signedOutHere = () =>
  problem(
    "Signed out here only",
    "The user pool did not answer, so you may still be signed in there. To end that session, sign in here again later and sign out.",
  );
