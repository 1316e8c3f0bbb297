/** The words in all languages, and which language is chosen. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { wordsFor } from "../../src/http/hosted-ui/kit/language.ts";
import { en } from "../../src/http/hosted-ui/words/en.ts";

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
