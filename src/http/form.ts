/** Bodies of forms (application/x-www-form-urlencoded), for every room that takes them. */
import type { Context } from "hono";
import { refusalOf } from "./body.ts";
import { holdings } from "./holdings.ts";
import type { Bindings } from "./place.ts";

/** The fields in their order; else why there are none. Throws TooManyRequestsException when others go first. */
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
