/**
 * Answers calls of the endpoints for programs at the main host on Node's own objects, as those of the API are:
 * Hono's Request and Response, and finding the route, would cost about as much as reading the user of an access token.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Serving } from "../context.ts";
import { createPlainCheck, guardHeaders } from "../headers.ts";
import { createHostCheck } from "../hosts.ts";
import { poolIdPattern } from "../place.ts";
import { discardRest } from "../unread.ts";
import { answerProgram, anyOrigin, forPrograms, type ProgramEndpoint } from "./routes.ts";

/** Answers a request if it is a call of these endpoints, by one of their methods; otherwise returns false. */
export type Door = (incoming: IncomingMessage, outgoing: ServerResponse) => boolean;

const target = new RegExp(`^/(${poolIdPattern})(${Object.keys(forPrograms).join("|")})(?:[?]|$)`);

/** Creates the door, for the server's own hosts; what it leaves is answered by routes.ts. */
export function oauthDoor(serving: Serving): Door {
  const knowsHost = createHostCheck(serving.app.config);
  const isPlain = createPlainCheck(serving);
  const always = { ...guardHeaders(serving.app.config), ...anyOrigin };
  return (incoming, outgoing) => {
    const { method, url = "" } = incoming;
    const [, poolId, path] = target.exec(url) ?? [];
    const endpoint = path === undefined ? undefined : forPrograms[path];
    if (poolId === undefined || endpoint === undefined) return false;
    if (!endpoint.methods.some((one) => one === method)) return false;
    if (!knowsHost(incoming.headers.host) || isPlain(incoming)) return false;
    answerCall(serving, { incoming, outgoing, poolId, endpoint, always }).catch((error: unknown) => {
      serving.app.log.error({ err: error }, "internal error");
      outgoing.destroy();
    });
    return true;
  };
}

interface Called {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly poolId: string;
  readonly endpoint: ProgramEndpoint;
  readonly always: Readonly<Record<string, string>>;
}

async function answerCall(
  serving: Serving,
  { poolId, endpoint, always, ...exchange }: Called,
): Promise<void> {
  const { incoming, outgoing } = exchange;
  const ctx = serving.context(incoming);
  const readBody = (limit: number) => serving.bodies.read(exchange, ctx.network ?? ctx.address, limit);
  const { status, headers, body } = await answerProgram(ctx, { incoming, poolId, readBody }, endpoint);
  if (!incoming.complete) discardRest(incoming, outgoing);
  outgoing.writeHead(status, { ...always, ...headers, "content-length": Buffer.byteLength(body) });
  outgoing.end(body);
}
