/** What only pages and programs of this machine may read: the inbox and the welcome page. */
import type { Context } from "hono";
import { isForwarded } from "./hosts.ts";

/** Whether a request says that it came through a proxy, or from a page of another origin other than by a link. */
export function comesFromElsewhere(c: Context): boolean {
  if (isForwarded(Object.keys(c.req.header()))) return true;
  if (c.req.header("sec-fetch-site") === "cross-site" && c.req.header("sec-fetch-mode") !== "navigate")
    return true;
  const origin = c.req.header("origin");
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== c.req.header("host");
}
