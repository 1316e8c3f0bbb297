/**
 * CUSTOM_CHALLENGE: a challenge of the pool's trigger ("Custom authentication challenge Lambda triggers", Amazon
 * Cognito Developer Guide). Of its publicChallengeParameters, `title` becomes the heading and `prompt` the sentence
 * above the field; of all others the values are shown as text. Nothing else says that an answer was wrong: the functions
 * may ask again for other reasons.
 */
import { html } from "hono/html";
import { errorOf, field, form, type Problem, submit } from "../kit/fields.ts";
import type { Visit } from "../kit/visit.ts";
import { type ChallengeView, state, type Waiting } from "./waiting.ts";

/** Parameters that are not shown. */
const silent: readonly string[] = ["title", "prompt", "USERNAME", "available"];

export function customBody(visit: Visit, waiting: Waiting, problem: Problem | undefined): ChallengeView {
  const { custom, common } = visit.words;
  const { title, prompt } = waiting.parameters;
  const shown = Object.entries(waiting.parameters).filter(
    ([name, value]) => !silent.includes(name) && value !== "",
  );
  const answer = field(visit, {
    name: "answer",
    label: custom.answer,
    // Most often it is a code that was sent.
    autocomplete: "one-time-code",
    error: errorOf(problem, "answer"),
    focus: problem === undefined,
  });
  const body = html`<p class="lead">${prompt || custom.prompt}</p>
${shown.map(([, value]) => html`<p class="given"><bdi>${value}</bdi></p>`)}
${form(visit, "/challenge", html`${state(waiting)}${answer}${submit(common.continue)}`)}`;
  return { title: title || custom.title, body };
}
