/** Bodies of forms (application/x-www-form-urlencoded), for every room that takes them: bounded, each and together. */
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import { Refusal } from "../lib/refusal.ts";
import { createBodyReader } from "./body.ts";

const longestBody = 64 * 1024;
const bodies = createBodyReader(16 * 1024 * 1024);

/** The fields in their order; else why there are none. Throws TooManyRequestsException when too many are read at once. */
export async function readFields(
  c: Context<{ Bindings: HttpBindings }>,
): Promise<URLSearchParams | "no form" | "too long"> {
  const type = c.req.header("content-type") ?? "";
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)) return "no form";
  const body = await bodies.read(c.env.incoming, longestBody);
  if (!(body instanceof Refusal)) return new URLSearchParams(Buffer.from(body).toString("utf8"));
  if (body.code === "TooManyRequestsException") throw body;
  return "too long";
}
