/** The page of a custom challenge, by values: no sign-in reaches it before triggers can run. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { wordsFor } from "../../src/http/hosted-ui/kit/language.ts";
import type { Visit } from "../../src/http/hosted-ui/kit/visit.ts";
import { challengeView } from "../../src/http/hosted-ui/pages/challenge-pages.ts";
import type { Waiting } from "../../src/http/hosted-ui/pages/waiting.ts";

const visit = { words: wordsFor("en", undefined), root: "/us-east-1_POOL", query: "client_id=c" } as Visit;

function shown(parameters: Record<string, string>, problem?: { field: string; text: string }) {
  const waiting: Waiting = { name: "CUSTOM_CHALLENGE", session: "s-1", username: "ann", parameters };
  const { title, body } = challengeView(visit, waiting, problem);
  return { title, text: String(body).replace(/\s+/g, " ") };
}

test("title and prompt are the application's words, the rest is shown as text, nothing is markup", () => {
  const { title, text } = shown({
    title: "Riddle <1>",
    prompt: "What has <b>hands</b>?",
    hint: `"It" tells & <i>time</i>`,
    USERNAME: "internal-name",
    available: "",
  });
  assert.equal(title, "Riddle <1>");
  assert.match(text, /<p class="lead">What has &lt;b&gt;hands&lt;\/b&gt;\?<\/p>/);
  assert.match(text, /<p class="given"><bdi>&quot;It&quot; tells &amp; &lt;i&gt;time&lt;\/i&gt;<\/bdi><\/p>/);
  assert.doesNotMatch(text, /<b>|<i>|<bdi>internal-name/);
  assert.match(text, /<label for="answer">Your answer<\/label>/);
  assert.equal(text.match(/<button/g)?.length, 1);
  for (const kept of ["hint", "title", "prompt"])
    assert.match(text, new RegExp(`name="parameter\\.${kept}"`), "comes back after a mistake");
  assert.match(text, /name="challenge" value="CUSTOM_CHALLENGE"/);
});

test("without words of the application there are ours, and a mistake is told at the field", () => {
  const { title, text } = shown({}, { field: "answer", text: "Fill this in." });
  assert.equal(title, "One more step");
  assert.match(text, /Answer this to go on/);
  assert.match(text, /aria-invalid="true"/);
  assert.match(text, /id="answer-error">Fill this in/);
});
