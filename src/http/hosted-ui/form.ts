/** What a form of ours has sent. */
import type { Context } from "hono";
import { Refusal } from "../../lib/refusal.ts";

export type Form = ReadonlyMap<string, string>;

export const emptyForm: Form = new Map();

const longestBody = 64 * 1024;

/** The fields as they came; of two with one name the last, as forms of ours have none. Throws a Refusal. */
export async function readForm(c: Context): Promise<Form> {
  const type = c.req.header("content-type") ?? "";
  const isForm = /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type);
  if (!isForm || Number(c.req.header("content-length") ?? 0) > longestBody) return noForm();
  const body = await c.req.text();
  if (body.length > longestBody) return noForm();
  // As HTML parsers do: PostgreSQL takes no U+0000, and nobody types one.
  return new Map(
    [...new URLSearchParams(body)].map(([name, value]) => [name, value.replaceAll("\0", "\ufffd")]),
  );
}

function noForm(): never {
  throw new Refusal("invalid_request", "The form is not one of these pages.");
}

/** A field without the blanks that copying and autofill leave around it. */
export function textOf(form: Form, name: string): string {
  return (form.get(name) ?? "").trim();
}

/** A code as people type it, with a blank in the middle. */
export function codeOf(form: Form): string {
  return textOf(form, "code").replace(/\s/g, "");
}
