/** Small pictures next to words. They say nothing that the words do not say, so assistive technology ignores them. */
import { html } from "hono/html";
import type { Html } from "./frame.ts";

/** The icons of icons.css. */
export type Icon =
  | "person"
  | "key"
  | "mail"
  | "message"
  | "app"
  | "passkey"
  | "organization"
  | "google"
  | "facebook"
  | "amazon"
  | "apple";

export function icon(name: Icon): Html {
  return html`<span class="icon icon-${name}" aria-hidden="true"></span>`;
}
