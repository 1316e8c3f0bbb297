/** The words in all languages, and which language is chosen. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { messageKinds, wordsOfMessages } from "../../src/domain/messages/words.ts";
import { wordsFor } from "../../src/http/hosted-ui/kit/language.ts";
import { en } from "../../src/http/hosted-ui/words/en.ts";
import { languageTags } from "../../src/lib/language.ts";

/** Cognito's languages, and one that is written from right to left. */
const languages = ["ar", "de", "en", "es", "fr", "id", "it", "ja", "ko", "pt-BR", "zh-CN", "zh-TW"];

type Table = { readonly [name: string]: string | ((given: never) => string) | Table };

/** Each sentence by its path, with placeholders made visible. */
function sentences(table: Table, path = ""): [string, string][] {
  return Object.entries(table).flatMap(([name, value]) => {
    if (typeof value === "string") return [[`${path}${name}`, value]];
    if (typeof value === "function") return [[`${path}${name}`, value("{given}" as never)]];
    return sentences(value, `${path}${name}.`);
  });
}

test("every language is there, says everything, and fills in what it is given", () => {
  const english = sentences(en as unknown as Table);
  for (const code of languages) {
    const words = wordsFor(code, undefined);
    assert.equal(words.language.code, code);
    assert.equal(words.language.dir, code === "ar" ? "rtl" : "ltr");
    const found = new Map(sentences(words as unknown as Table));
    assert.deepEqual([...found.keys()].toSorted(), english.map(([path]) => path).toSorted(), code);
    for (const [path, sentence] of english) {
      const said = found.get(path) ?? "";
      assert.notEqual(said.trim(), "", `${code}: ${path}`);
      for (const filled of ["{given}", "{terms}", "{privacy}"])
        assert.equal(said.includes(filled), sentence.includes(filled), `${code}: ${path}`);
    }
  }
});

/** Sentences that are the same words in English, by language. */
const alike: Readonly<Record<string, readonly string[]>> = {
  de: ["attributes.website", "chooseFactor.WEB_AUTHN", "fields.code"],
  fr: ["fields.code"],
  id: ["chooseMfa.EMAIL_OTP", "setUp.EMAIL_OTP"],
  it: ["chooseFactor.PASSWORD", "chooseFactor.WEB_AUTHN", "fields.password"],
};

test("no sentence is left in English, and names of identity providers are not translated", () => {
  const english = new Map(sentences(en as unknown as Table));
  for (const code of languages.filter((one) => one !== "en")) {
    const words = wordsFor(code, undefined);
    const { language: _, ...said } = words;
    const same = sentences(said as unknown as Table).filter(([path, one]) => english.get(path) === one);
    assert.deepEqual(same.map(([path]) => path).toSorted(), (alike[code] ?? []).toSorted(), code);
    for (const name of ["Google", "Facebook", "Amazon", "Apple", "R&D <b>"])
      assert.ok(words.signIn.through(name).includes(`\u2068${name}\u2069`), code);
  }
});

test("messages speak the languages of the pages, and say where codes, names and links belong", () => {
  assert.deepEqual(languageTags.toSorted(), languages.toSorted());
  for (const code of languageTags) {
    const words = wordsOfMessages(code);
    for (const kind of messageKinds) {
      const { body, rows = {} } = words[kind];
      const inEnglish = wordsOfMessages("en")[kind];
      const placesOf = (text: string) =>
        (text.match(/\{####\}|\{\w+\}|\{##(?=[^#{}]+##\})/g) ?? []).toSorted();
      assert.deepEqual(placesOf(body), placesOf(inEnglish.body), `${code}: ${kind}`);
      assert.deepEqual(Object.keys(rows), Object.keys(inEnglish.rows ?? {}), `${code}: ${kind}`);
      for (const place of Object.keys(rows))
        assert.ok(body.includes(place === "code" ? "{####}" : `{${place}}`), `${code}: ${kind}`);
    }
    // The texts of messages with values in place of their placeholders are sentences like any other.
    const plain = sentences(words as unknown as Table).map(
      ([name, text]) => [name, text.replace("{####}", "123456").replace(/\{#*([^#{}]+)#*\}/g, "$1")] as const,
    );
    for (const [name, text] of plain) assert.notEqual(text.trim(), "", `${code}: ${name}`);
    for (const { languages: concerned, found } of faults.filter((one) => one.languages.includes(code)))
      for (const [name, text] of plain) assert.doesNotMatch(text, found, `${concerned}: ${name}`);
  }
});

/** Characters of Chinese and Japanese, and their own punctuation. */
const wide = "[\\p{scx=Han}\\p{scx=Hiragana}\\p{scx=Katakana}\u3000-\u303f\uff00-\uffef]";

/** What typographers of a language never write. */
const faults: readonly {
  readonly what: string;
  readonly languages: readonly string[];
  readonly found: RegExp;
}[] = [
  {
    what: "ASCII punctuation next to a Chinese or Japanese character",
    languages: ["ja", "zh-CN", "zh-TW"],
    found: new RegExp(`${wide} ?[,.:;?!()]|[,:;?!()] ?${wide}`, "u"),
  },
  { what: "a space that can break before a sign", languages: ["fr"], found: /[ \t][?:;!»]|« / },
  { what: "two spaces, or a space at an end", languages, found: /^\s|\s$|\s\s/ },
  { what: "a typewriter apostrophe", languages, found: /'/ },
];

for (const { what, languages: concerned, found } of faults)
  test(`no sentence contains ${what}`, () => {
    for (const code of concerned)
      for (const [path, sentence] of sentences(wordsFor(code, undefined) as unknown as Table))
        assert.doesNotMatch(sentence, found, `${code}: ${path}`);
  });

test("every value is isolated, so that one in another direction leaves the sentence as it is", () => {
  for (const code of languages)
    for (const [path, sentence] of sentences(wordsFor(code, undefined) as unknown as Table)) {
      assert.doesNotMatch(sentence.replaceAll("\u2068{given}\u2069", ""), /\{given\}/, `${code}: ${path}`);
      const depths = [...sentence].map(
        (one) => Number(/[\u2066-\u2068]/.test(one)) - Number(one === "\u2069"),
      );
      assert.equal(
        depths.reduce((sum, one) => sum + one, 0),
        0,
        `${code}: ${path}`,
      );
    }
});

test("the language asked for, else the best of those accepted, else English", () => {
  const chosen = (wanted: string | undefined, header?: string) => wordsFor(wanted, header).language.code;
  assert.equal(chosen("de"), "de");
  assert.equal(chosen("de-AT", "fr"), "de");
  assert.equal(chosen("PT-br"), "pt-BR");
  assert.equal(chosen("pt"), "pt-BR");
  assert.equal(chosen("zh"), "zh-CN");
  assert.equal(chosen("zh-Hant-HK"), "zh-TW");
  assert.equal(chosen("xx", "ja"), "ja");
  assert.equal(chosen(undefined, "fr;q=0.5, it;q=0.9, de;q=0"), "it");
  assert.equal(chosen(undefined, "xx, *;q=0.1"), "en");
  assert.equal(chosen(undefined, undefined), "en");
  assert.equal(chosen("__proto__", "constructor;q=x,,;;"), "en");
});
