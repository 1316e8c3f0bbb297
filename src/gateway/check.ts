/**
 * The endpoint that proxies ask about each request: nginx `auth_request`, Caddy `forward_auth`, Traefik ForwardAuth, and
 * Envoy's ext_authz over HTTP. They differ in how they name the request and in what they make of the answer.
 */

import type { Decision } from "./admission.ts";
import { type Asked, splitTarget } from "./asked.ts";
import type { Gateway } from "./gateway.ts";
import type { Received } from "./node-request.ts";
import { answerRefused } from "./refused.ts";

interface Manner {
  /** The request that is asked about; undefined if it is not named in this manner. */
  readonly about: (received: Received, rest: string) => Asked | undefined;
  /** Whether any answer but 2xx is given to the browser as it is; else only 401 and 403 are understood. */
  readonly passesAnswers: boolean;
}

const manners: readonly Manner[] = [
  // nginx: X-Original-URI and X-Original-Method, as set in its configuration.
  {
    about: (received) => {
      const target = received.header("x-original-uri");
      return target === undefined
        ? undefined
        : { ...received, target, method: received.header("x-original-method") ?? "GET" };
    },
    passesAnswers: false,
  },
  // Caddy and Traefik.
  {
    about: (received) => {
      const target = received.header("x-forwarded-uri");
      return target === undefined
        ? undefined
        : { ...received, target, method: received.header("x-forwarded-method") ?? "GET" };
    },
    passesAnswers: true,
  },
  // Envoy, with the endpoint as path_prefix: the request itself, below it.
  {
    about: (received, rest) => (rest === "" ? undefined : { ...received, target: rest }),
    passesAnswers: true,
  },
];

/** Answers the question of a proxy; undefined if the request is none. Only trusted proxies are answered. */
export async function answerCheck(gateway: Gateway, received: Received): Promise<Response | undefined> {
  const { path, query } = splitTarget(received.target);
  const own = gateway.settings.paths.check;
  if (path !== own && !path.startsWith(`${own}/`)) return undefined;
  if (!received.isFromProxy) return new Response(null, { status: 403 });
  const rest = path.slice(own.length) + (query === "" ? "" : `?${query}`);
  for (const { about, passesAnswers } of manners) {
    const asked = about(received, path === own ? "" : rest);
    if (asked !== undefined) return answerAbout(gateway, asked, passesAnswers);
  }
  return Response.json({ error: "The request to check is not named." }, { status: 400 });
}

async function answerAbout(gateway: Gateway, asked: Asked, passesAnswers: boolean): Promise<Response> {
  const decision = await gateway.admit(asked);
  switch (decision.kind) {
    case "pass":
      return passed(decision, await gateway.headersFor(asked, decision));
    case "sign-in":
      return passesAnswers
        ? new Response(null, {
            status: 302,
            headers: { location: decision.location, "cache-control": "no-store" },
          })
        : new Response(null, { status: 401, headers: { "x-auth-request-redirect": decision.location } });
    case "refused": {
      const answer = answerRefused(asked, decision);
      if (passesAnswers || answer.status === 401 || answer.status === 403) return answer;
      return new Response(null, { status: answer.status === 503 ? 503 : 403 });
    }
  }
}

function passed(
  { cookies }: Decision & { readonly kind: "pass" },
  headers: Record<string, string>,
): Response {
  const answer = new Headers({ ...headers, "cache-control": "no-store" });
  for (const cookie of cookies) answer.append("set-cookie", cookie);
  return new Response(null, { status: 200, headers: answer });
}
