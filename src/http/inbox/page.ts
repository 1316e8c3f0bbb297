/** The inbox as a page: newest message first, its code in large digits, readable without script. */
import { html, raw } from "hono/html";
import { htmlToText } from "../../lib/html-to-text.ts";
import type { Message } from "../../store/outbox.ts";

/** The page's style sheet, in the colors of the hosted pages (theme.css); the CSP of routes.ts allows it by its hash. */
export const style = `
:root { color-scheme: light dark; --page: #f5f6f8; --card: #ffffff; --card-line: #e3e6ec; --field: #ffffff; --edge: #868d9f; --text: #14171f; --soft: #5a6072; --link: #2a4cc4; --focus: #2f54d6; --accent: #2f54d6; --on-accent: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --page: #0d0f14; --card: #161920; --card-line: #272b35; --field: #1b1f28; --edge: #6d7485; --text: #eef0f5; --soft: #a3a9b8; --link: #a9bdff; --focus: #9db4ff; --accent: #4668e8; --on-accent: #ffffff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 44rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
p.note { color: var(--soft); margin: 0 0 1.5rem; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; margin-bottom: 1.5rem; }
label { display: grid; gap: .25rem; flex: 1 1 14rem; color: var(--soft); font-size: .875rem; font-weight: 500; }
input, button { font: inherit; font-size: 1rem; height: 2.75rem; padding: .5rem .875rem; border: 1px solid var(--edge); border-radius: .625rem; background: var(--field); color: var(--text); }
button { border-color: transparent; background: var(--accent); color: var(--on-accent); font-weight: 600; cursor: pointer; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
article { background: var(--card); border: 1px solid var(--card-line); border-radius: 1rem; padding: 1rem 1.25rem; margin-bottom: 1rem; }
article header { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .25rem 1rem; color: var(--soft); font-size: .875rem; }
article h2 { font-size: 1.0625rem; margin: .5rem 0; overflow-wrap: anywhere; }
.code { font: 600 2rem/1.3 ui-monospace, monospace; letter-spacing: .08em; margin: .5rem 0; overflow-wrap: anywhere; user-select: all; }
.body { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }
.foot { color: var(--soft); font-size: .8125rem; margin: .75rem 0 0; }
`;

/** The text of an HTML body. The browser never interprets anything in a message. */
export function plainText(message: Pick<Message, "medium" | "body">): string {
  return message.medium === "SMS" ? message.body : htmlToText(message.body);
}

/** Turns the URLs in a text into links, so that a confirmation link can be opened. */
function withLinks(text: string) {
  return text
    .split(/(https?:\/\/[^\s()<>"']+)/)
    .map((part, at) => (at % 2 === 1 ? html`<a href="${part}">${part}</a>` : part));
}

export interface InboxView {
  readonly messages: readonly Message[];
  readonly to: string | undefined;
  readonly refreshes: boolean;
}

export function inboxPage({ messages, to, refreshes }: InboxView) {
  const other = new URLSearchParams({ ...(to && { to }), ...(!refreshes && { refresh: "on" }) }).toString();
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Inbox – Poolhouse</title>
${refreshes ? html`<meta http-equiv="refresh" content="3">` : ""}
<style>${raw(style)}</style>
</head>
<body>
<main>
<h1>Inbox</h1>
<p class="note">Messages this development server would have sent.
<a href="${other === "" ? "/inbox" : `/inbox?${other}`}">${refreshes ? "Stop refreshing" : "Refresh automatically"}</a></p>
<form method="get" action="/inbox">
<label>Recipient<input type="search" name="to" value="${to ?? ""}" autocomplete="off" spellcheck="false"></label>
${refreshes ? html`<input type="hidden" name="refresh" value="on">` : ""}
<button>Show</button>
</form>
${messages.length === 0 ? html`<p>No messages${to ? html` to ${to}` : ""} yet.</p>` : messages.map(card)}
</main>
</body>
</html>`;
}

/** Titles of text messages, which have no subject. */
const titles: Readonly<Partial<Record<Message["kind"], string>>> = {
  "sign-up": "Code that confirms a new account",
  "resend-code": "New code that confirms an account",
  "sign-in": "Code to sign in with",
  invitation: "Invitation with a temporary password",
  "forgot-password": "Code to reset a forgotten password",
  "admin-reset-password": "Code to set a new password, asked for by an administrator",
  "update-attribute": "Code that confirms a changed phone number",
  "verify-attribute": "Code that verifies a phone number",
};

function card(message: Message) {
  const sent = new Date(message.createdAt).toISOString();
  return html`<article>
<header><span>${message.medium === "SMS" ? "Text message" : "Email"} to <strong>${message.destination}</strong></span>
<time datetime="${sent}">${sent.replace("T", " ").slice(0, 19)} UTC</time></header>
<h2>${message.subject === "" ? titles[message.kind] : message.subject}</h2>
${message.code === undefined ? "" : html`<p class="code">${message.code}</p>`}
<p class="body">${withLinks(plainText(message))}</p>
<p class="foot">${message.kind} · ${message.poolId}</p>
</article>
`;
}
