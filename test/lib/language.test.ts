import assert from "node:assert/strict";
import { test } from "node:test";
import { inOneLine, inSentence } from "../../src/lib/bidi.ts";
import { knownLanguage } from "../../src/lib/language.ts";

test("a tag of BCP 47 or POSIX means one of the languages, or none", () => {
  for (const [tag, language] of [
    ["de", "de"],
    ["de-CH-1996", "de"],
    ["de_CH.UTF-8", "de"],
    ["de_DE@euro", "de"],
    [" EN-gb ", "en"],
    ["pt_PT", "pt-BR"],
    ["zh", "zh-CN"],
    ["zh_TW.Big5", "zh-TW"],
    ["zh-Hant-HK", "zh-TW"],
    ["zh-Hans-HK", "zh-CN"],
    ["in_ID", "id"],
    ["C", undefined],
    ["POSIX", undefined],
    ["tlh", undefined],
    ["", undefined],
    ["__proto__", undefined],
    ["german", undefined],
  ] as const)
    assert.equal(knownLanguage(tag), language, tag);
});

test("a value in a sentence is isolated if it is written in the other direction, and stays in one line", () => {
  assert.equal(inSentence("Ann 1", "ltr"), "Ann 1");
  assert.equal(inSentence("12-34", "rtl"), "12-34");
  assert.equal(inSentence("Ann", "rtl"), "\u2068Ann\u2069");
  assert.equal(inSentence("סוזן", "ltr"), "\u2068סוזן\u2069");
  assert.equal(inSentence("سارة", "rtl"), "سارة");
  assert.equal(inSentence("a\u2069\u202eb\r\nc", "ltr"), "a b c");
  assert.equal(inOneLine("a\u200f\u0000\u2028b"), "a b");
});
