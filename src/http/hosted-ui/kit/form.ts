/** Reads a submitted form of our pages. */
import type { Context } from "hono";
import { Refusal } from "../../../lib/refusal.ts";
import { readFields } from "../../form.ts";
import type { Bindings } from "../../place.ts";

export type Form = ReadonlyMap<string, string>;

export const emptyForm: Form = new Map();

/** The submitted fields. Throws a Refusal. Of two with the same name it keeps the last one; our forms have none. */
export async function readForm(c: Context<Bindings>): Promise<Form> {
  const fields = await readFields(c.env);
  if (typeof fields === "string") throw new Refusal("invalid_request", "The form is not one of these pages.");
  return new Map(fields);
}

/** A field's value without the surrounding spaces that copying and autofill leave. */
export function textOf(form: Form, name: string): string {
  return (form.get(name) ?? "").trim();
}

/** The code, without the space that people may type in the middle. */
export function codeOf(form: Form): string {
  return textOf(form, "code").replace(/\s/g, "");
}
