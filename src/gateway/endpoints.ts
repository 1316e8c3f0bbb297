/** THE table of the gateway's own endpoints. */
import type { GatewayPaths } from "../lib/gateway-settings.ts";
import { type Asked, splitTarget } from "./asked.ts";
import type { Called, EndpointMeans, ReadBody } from "./called.ts";
import { backchannelLogout } from "./endpoints/backchannel-logout.ts";
import { health } from "./endpoints/health.ts";
import { session, validate } from "./endpoints/session.ts";
import { callback, signIn } from "./endpoints/sign-in.ts";
import { signOut } from "./endpoints/sign-out.ts";
import { isCheck } from "./paths.ts";

interface Endpoint {
  readonly methods: readonly ("GET" | "POST")[];
  readonly answer: (means: EndpointMeans, called: Called) => Promise<Response>;
}

/** `check` is answered by check.ts, which asks about another request than its own, and only to proxies of the gateway as a server. */
const endpoints: Readonly<Record<Exclude<keyof GatewayPaths, "check">, Endpoint>> = {
  signIn: { methods: ["GET"], answer: signIn },
  callback: { methods: ["GET"], answer: callback },
  signOut: { methods: ["GET", "POST"], answer: signOut },
  session: { methods: ["GET"], answer: session },
  validate: { methods: ["POST"], answer: validate },
  backchannelLogout: { methods: ["POST"], answer: backchannelLogout },
  keys: { methods: ["GET"], answer: async ({ tokens }) => Response.json(tokens.keySet) },
  health: { methods: ["GET"], answer: health },
};

/** Answers a request for an endpoint; undefined for any other path. */
export async function answerEndpoint(
  means: EndpointMeans,
  asked: Asked,
  body: ReadBody,
): Promise<Response | undefined> {
  const { path, query: rawQuery } = splitTarget(asked.target);
  const { paths } = means.settings;
  if (isCheck(paths, asked.target)) return new Response(null, { status: 404 });
  const name = (Object.keys(endpoints) as (keyof typeof endpoints)[]).find((one) => paths[one] === path);
  if (name === undefined) return undefined;
  const { methods, answer } = endpoints[name];
  const method = asked.method === "HEAD" ? "GET" : asked.method;
  if (!methods.some((one) => one === method))
    return new Response(null, { status: 405, headers: { allow: methods.join(", ") } });
  return answer(means, { asked, query: new URLSearchParams(rawQuery), rawQuery, body });
}
