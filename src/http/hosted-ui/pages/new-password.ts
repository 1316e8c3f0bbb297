/** NEW_PASSWORD_REQUIRED: the user's own password, and attributes that the schema requires and nobody has set yet. */
import { html } from "hono/html";
import { passwordPatterns, passwordPolicy } from "../../../domain/credentials/password.ts";
import { attributeField } from "../kit/attributes.ts";
import { errorOf, field, form, type Problem, submit } from "../kit/fields.ts";
import type { Html } from "../kit/frame.ts";
import type { Visit } from "../kit/visit.ts";
import { type ChallengeView, listed, state, type Waiting } from "./waiting.ts";

const prefix = "userAttributes.";

/** Names of the attributes that the challenge asks for. */
export function missingAttributes({ parameters }: Waiting): string[] {
  return listed(parameters["requiredAttributes"])
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length));
}

export function newPasswordBody(visit: Visit, waiting: Waiting, problem: Problem | undefined): ChallengeView {
  const { newPassword: words } = visit.words;
  const attributes = missingAttributes(waiting).map((name) => attributeField(visit, name, { problem }));
  const inside = html`${state(waiting)}
<input class="unseen" type="text" autocomplete="username" value="${waiting.username}" tabindex="-1" aria-hidden="true" readonly>
${newPasswordField(visit, problem, { focus: problem === undefined })}
${attributes}
${submit(words.submit)}`;
  const body = html`<p class="lead">${words.intro}</p>
${form(visit, "/challenge", inside)}`;
  return { title: words.title, body };
}

/** A field for a new password, with the rules that it must satisfy. */
export function newPasswordField(
  visit: Visit,
  problem: Problem | undefined,
  options: { readonly focus?: boolean; readonly label?: string; readonly optional?: boolean } = {},
): Html {
  return field(visit, {
    name: "password",
    label: options.label ?? visit.words.fields.newPassword,
    type: "password",
    autocomplete: "new-password",
    hint: rulesOf(visit),
    error: errorOf(problem, "password"),
    focus: options.focus === true,
    optional: options.optional === true,
  });
}

/** The rules as a list, in which the script ticks those that are met. */
function rulesOf({ pool, words }: Visit): Html {
  const { password } = words;
  const policy = passwordPolicy(pool);
  const patterns = passwordPatterns(policy);
  const rules = [
    [patterns.length, password.length(policy.MinimumLength ?? 6)],
    [patterns.uppercase, password.uppercase],
    [patterns.lowercase, password.lowercase],
    [patterns.number, password.number],
    [patterns.symbol, password.symbol],
  ] as const;
  const items = rules.map(([pattern, text]) =>
    pattern === undefined
      ? ""
      : html`<li data-pattern="${pattern}">${text}<span class="unseen" hidden>, ${password.met}</span></li>`,
  );
  return html`${password.intro}<ul class="rules">${items}</ul>`;
}
