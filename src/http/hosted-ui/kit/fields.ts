/** The elements that forms are made of. */
import { html } from "hono/html";
import type { Html } from "./frame.ts";
import { icon } from "./icons.ts";
import { linkTo, type Visit } from "./visit.ts";

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type?: "text" | "email" | "tel" | "password" | "url" | "date" | "datetime-local";
  readonly value?: string | undefined;
  readonly autocomplete: string;
  readonly inputmode?: "email" | "tel" | "numeric" | "url";
  readonly hint?: Html | string | undefined;
  /** A sentence about what is wrong; the field gets the focus. */
  readonly error?: string | undefined;
  readonly focus?: boolean;
  readonly optional?: boolean;
  /** The number of digits of a code: the script submits the form when they are complete. */
  readonly digits?: number | undefined;
  /** Shown opposite the label, but after the field in tab order. */
  readonly aside?: Html | undefined;
}

/** What is wrong with a form: text, and the field it belongs to, if any. */
export interface Problem {
  readonly field?: string | undefined;
  readonly text: string;
}

/** A labelled input field. Only the script shows the characters of a password. */
export function field({ words }: Pick<Visit, "words">, one: Field): Html {
  const { name, type = "text", hint, error } = one;
  const hasHint = hint !== undefined && hint !== "";
  const described = [error && `${name}-error`, hasHint && `${name}-hint`].filter(Boolean).join(" ");
  const isCode = one.autocomplete === "one-time-code";
  const isPlain = isCode || name === "username" || type === "email" || type === "password";
  return html`<div class="field">
<label for="${name}">${one.label}</label>
<div class="input"><input id="${name}" name="${name}" type="${type}" value="${one.value ?? ""}" autocomplete="${one.autocomplete}"
${attribute("inputmode", one.inputmode)}${attribute("class", isCode ? "code" : undefined)}
${isPlain ? html` autocapitalize="none" spellcheck="false"` : ""}${flag("required", one.optional !== true)}
${attribute("data-digits", one.digits?.toString())}${flag("autofocus", one.focus === true || error !== undefined)}
${error === undefined ? "" : html` aria-invalid="true"`}${attribute("aria-describedby", described || undefined)}
${type === "password" ? reveal(words.common) : ""}></div>
${one.aside === undefined ? "" : html`<div class="aside">${one.aside}</div>`}
${error === undefined ? "" : html`<p class="wrong" id="${name}-error">${error}</p>`}
${hasHint ? html`<div class="hint" id="${name}-hint">${hint}</div>` : ""}
</div>`;
}

const attribute = (name: string, value: string | undefined) =>
  value === undefined ? "" : html` ${name}="${value}"`;

const flag = (name: string, on: boolean | undefined) => (on === true ? html` ${name}` : "");

/** The labels for the script's button that shows a password. */
function reveal(common: Visit["words"]["common"]): Html {
  return html` data-show="${common.showPassword}" data-hide="${common.hidePassword}"`;
}

export function hidden(values: Readonly<Record<string, string>>): Html[] {
  return Object.entries(values).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
}

/** A form that posts to another page of this pool and carries the authorization request along. */
export function form(visit: Pick<Visit, "root" | "query">, path: string, inside: unknown, name = ""): Html {
  return html`<form method="post" action="${linkTo(visit, path)}"${name === "" ? "" : html` class="${name}"`}>
${inside}
</form>`;
}

export function submit(label: string): Html {
  return html`<button class="primary">${label}</button>`;
}

/** A message about the whole form, announced by screen readers at once. */
export function alert(problem: Problem | undefined): Html | "" {
  if (problem === undefined || problem.field !== undefined) return "";
  return html`<div class="note problem" role="alert" tabindex="-1" autofocus>${problem.text}</div>`;
}

export function notice(text: string | undefined): Html | "" {
  return text === undefined ? "" : html`<div class="note good" role="status">${text}</div>`;
}

/** The error text of a field, if the problem belongs to it. */
export function errorOf(problem: Problem | undefined, name: string): string | undefined {
  return problem?.field === name ? problem.text : undefined;
}

export function backLink(visit: Pick<Visit, "root" | "query" | "words">): Html {
  return html`<p class="foot"><a href="${linkTo(visit, "/login")}">${visit.words.common.backToSignIn}</a></p>`;
}

export interface CodeView {
  readonly problem: Problem | undefined;
  readonly digits: number;
  readonly label?: string;
  readonly value?: string | undefined;
}

/** A field for a code of known length. */
export function codeField({ words }: Pick<Visit, "words">, view: CodeView): Html {
  const { problem, digits, label = words.fields.code, value } = view;
  const { codeDigits, codeSent } = words.fields;
  return field(
    { words },
    {
      name: "code",
      label,
      value,
      digits,
      autocomplete: "one-time-code",
      inputmode: "numeric",
      // Only the script submits it, and only if nothing else has to be filled in.
      hint: html`${codeDigits(digits)}<span data-submits hidden> · ${codeSent}</span>`,
      error: errorOf(problem, "code"),
      focus: problem === undefined,
    },
  );
}

/** Seconds before the script lets a code be sent again. */
const resendWait = 30;

/** A question and a button that sends a message again. @param sent whether one has just been sent */
export function resendLine(question: string, label: string, sent: boolean): Html {
  const wait = sent ? html` data-wait="${resendWait}"` : "";
  return html`<p class="foot">${question} <button class="link"${wait}>${label}</button></p>`;
}

/** The name that a page is about, with a link to the page where it can be changed. */
export function nameChip({ words }: Pick<Visit, "words">, name: string, change: string | undefined): Html {
  const link = change === undefined ? "" : html`<a href="${change}">${words.common.change}</a>`;
  return html`<p class="identity">${icon("person")}<bdi>${name}</bdi>${link}</p>`;
}

/** A chip with the name within a form, along with a field for password managers, which look for a username next to the password. */
export function identity(visit: Pick<Visit, "words">, name: string, change: string | undefined): Html {
  return html`${nameChip(visit, name, change)}
<input class="unseen" type="text" name="username" autocomplete="username" value="${name}" tabindex="-1" aria-hidden="true" readonly>`;
}
