/** Whether a request is for this room, told before the rest of it is loaded. */
import type { IncomingMessage } from "node:http";

export const isForm = (type: string | undefined) =>
  /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type ?? "");
const namesAction = (url: string) => /[?&]Action=/.test(url);

/** Whether a request is a call of the Query protocol. */
export function isQueryCall({ method, url = "", headers }: IncomingMessage): boolean {
  if (url !== "/" && !url.startsWith("/?")) return false;
  if (headers["x-amz-target"] !== undefined) return false;
  if (method === "POST") return isForm(headers["content-type"]) || namesAction(url);
  return method === "GET" && namesAction(url);
}
