/** Bodies of OAuth requests: application/x-www-form-urlencoded, each parameter once (RFC 6749 section 3.2). */
import type { Context } from "hono";
import { refuseOAuth } from "../../domain/grants/oauth-error.ts";
import { type Posted, readOnceFields } from "../form.ts";
import { type Bindings, rawQuery } from "../place.ts";

/**
 * Reads the parameters; those without a value count as omitted. Throws invalid_request for another content type, a body
 * that is too long, a repeated parameter, or U+0000.
 */
export async function readForm(posted: Posted): Promise<ReadonlyMap<string, string>> {
  const fields = await readOnceFields(posted);
  return new Map([...fields].filter(([, value]) => value !== ""));
}

/** The pages carry the request in their URL, and Node accepts 16 KiB for it and all headers. */
const longestPosted = 12 * 1024;

/**
 * A browser's request as a query string, whether it came as a query or as a form (OpenID Connect Core 1.0 section
 * 3.1.2.1, RP-Initiated Logout 1.0 section 2). Throws what readForm throws.
 */
export async function requestQuery(c: Context<Bindings>): Promise<string> {
  if (c.req.method !== "POST") return rawQuery(c);
  const query = new URLSearchParams([...(await readForm(c.env))]).toString();
  return query.length <= longestPosted ? query : refuseOAuth("invalid_request", "The body is too long.");
}
