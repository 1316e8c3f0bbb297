/** Overload protection for everything but calls of the API, which answer in their own way: pages, OAuth, discovery. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { sentenceOf } from "../wire/reasons.ts";
import type { Serving } from "./context.ts";

export interface OverloadGuard {
  /**
   * Refuses a request if the thread is late and the request exceeds its address's share. Returns whether it has
   * answered it.
   */
  refuses(incoming: IncomingMessage, outgoing: ServerResponse): boolean;
  /** Refuses a request unconditionally. */
  refuse(incoming: IncomingMessage, outgoing: ServerResponse): void;
}

/** RFC 6749 has no better code; other clients look at the status. */
const errorBody = JSON.stringify({
  error: "temporarily_unavailable",
  error_description: sentenceOf("tooMany"),
  message: sentenceOf("tooMany"),
});
const always = { "access-control-allow-origin": "*", "cache-control": "no-store", "retry-after": "1" };

/** @param page the page for people, by their browser's Accept-Language; it has no script or style and loads nothing */
export function createOverloadGuard(
  { app, admission, network }: Serving,
  page: (language: string | undefined) => Promise<string>,
): OverloadGuard {
  const refuse = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { accept = "", "accept-language": language } = incoming.headers;
    const isPerson = accept.includes("text/html");
    outgoing.writeHead(429, {
      ...always,
      "content-type": isPerson ? "text/html; charset=utf-8" : "application/json",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    });
    const end = (body: string) => outgoing.end(body, () => admission.hold(incoming.socket));
    if (isPerson)
      page(language).then(end, (error: unknown) => {
        app.log.error({ err: error }, "internal error");
        end("");
      });
    else end(errorBody);
  };
  return {
    refuse,
    refuses(incoming, outgoing) {
      if (admission.admits(network(incoming))) return false;
      refuse(incoming, outgoing);
      return true;
    },
  };
}
