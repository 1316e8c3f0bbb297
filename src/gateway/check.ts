/**
 * The endpoint that proxies ask about each request: nginx `auth_request`, Caddy `forward_auth`, Traefik ForwardAuth, and
 * Envoy's ext_authz over HTTP. They differ in how they name the request and in what they make of the answer.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Decision } from "./admission.ts";
import type { Asked } from "./asked.ts";
import type { Gateway } from "./gateway.ts";
import type { Received } from "./node-request.ts";
import { isCheck } from "./paths.ts";
import { answerRefused } from "./refused.ts";
import { applicationOf } from "./rules.ts";
import { send } from "./send.ts";

interface Manner {
  /** The headers that name the request; none if it is named by the path below the endpoint. */
  readonly named: { readonly target: string; readonly method: string } | undefined;
  /** Whether any answer but 2xx is given to the browser as it is; else only 401 and 403 are understood. */
  readonly passesAnswers: boolean;
}

/** nginx, as set in its configuration; Caddy and Traefik; Envoy, with the endpoint as `path_prefix`. */
const manners: readonly Manner[] = [
  { named: { target: "x-original-uri", method: "x-original-method" }, passesAnswers: false },
  { named: { target: "x-forwarded-uri", method: "x-forwarded-method" }, passesAnswers: true },
  { named: undefined, passesAnswers: true },
];

interface Question {
  readonly asked: Asked;
  readonly passesAnswers: boolean;
}

/**
 * Answers the question of a proxy; false if the request is none. Only trusted proxies are answered, and only about applications
 * that the gateway does not pass requests on to itself: the answer has the headers that prove who the user is, which a script
 * of an application's page could otherwise ask for and read.
 */
export async function answerCheck(
  gateway: Gateway,
  received: Received,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<boolean> {
  const { applications, paths } = gateway.settings;
  if (!isCheck(paths, received.target)) return false;
  if (applicationOf(applications, received.host)?.upstream !== undefined) return false;
  const question = received.isFromProxy
    ? questionIn(received, received.target.slice(paths.check.length))
    : undefined;
  if (question !== undefined) await answerAbout(gateway, question, incoming, outgoing);
  else await send(incoming, outgoing, notAnswered(received));
  return true;
}

function notAnswered({ isFromProxy }: Received): Response {
  if (!isFromProxy) return new Response(null, { status: 403 });
  const error = "The request to check is not named, or in two ways.";
  return Response.json({ error }, { status: 400 });
}

/**
 * What is asked. Proxies pass the client's own headers on with their question, so a request that is named in two manners may
 * be named by the client in one of them: it is none.
 * @param rest the target below the endpoint
 */
function questionIn(received: Received, rest: string): Question | undefined {
  const found = manners.flatMap(({ named, passesAnswers }) => {
    if (named === undefined)
      return rest.startsWith("/") ? [{ asked: { ...received, target: rest }, passesAnswers }] : [];
    const target = received.header(named.target);
    const method = received.header(named.method);
    if (target === undefined) return [];
    return [{ asked: method === undefined ? undefined : { ...received, target, method }, passesAnswers }];
  });
  const [only] = found;
  return found.length === 1 && only?.asked !== undefined
    ? { asked: only.asked, passesAnswers: only.passesAnswers }
    : undefined;
}

async function answerAbout(
  gateway: Gateway,
  { asked, passesAnswers }: Question,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const decision = await gateway.admit(asked);
  switch (decision.kind) {
    case "pass":
      return passed(gateway, decision, await gateway.headersFor(asked, decision), passesAnswers, outgoing);
    case "sign-in": {
      const { location } = decision;
      if (passesAnswers) outgoing.writeHead(302, { location, "cache-control": "no-store" }).end();
      else outgoing.writeHead(401, { "x-auth-request-redirect": location, "content-length": 0 }).end();
      return;
    }
    case "refused": {
      const answer = answerRefused(asked, decision);
      if (passesAnswers || [401, 403, 503].includes(answer.status)) return send(incoming, outgoing, answer);
      outgoing.writeHead(403, { "content-length": 0 }).end();
    }
  }
}

/**
 * The application may get the request, with these headers. Those that say nothing are empty, since Caddy copies what is not
 * there as the name of its own variable, and so that what a client has sent is replaced. nginx passes only one header of a name on, so that for it each
 * cookie has a name of its own.
 */
function passed(
  { headerNames }: Gateway,
  { cookies }: Decision & { readonly kind: "pass" },
  headers: Readonly<Record<string, string>>,
  passesAnswers: boolean,
  outgoing: ServerResponse,
): void {
  const all: string[] = ["cache-control", "no-store", "content-length", "0"];
  for (const name in headers) all.push(name, headers[name]!);
  for (const name of headerNames) if (headers[name] === undefined) all.push(name, "");
  for (const [index, cookie] of cookies.entries())
    all.push(passesAnswers ? "set-cookie" : `x-auth-request-set-cookie-${index + 1}`, cookie);
  outgoing.writeHead(200, all).end();
}
