/** Bodies of OAuth requests: application/x-www-form-urlencoded, each parameter once (RFC 6749 section 3.2). */
import type { Context } from "hono";
import { refuseOAuth } from "../../domain/grants/refuse.ts";
import { readFields } from "../form.ts";
import type { Bindings } from "../place.ts";

/** Throws invalid_request: another content type, too long, a parameter twice. Those without a value count as left out. */
export async function readForm(c: Context<Bindings>): Promise<ReadonlyMap<string, string>> {
  const fields = await readFields(c);
  if (fields === "no form")
    return refuseOAuth("invalid_request", "The body must be application/x-www-form-urlencoded.");
  if (fields === "too long") return refuseOAuth("invalid_request", "The body is too long.");
  const form = new Map<string, string>();
  for (const [name, value] of fields) {
    if (form.has(name)) refuseOAuth("invalid_request", "A parameter is given more than once.");
    form.set(name, value);
  }
  for (const [name, value] of form) if (value === "") form.delete(name);
  return form;
}
