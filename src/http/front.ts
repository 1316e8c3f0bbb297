/**
 * The one way in for all requests: what is asked of each before anything is routed, and which of two ways it then goes.
 * Calls of the API are answered on Node's own objects, everything else by Hono's routes: its Request and Response would
 * cost more than reading the user of an access token.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Serving } from "./context.ts";
import { answersHealth } from "./health.ts";
import { createHostCheck } from "./hosts.ts";
import type { Listener } from "./listen.ts";
import type { OverloadGuard } from "./overload.ts";
import { hasNormalPath } from "./request-target.ts";

export interface Ways {
  /** Calls of the API at one of the server's own hosts. It admits them itself, as it answers refusals in its own way. */
  readonly api: Listener;
  /** The question of browsers whether they may call the API. */
  readonly preflight: Listener;
  /** Calls of the Query protocol at one of the server's own hosts, which it admits itself, too. */
  readonly query: Listener;
  readonly isQueryCall: (incoming: IncomingMessage) => boolean;
  /** Answers what monitors the server, at any host. Returns false if the request was for something else. */
  readonly probes: (incoming: IncomingMessage, outgoing: ServerResponse) => boolean;
  /** Everything else. */
  readonly routes: Listener;
  /** Whether a request is for a route that takes paths in another than the normal form. */
  readonly hasOwnPath: (incoming: IncomingMessage) => boolean;
  /** Answers where a path leads nowhere. */
  readonly nothingHere: Listener;
}

/** Creates the listener that every request goes through, once listen.ts has found that it names one host. */
export function createFront(
  serving: Serving,
  guard: OverloadGuard,
  { api, preflight, query, isQueryCall, probes, routes, hasOwnPath, nothingHere }: Ways,
): Listener {
  const knowsHost = createHostCheck(serving.app.config);
  const answer: Listener = (incoming, outgoing) => {
    const { host } = incoming.headers;
    if (isQueryCall(incoming) && knowsHost(host)) query(incoming, outgoing);
    else if (isApiCall(incoming) && knowsHost(host)) api(incoming, outgoing);
    else if (guard.refuses(incoming, outgoing)) return;
    else if (probes(incoming, outgoing)) return;
    else if (isPreflight(incoming) && knowsHost(host)) preflight(incoming, outgoing);
    else if (hasOwnPath(incoming) || hasNormalPath(incoming)) routes(incoming, outgoing);
    else nothingHere(incoming, outgoing);
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

const isForRoot = ({ url }: IncomingMessage) => url === "/" || url?.startsWith("/?") === true;

/** Whether a request may be a call of the API. */
function isApiCall(incoming: IncomingMessage): boolean {
  return incoming.method === "POST" && isForRoot(incoming);
}

/** Whether a browser asks if it may call the API. */
function isPreflight(incoming: IncomingMessage): boolean {
  return incoming.method === "OPTIONS" && isForRoot(incoming);
}
