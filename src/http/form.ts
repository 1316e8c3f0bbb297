/** Reads form bodies (application/x-www-form-urlencoded) for all rooms. */
import type { Context } from "hono";
import { refusalOf } from "./body.ts";
import { holdings } from "./holdings.ts";
import type { Bindings } from "./place.ts";

/**
 * The fields in order, or why the body was not read. Throws TooManyRequestsException if it was dropped in favor of
 * others.
 */
export async function readFields(
  c: Context<Bindings>,
): Promise<URLSearchParams | "no form" | "too long" | "late"> {
  const type = c.req.header("content-type") ?? "";
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)) return "no form";
  const limit = holdings.formBody.limit.bytes;
  const body = await c.env.readBody(limit);
  if (body === "others first") throw refusalOf(body, limit);
  return typeof body === "string" ? body : new URLSearchParams(Buffer.from(body).toString("utf8"));
}
