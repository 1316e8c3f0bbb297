/** Composes notices: what the owner of an account is told of by e-mail, without any link. Pure. */

import { inSentence } from "../../lib/bidi.ts";
import { escapeHtml } from "../../lib/escape-html.ts";
import type { LanguageTag } from "../../lib/language.ts";
import type { NoticeName } from "../../store/schema/schema.ts";
import { bounded } from "../audit/event.ts";
import { type Composed, directed } from "./layout.ts";
import { wordsOfNotices } from "./notice-words.ts";
import { directionOf } from "./words.ts";

/** The circumstances of what a notice reports. */
export interface NoticeFacts {
  /** Epoch milliseconds. */
  readonly at: number;
  /** The user's IP address and program; undefined if unknown. */
  readonly address?: string | undefined;
  readonly program?: string | undefined;
  readonly byAdministrator: boolean;
  readonly language: LanguageTag;
  /** The client whose branding the mail has. */
  readonly clientId?: string | undefined;
}

/** The notice as an e-mail whose body is HTML. */
export function composeNotice(name: NoticeName, facts: NoticeFacts): Composed {
  const words = wordsOfNotices(facts.language);
  const [subject, sentence] = words[name];
  const time = new Date(facts.at).toISOString().slice(0, 16).replace("T", " ");
  const place = [facts.address, shownProgram(facts.program)].filter((part) => part).join(", ");
  const helpless = facts.byAdministrator || name === "account-deleted";
  const lines = [
    ...(facts.byAdministrator ? [words.byAdministrator] : []),
    words.when.replace("{time}", time),
    ...(place === ""
      ? []
      : [words.where.replace("{place}", () => inSentence(place, directionOf(facts.language)))]),
  ];
  const note = helpless ? words.tell : words.notYou;
  const { language, clientId } = facts;
  const body = escapeHtml([sentence, ...lines, note].join("\n")).replaceAll("\n", "<br>\n");
  const own = { words: { subject, body: sentence, title: subject, intro: sentence, note }, lines };
  return { subject, body: directed(language, body), layout: { language, clientId, own, values: {} } };
}

/**
 * A program as a notice names it. Whoever signs in chooses its name: no punctuation is left that a mail program could
 * take for a link, or HTML for a tag.
 */
function shownProgram(program: string | undefined): string | undefined {
  const kept = program?.replace(/\.(?!\d)|(?<!\d)\.|[^\p{L}\p{N}. ]+/gu, " ").replace(/ +/g, " ");
  return bounded(kept?.trim(), 60);
}
