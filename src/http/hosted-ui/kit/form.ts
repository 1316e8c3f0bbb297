/** What a form of ours has sent. */
import type { Context } from "hono";
import { Refusal } from "../../../lib/refusal.ts";
import { readFields } from "../../form.ts";
import type { Bindings } from "../../place.ts";

export type Form = ReadonlyMap<string, string>;

export const emptyForm: Form = new Map();

/** The fields as they came; of two with one name the last, as forms of ours have none. Throws a Refusal. */
export async function readForm(c: Context<Bindings>): Promise<Form> {
  const fields = await readFields(c);
  if (typeof fields === "string") throw new Refusal("invalid_request", "The form is not one of these pages.");
  // As HTML parsers do: PostgreSQL takes no U+0000, and nobody types one.
  return new Map([...fields].map(([name, value]) => [name, value.replaceAll("\0", "\ufffd")]));
}

/** A field without the blanks that copying and autofill leave around it. */
export function textOf(form: Form, name: string): string {
  return (form.get(name) ?? "").trim();
}

/** A code as people type it, with a blank in the middle. */
export function codeOf(form: Form): string {
  return textOf(form, "code").replace(/\s/g, "");
}
