/** The words of messages for which a pool has no template, in the languages of the hosted pages: one file per language. */
import type { LanguageTag } from "../../lib/language.ts";
import { ar } from "./words/ar.ts";
import { de } from "./words/de.ts";
import { en, type MessageKind, type MessageWords } from "./words/en.ts";
import { es } from "./words/es.ts";
import { fr } from "./words/fr.ts";
import { id } from "./words/id.ts";
import { it } from "./words/it.ts";
import { ja } from "./words/ja.ts";
import { ko } from "./words/ko.ts";
import { ptBr } from "./words/pt-br.ts";
import { zhCn } from "./words/zh-cn.ts";
import { zhTw } from "./words/zh-tw.ts";

export type { KindWords, MessageKind, MessageWords } from "./words/en.ts";

const words: Readonly<Record<LanguageTag, MessageWords>> = {
  ...{ en, ar, de, es, fr, id, it, ja, ko },
  ...{ "pt-BR": ptBr, "zh-CN": zhCn, "zh-TW": zhTw },
};

/** Every kind of message that has words. */
export const messageKinds = Object.keys(en) as readonly MessageKind[];

/** The words of all messages in a language. */
export function wordsOfMessages(language: LanguageTag): MessageWords {
  return words[language];
}

/** In which direction a language is written. */
export function directionOf(language: LanguageTag): "ltr" | "rtl" {
  return language === "ar" ? "rtl" : "ltr";
}
