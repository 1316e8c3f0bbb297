/** Middleware for Express, Fastify, Node's own server and functions of the Fetch standard: a call passes with a signature. */
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { Caller, RequestContext } from "./caller.ts";
import { callOf, verifyRequest } from "./calls.ts";
import { SignatureError } from "./signature-error.ts";
import type { Verifier } from "./verifier.ts";

/** What is used of a request of Express, which is also Node's own. */
type NodeRequest = IncomingMessage & {
  readonly ip?: string | undefined;
  readonly secure?: boolean;
};

/** What is used of a response of Express, which is also Node's own. */
interface NodeResponse {
  writeHead(status: number, headers: Record<string, string>): { end(text: string): unknown };
}

/** What is used of a request of Fastify. */
interface FastifyRequest {
  readonly raw: IncomingMessage;
  readonly ip: string;
  readonly protocol: string;
}

/** What is used of a reply of Fastify. */
interface FastifyReply {
  code(status: number): { headers(headers: Record<string, string>): { send(text: string): unknown } };
}

interface Known {
  caller?: Caller;
  /** As API Gateway's; set if the verifier has an API. */
  requestContext?: RequestContext;
}

/** What a call needs besides a signature. */
type Need = (caller: Caller) => void;
const nothing: Need = () => {};
const invocation: Need = (caller) => caller.authorizeInvoke();

/**
 * Middleware for Express, Connect and Node's own server. `requireSignature()` lets signed calls pass; `requireInvoke()` those whose
 * policies allow `execute-api:Invoke` of the method and path. Who calls is then in `callerOf(request)`, and
 * `request.requestContext` is that of API Gateway; the raw body is in `request.rawBody`. Put it before parsers of bodies, or give
 * these `keepRawBody`. A call that is refused is answered as API Gateway does.
 */
export function forExpress(verifier: Verifier) {
  const passing =
    (need: Need) =>
    (request: NodeRequest, response: NodeResponse, next: (error?: unknown) => void): void => {
      const call = callOf(verifier, request, { sourceIp: request.ip, isSecure: request.secure });
      verifier
        .verify(call)
        .then((caller) => pass(verifier, request, caller, need))
        .then(
          () => next(),
          (error: unknown) =>
            error instanceof SignatureError ? refuse(error, request, response) : next(error),
        );
    };
  return both(verifier, passing);
}

function refuse({ answer }: SignatureError, request: NodeRequest, response: NodeResponse): void {
  response.writeHead(answer.status, { ...answer.headers }).end(answer.body);
  // What is left of the body is read, so that the client reads the answer.
  request.resume();
}

/**
 * Hooks for Fastify: `app.addHook("preParsing", requireInvoke())`, or `preParsing` of a route. They read the body, which Fastify then
 * parses as usual. Otherwise as `forExpress`.
 */
export function forFastify(verifier: Verifier) {
  const passing =
    (need: Need) =>
    async (request: FastifyRequest, reply: FastifyReply, payload: Readable): Promise<unknown> => {
      const { raw, ip: sourceIp, protocol } = request;
      try {
        const call = callOf(verifier, raw, { sourceIp, isSecure: protocol === "https" }, payload);
        const caller = await verifier.verify(call);
        pass(verifier, request, caller, need);
      } catch (error) {
        if (!(error instanceof SignatureError)) throw error;
        const { status, headers, body } = error.answer;
        return reply
          .code(status)
          .headers({ ...headers })
          .send(body);
      }
      const { rawBody } = raw as { rawBody?: Uint8Array };
      if (rawBody === undefined) return payload;
      const again = Readable.from(rawBody.length === 0 ? [] : [rawBody]);
      return Object.assign(again, { receivedEncodedLength: rawBody.length });
    };
  return both(verifier, passing);
}

/** Answers a request of the Fetch standard for whoever signed it. */
export type SignedHandler = (request: Request, caller: Caller) => Response | Promise<Response>;

/**
 * Wraps handlers of the Fetch standard: `requireInvoke()((request, caller) => Response.json(…))`. Otherwise as `forExpress`, but the
 * caller's address is not known; `verifyRequest` takes it.
 */
export function forFetch(verifier: Verifier) {
  const passing =
    (need: Need) =>
    (handler: SignedHandler) =>
    async (request: Request): Promise<Response> => {
      let caller: Caller;
      try {
        caller = await verifyRequest(verifier, request);
        need(caller);
      } catch (error) {
        if (!(error instanceof SignatureError)) throw error;
        const { status, headers, body } = error.answer;
        return new Response(body, { status, headers });
      }
      return handler(request, caller);
    };
  return both(verifier, passing);
}

function both<Middleware>(verifier: Verifier, passing: (need: Need) => Middleware) {
  return {
    requireSignature: (): Middleware => passing(nothing),
    /** @throws TypeError if the verifier's options name no API */
    requireInvoke: (): Middleware => {
      if (!verifier.hasApi)
        throw new TypeError("requireInvoke() needs a verifier whose options name an api.");
      return passing(invocation);
    },
  };
}

function pass(verifier: Verifier, request: object, caller: Caller, need: Need): void {
  need(caller);
  const known = request as Known;
  known.caller = caller;
  if (verifier.hasApi) known.requestContext = caller.requestContext;
}

/** Who made a call that has passed. @throws TypeError if the route has neither requireSignature nor requireInvoke */
export function callerOf(request: object): Caller {
  const { caller } = request as Known;
  if (caller === undefined)
    throw new TypeError("No requireSignature() or requireInvoke() comes before this.");
  return caller;
}
