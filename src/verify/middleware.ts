/** Middleware for Express, Fastify and Hono: a request passes with a valid token, and the groups and scopes that are asked for. */
import { type Access, checkAccess } from "./access.ts";
import { TokenError } from "./token-error.ts";
import { bearerToken, type VerifiedToken, type Verifier } from "./verifier.ts";

/** What is used of a request of Node.js. */
interface NodeRequest {
  readonly headers: { readonly authorization?: string | undefined };
}

/** What is used of Express's response, which is also Node's own. */
interface NodeResponse {
  writeHead(status: number, headers: Record<string, string>): { end(text: string): unknown };
}

/** What is used of Fastify's reply. */
interface FastifyReply {
  code(status: number): { headers(headers: Record<string, string>): { send(text: string): unknown } };
}

/** What is used of Hono's context. */
interface HonoContext {
  readonly req: { header(name: string): string | undefined };
  set(name: string, value: unknown): void;
}

interface Known {
  auth?: VerifiedToken;
}

/**
 * Middleware for Express, Connect and Node's own server: `const requireToken = forExpress(verifier)`, then
 * `app.get("/orders", requireToken({ scopes: ["orders/read"] }), …)`. The token is in `request.auth`. A request without it is
 * answered with 401, one whose token lacks a group or scope with 403, and any while nobody can tell with 503 (RFC 6750).
 * `requireToken` throws TypeError if what it is given cannot be meant.
 */
export function forExpress(verifier: Verifier) {
  return (access: Access = {}) => {
    checkAccess(access);
    return (request: NodeRequest, response: NodeResponse, next: (error?: unknown) => void): void => {
      verify(verifier, request.headers.authorization, access).then(
        (token) => {
          (request as Known).auth = token;
          next();
        },
        (error: unknown) => {
          if (!(error instanceof TokenError)) return next(error);
          const { status, headers, body } = refusal(error);
          response.writeHead(status, headers).end(body);
        },
      );
    };
  };
}

/**
 * A hook for Fastify: `app.get("/orders", { onRequest: requireToken({ scopes: ["orders/read"] }) }, …)`. The token is in
 * `request.auth`; for refusals see `forExpress`.
 */
export function forFastify(verifier: Verifier) {
  return (access: Access = {}) => {
    checkAccess(access);
    return async (request: NodeRequest, reply: FastifyReply): Promise<unknown> => {
      try {
        (request as Known).auth = await verify(verifier, request.headers.authorization, access);
        return undefined;
      } catch (error) {
        if (!(error instanceof TokenError)) throw error;
        const { status, headers, body } = refusal(error);
        return reply.code(status).headers(headers).send(body);
      }
    };
  };
}

/**
 * Middleware for Hono: `app.get("/orders", requireToken({ scopes: ["orders/read"] }), …)`. The token is in `c.get("auth")`; for
 * refusals see `forExpress`.
 */
export function forHono(verifier: Verifier) {
  return (access: Access = {}) => {
    checkAccess(access);
    // biome-ignore lint/suspicious/noConfusingVoidType: so that it fits Hono's own type
    return async (c: HonoContext, next: () => Promise<void>): Promise<Response | void> => {
      try {
        c.set("auth", await verify(verifier, c.req.header("authorization"), access));
      } catch (error) {
        if (!(error instanceof TokenError)) throw error;
        const { status, headers, body } = refusal(error);
        return new Response(body, { status, headers });
      }
      await next();
      return undefined;
    };
  };
}

/** The token of a request that has passed. @throws TypeError if the route has no `requireToken` */
export function authOf(request: object): VerifiedToken {
  const { auth } = request as Known;
  if (auth === undefined) throw new TypeError("No requireToken() comes before this.");
  return auth;
}

const verify = (verifier: Verifier, authorization: string | undefined, access: Access) =>
  verifier.verify(bearerToken(authorization), access);

/** How a refusal is answered (RFC 6750 section 3). */
function refusal(error: TokenError) {
  const { status, code, message, challenge } = error;
  return {
    status,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      ...(status === 503 ? { "retry-after": "5" } : { "www-authenticate": challenge }),
    },
    body: JSON.stringify({ error: code, error_description: message }),
  };
}
