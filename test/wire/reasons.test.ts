/** The table of reasons: each has a code of the API, its sentence is filled in, and no sentence stands anywhere else. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Refusal } from "../../src/lib/refusal.ts";
import { type Reason, reasons, sentenceOf } from "../../src/wire/reasons.ts";
import { isRefusedFor, refuseFor } from "../../src/wire/refuse.ts";

const root = join(import.meta.dirname, "..", "..");
const names = Object.keys(reasons) as Reason[];

function thrown(work: () => unknown): Refusal {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  return assert.fail("nothing was thrown");
}

test("a refusal has the code and the sentence of its reason, and what it is given", () => {
  const error = thrown(() =>
    refuseFor("passwordShort", { policy: "policy", detail: "d", names: ["password"] }),
  );
  assert.equal(error.code, "InvalidPasswordException");
  assert.equal(error.message, "Password did not conform with policy: Password not long enough");
  assert.deepEqual([error.reason, error.detail, error.names], ["passwordShort", "d", ["password"]]);
  assert.ok(isRefusedFor(error, "passwordLong", "passwordShort"));
  assert.ok(!isRefusedFor(error, "passwordLong"));
  assert.ok(!isRefusedFor(new Error("User is disabled."), "disabled"));
});

test("what is filled in is not looked at again", () => {
  assert.equal(sentenceOf("parameterMissing", { name: "{name}$&" }), "Missing required parameter {name}$&");
});

test("a sentence that has a reason stands in the table alone", () => {
  // The words of the pages are in a catalogue per language; the English one may happen to say the same.
  const own = [join("src", "wire", "reasons.ts"), join("src", "http", "hosted-ui", "words", "en.ts")];
  const files = globSync("src/**/*.ts", { cwd: root }).filter((file) => !own.includes(file));
  assert.ok(files.length > 300, "the sources were found");
  const sentences = names.map((name) => reasons[name].message).filter((text) => !text.includes("{"));
  const texts = files.map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }));
  for (const sentence of sentences) {
    // One operation answers the same sentence with another code, since there it is a thing that is missing.
    if (sentence === reasons.tokenFactorGone.message) continue;
    const again = texts.filter(({ text }) => text.includes(`"${sentence}"`)).map(({ file }) => file);
    assert.deepEqual(again, [], sentence);
  }
});

test("nothing but the answers goes by a refusal's sentence", () => {
  const judged = globSync("src/{domain,http}/**/*.ts", { cwd: root }).flatMap((file) => {
    const lines = readFileSync(join(root, file), "utf8").split("\n");
    return lines
      .filter((line) =>
        /\.message\b.*(?:===|startsWith|includes|test\(|match)|\.test\(\w+\.message/.test(line),
      )
      .map((line) => `${file}: ${line.trim()}`);
  });
  assert.deepEqual(judged, []);
});
