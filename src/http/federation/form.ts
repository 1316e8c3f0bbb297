/** What providers post, directly or by a browser (application/x-www-form-urlencoded). */
import type { Context } from "hono";
import { refuseOAuth } from "../../domain/grants/oauth-error.ts";
import { readFields } from "../form.ts";
import { holdings } from "../holdings.ts";
import type { Bindings } from "../place.ts";

/** Throws invalid_request for another content type, a body that is too long, a repeated parameter, or U+0000. */
export async function readAnswer(c: Context<Bindings>): Promise<URLSearchParams> {
  const fields = await readFields(c, holdings.providerAnswer.limit.bytes);
  if (fields === "no form")
    return refuseOAuth("invalid_request", "The body must be application/x-www-form-urlencoded.");
  if (fields === "too long") return refuseOAuth("invalid_request", "The body is too long.");
  if (fields === "late") return refuseOAuth("invalid_request", "The body did not arrive in time.");
  if (new Set(fields.keys()).size < fields.size)
    return refuseOAuth("invalid_request", "A parameter is given more than once.");
  return fields;
}
