/** Parts that both pages of the inbox have. */
import { html } from "hono/html";
import type { Html } from "../kit/plain-page.ts";
import type { ShownMessage } from "./shown.ts";

/** The code of a message, in large digits; the script adds a button that copies it. */
export function codeOf({ code, title }: ShownMessage): Html | "" {
  return code === undefined ? "" : html`<p class="code" data-of="${title}"><bdi>${code}</bdi></p>`;
}

/** When a message was sent. */
export function sentAt({ createdAt }: ShownMessage): Html {
  const sent = new Date(createdAt).toISOString();
  return html`<time datetime="${sent}">${sent.replace("T", " ").slice(0, 19)} UTC</time>`;
}

export const mediumOf = ({ medium }: ShownMessage) => (medium === "SMS" ? "Text message" : "Email");
