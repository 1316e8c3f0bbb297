/** Bodies of OAuth requests: application/x-www-form-urlencoded, each parameter once (RFC 6749 section 3.2). */
import type { Context } from "hono";
import { refuseOAuth } from "../../domain/grants/refuse.ts";

const longestBody = 64 * 1024;

/** Throws invalid_request: another content type, too long, a parameter twice. Those without a value count as left out. */
export async function readForm(c: Context): Promise<ReadonlyMap<string, string>> {
  const type = c.req.header("content-type") ?? "";
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type))
    return refuseOAuth("invalid_request", "The body must be application/x-www-form-urlencoded.");
  if (Number(c.req.header("content-length") ?? 0) > longestBody) return tooLong();
  const body = await c.req.text();
  if (body.length > longestBody) return tooLong();
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body)) {
    if (form.has(name)) refuseOAuth("invalid_request", "A parameter is given more than once.");
    form.set(name, value);
  }
  for (const [name, value] of form) if (value === "") form.delete(name);
  return form;
}

function tooLong(): never {
  return refuseOAuth("invalid_request", "The body is too long.");
}
