/** Answers to requests for what is not there: pages for browsers, JSON for programs. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "hono";
import { messagePage, plainHeaders, wantsPage } from "./kit/plain-page.ts";

const nothingHere = { message: "There is nothing here." };

/** The page for a browser, given its Accept-Language header. */
type LanguagePage = (language: string | undefined) => string;

export const answerNothing =
  (page: LanguagePage) =>
  (c: Context): Response => {
    if (!wantsPage(c.req.header("accept"))) return c.json(nothingHere, 404);
    return c.html(page(c.req.header("accept-language")), 404, plainHeaders);
  };

/** The answer where a request is refused before it is routed. */
export function answerNothingHere(
  { headers }: IncomingMessage,
  outgoing: ServerResponse,
  page: LanguagePage,
): void {
  const isPage = wantsPage(headers.accept);
  const body = isPage ? page(headers["accept-language"]) : JSON.stringify(nothingHere);
  outgoing.writeHead(404, {
    ...(isPage && plainHeaders),
    "content-type": isPage ? "text/html; charset=UTF-8" : "application/json",
    "content-length": Buffer.byteLength(body),
  });
  outgoing.end(body);
}

const unknownHost = "This server does not answer to that host name. Set POOLHOUSE_PUBLIC_URL.";

export function answerUnknownHost(c: Context): Response {
  if (!wantsPage(c.req.header("accept"))) return c.json({ message: unknownHost }, 421);
  return c.html(messagePage("Unknown host name", unknownHost), 421, plainHeaders);
}
