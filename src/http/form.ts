/** Reads form bodies (application/x-www-form-urlencoded) and queries for all rooms. */
import type { IncomingMessage } from "node:http";
import type { Context } from "hono";
import { refuseOAuth } from "../domain/grants/oauth-error.ts";
import { refusalOf, type Unread } from "./body.ts";
import { joinedHeader } from "./headers.ts";
import { holdings } from "./holdings.ts";
import { type Bindings, queryOf } from "./place.ts";

/** A request and how its body is read; the environment of a request that Hono has routed is one. */
export interface Posted {
  readonly incoming: IncomingMessage;
  /** Reads the body, up to `limit` bytes (body.ts). */
  readBody(limit: number): Promise<Uint8Array | Unread>;
}

/**
 * The fields in order, of a body of up to `limit` bytes, or why the body was not read. Throws TooManyRequestsException if it was dropped in favor of
 * others, and invalid_request for U+0000.
 */
export async function readFields(
  posted: Posted,
  limit: number = holdings.formBody.limit.bytes,
): Promise<URLSearchParams | "no form" | "too long" | "late"> {
  const type = joinedHeader(posted.incoming, "content-type") ?? "";
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)) return "no form";
  const body = await posted.readBody(limit);
  if (body === "others first") throw refusalOf(body, limit);
  if (typeof body === "string") return body;
  const text = Buffer.from(body).toString("utf8");
  refuseNul(text);
  return new URLSearchParams(text);
}

/**
 * The fields of which each may be given once (RFC 6749 section 3.2). Throws invalid_request for another content type, a body
 * that is too long or late, a repeated parameter, or U+0000.
 */
export async function readOnceFields(posted: Posted, limit?: number): Promise<URLSearchParams> {
  const fields = await readFields(posted, limit);
  if (fields === "no form")
    return refuseOAuth("invalid_request", "The body must be application/x-www-form-urlencoded.");
  if (fields === "too long") return refuseOAuth("invalid_request", "The body is too long.");
  if (fields === "late") return refuseOAuth("invalid_request", "The body did not arrive in time.");
  if (new Set(fields.keys()).size < fields.size)
    return refuseOAuth("invalid_request", "A parameter is given more than once.");
  return fields;
}

/** The raw query, as rawQuery. Throws invalid_request for U+0000. */
export function textQuery(c: Context<Bindings>): string {
  return textQueryOf(c.env.incoming);
}

/** As textQuery, of a request that Hono has not routed. */
export function textQueryOf(incoming: Pick<IncomingMessage, "url">): string {
  const query = queryOf(incoming);
  refuseNul(query);
  return query;
}

/** Refuses U+0000 in encoded parameters: PostgreSQL cannot store it, and other programs end a text there. */
function refuseNul(encoded: string): void {
  if (encoded.includes("%00") || encoded.includes("\0"))
    refuseOAuth("invalid_request", "A parameter contains U+0000.");
}
