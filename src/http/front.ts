/**
 * The one way in for all requests: what is asked of each before anything is routed, and which of two ways it then goes.
 * Calls of programs (the API, and the authorization server's endpoints for them) are answered on Node's own objects,
 * everything else by Hono's routes: its Request and Response would cost more than reading the user of an access token.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Serving } from "./context.ts";
import { answersHealth } from "./health.ts";
import { createHostCheck } from "./hosts.ts";
import type { Listener } from "./listen.ts";
import { answerNothingHere } from "./nothing-here.ts";
import type { OverloadGuard } from "./overload.ts";
import { hasNormalPath } from "./request-target.ts";

export interface Ways {
  /** Calls of the API at one of the server's own hosts. It admits them itself, as it answers refusals in its own way. */
  readonly api: Listener;
  /** Calls of the Query protocol at one of the server's own hosts, which it admits itself, too. */
  readonly query: Listener;
  readonly isQueryCall: (incoming: IncomingMessage) => boolean;
  /** Answers calls of OAuth clients at one of the server's own hosts; returns false for everything else. */
  readonly oauth: (incoming: IncomingMessage, outgoing: ServerResponse) => boolean;
  /** Everything else. */
  readonly routes: Listener;
  /** Whether a request is for a route that takes paths in another than the normal form. */
  readonly hasOwnPath: (incoming: IncomingMessage) => boolean;
  /** What a browser is shown where a path leads nowhere, given its Accept-Language header. */
  readonly notFoundPage: (language: string | undefined) => string;
}

/** Creates the listener that every request goes through, once listen.ts has found that it names one host. */
export function createFront(
  serving: Serving,
  guard: OverloadGuard,
  { api, query, isQueryCall, oauth, routes, hasOwnPath, notFoundPage }: Ways,
): Listener {
  const knowsHost = createHostCheck(serving.app.config);
  const answer: Listener = (incoming, outgoing) => {
    const { host } = incoming.headers;
    if (isQueryCall(incoming) && knowsHost(host)) query(incoming, outgoing);
    else if (isApiCall(incoming) && knowsHost(host)) api(incoming, outgoing);
    else if (guard.refuses(incoming, outgoing)) return;
    else if (oauth(incoming, outgoing)) return;
    else if (hasOwnPath(incoming) || hasNormalPath(incoming)) routes(incoming, outgoing);
    else answerNothingHere(incoming, outgoing, notFoundPage);
  };
  return (incoming, outgoing) => {
    if (answersHealth(serving, incoming, outgoing)) return;
    serving.turns.take({
      incoming,
      address: () => serving.network(incoming),
      answer: () => answer(incoming, outgoing),
      refuse: () => guard.refuse(incoming, outgoing),
    });
  };
}

/** Whether a request may be a call of the API. */
function isApiCall({ method, url }: IncomingMessage): boolean {
  return method === "POST" && (url === "/" || url?.startsWith("/?") === true);
}
