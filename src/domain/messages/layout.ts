/** Messages in our own words: what each is made of, and its short form. Pure. */
import type { Ctx } from "../../app.ts";
import { inSentence } from "../../lib/bidi.ts";
import { escapeHtml } from "../../lib/escape-html.ts";
import type { LanguageTag } from "../../lib/language.ts";
import type { User } from "../../store/users.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { messageLanguage } from "./language.ts";
import { directionOf, type KindWords, type MessageKind, wordsOfMessages } from "./words.ts";

export type Medium = "EMAIL" | "SMS";

/** What a message in our own words is made of: stored with it, and rendered when it is handed to its sender. */
export interface Layout {
  /** Whose words it has; undefined if it has its own. */
  readonly kind?: MessageKind | undefined;
  /** The words of a notice, and what it says in lines of their own. */
  readonly own?: { readonly words: KindWords; readonly lines: readonly string[] } | undefined;
  readonly language: LanguageTag;
  /** The client whose branding a mail has. */
  readonly clientId?: string | undefined;
  /** The host of the hosted page that takes the code, for text messages. */
  readonly pageHost?: string | undefined;
  /** Values by the names of their places in the words; `code` is that of `{####}`. */
  readonly values: Readonly<Record<string, string>>;
  /** The address of the link, for kinds that have one. */
  readonly link?: string | undefined;
}

export interface Composed {
  readonly subject: string;
  /** HTML in the case of e-mail. */
  readonly body: string;
  /** Undefined if the body is not in our own words. */
  readonly layout?: Layout | undefined;
}

/** What the words of a message depend on besides the pool's templates. */
export type Composing = Pick<Layout, "clientId" | "pageHost"> & { readonly language?: LanguageTag };

/**
 * What the words of a message to a user depend on.
 * @param user undefined for a name that nobody has
 */
export function composingFor(
  ctx: Pick<Ctx, "language" | "pageHost">,
  pool: Pick<Pool, "document">,
  to: { readonly user: Pick<User, "attributes"> | undefined; readonly clientId?: string | undefined },
): Composing {
  const { pageHost } = ctx;
  return { language: messageLanguage(ctx, pool, to.user), clientId: to.clientId, pageHost };
}

/** A message of this kind in our own words. */
export function composeOurs(
  kind: MessageKind,
  medium: Medium,
  content: Pick<Layout, "values" | "link">,
  { language = "en", clientId, pageHost }: Composing,
): Composed {
  const layout: Layout = { kind, language, clientId, pageHost, ...content };
  const { subject, body } = wordsOfMessages(language)[kind];
  if (medium === "SMS") return { subject: "", body: filled(body, layout), layout };
  const { link } = content;
  const escaped = escapeHtml(filled(body, layout));
  const linked =
    link === undefined
      ? escaped
      : escaped.replace(linkPlace, (_place, label: string) => `<a href="${escapeHtml(link)}">${label}</a>`);
  return { subject: filled(subject, layout), body: directed(language, linked), layout };
}

/** The body of a mail, for languages that are written from right to left. */
export function directed(language: LanguageTag, body: string): string {
  return directionOf(language) === "rtl" ? `<div dir="rtl">${body}</div>` : body;
}

/** The words that a message is rendered with. */
export function wordsOf({ kind, own, language }: Layout): KindWords {
  return own?.words ?? wordsOfMessages(language)[kind ?? "code"];
}

/** The place of a link in a sentence, and its words. */
export const linkPlace = /\{##(.+?)##\}/;

/**
 * Words with their values as text. Codes and passwords stay as they are, since they are copied; other values become one
 * line, and are isolated if they are written in the other direction.
 */
export function filled(words: string, { language, values }: Pick<Layout, "language" | "values">): string {
  const dir = directionOf(language);
  // By a function, because in a replacement string `$&` in a value would be special.
  return words.replace(/\{####\}|\{([a-z]\w*)\}/gi, (place, name: string | undefined) => {
    if (name === undefined) return values["code"] ?? "";
    const value = values[name];
    return value === undefined ? place : inSentence(value, dir);
  });
}
