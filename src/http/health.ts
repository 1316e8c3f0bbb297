/** /healthz: the process is running. /readyz: the database answers and is migrated. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { answerJson } from "./answer-json.ts";
import type { Serving } from "./context.ts";

const isProbe = ({ method }: IncomingMessage) => method === "GET" || method === "HEAD";

/**
 * Answers /readyz.
 * @param ready rejects if the database does not answer
 * @returns false if the request was for something else
 */
export function answersReady(
  ready: () => Promise<void>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): boolean {
  if (!/^\/readyz(?:\?|$)/.test(incoming.url ?? "") || !isProbe(incoming)) return false;
  ready().then(
    () => answerJson(outgoing, 200, { status: "ready" }),
    () => answerJson(outgoing, 503, { status: "not ready" }),
  );
  return true;
}

const up = JSON.stringify({ status: "ok" });

/**
 * Answers /healthz, before anything else and for everybody: a prober that gets no answer may kill the process, and may
 * share an attacker's address. The request counts like any other; an address beyond its share is then left unread for a
 * moment.
 * @returns false if the request was for something else
 */
export function answersHealth(
  { admission, network }: Serving,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): boolean {
  const { url = "", socket } = incoming;
  if (!/^\/healthz(?:\?|$)/.test(url) || !isProbe(incoming)) return false;
  const admitted = admission.admits(network(incoming));
  outgoing.writeHead(200, { "content-type": "application/json", "content-length": up.length });
  outgoing.end(up, admitted ? undefined : () => admission.hold(socket));
  return true;
}
