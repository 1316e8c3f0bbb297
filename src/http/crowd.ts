/** Admission for whatever is not a call of the API, which answers in its own way: pages, OAuth, discovery, everything. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { sentenceOf } from "../wire/reasons.ts";
import type { Serving } from "./context.ts";

export interface CrowdGuard {
  /** Whether a request was refused, and answered: the thread is late, and it goes beyond the share of its address. */
  refuses(incoming: IncomingMessage, outgoing: ServerResponse): boolean;
  /** Refuses it in any case. */
  refuse(incoming: IncomingMessage, outgoing: ServerResponse): void;
}

/** RFC 6749 has no better word for it, and others look at the status. */
const told = JSON.stringify({
  error: "temporarily_unavailable",
  error_description: sentenceOf("tooMany"),
  message: sentenceOf("tooMany"),
});
const always = { "access-control-allow-origin": "*", "cache-control": "no-store", "retry-after": "1" };

/** @param page what people are shown, by the Accept-Language of their browser; without script, style and anything to load */
export function createCrowdGuard(
  { admission, network }: Serving,
  page: (language: string | undefined) => string,
): CrowdGuard {
  const refuse = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { accept = "", "accept-language": language } = incoming.headers;
    const isPerson = accept.includes("text/html");
    outgoing.writeHead(429, {
      ...always,
      "content-type": isPerson ? "text/html; charset=utf-8" : "application/json",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    });
    outgoing.end(isPerson ? page(language) : told, () => admission.hold(incoming.socket));
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

/** Whether it may be a call of the API. */
export function asksElsewhere({ method, url }: IncomingMessage): boolean {
  return method === "POST" && (url === "/" || url?.startsWith("/?") === true);
}
