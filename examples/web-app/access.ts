/** Who may do what: the only table, and the guards that check requests against it. */
import type { Request, RequestHandler, Response } from "express";
import { SignedOut } from "./answer-error.ts";
import { problem } from "./pages.ts";
import { userOfSession } from "./sign-in.ts";
import { type User, userOf } from "./tokens.ts";

const groupsFor = {
  any: "everybody",
  read: ["readers", "editors"],
  write: ["editors"],
} as const satisfies Record<string, readonly string[] | "everybody">;

export type Action = keyof typeof groupsFor;

export function may({ groups }: User, action: Action): boolean {
  const allowed = groupsFor[action];
  return allowed === "everybody" || allowed.some((group) => groups.includes(group));
}

/** Admits browsers whose user may do this; signed-out users are sent to sign in. Throws SignedOut if they send a form. */
export function page(action: Action): RequestHandler {
  return async (request, response, next) => {
    const user = await userOfSession(request);
    if (user === undefined && request.method === "POST") throw new SignedOut();
    if (user === undefined) return response.redirect(303, "/sign-in");
    response.locals["user"] = user;
    if (may(user, action)) return next();
    const groups = Object.values(groupsFor[action]).join(" or ");
    const message = `This needs a group that may ${action}. Ask an administrator to add you to ${groups}.`;
    response.status(403).send(problem("Not for you", message, user, { "What your tokens say": "/tokens" }));
  };
}

/**
 * Admits programs whose user may do this: by an access token in the header (RFC 6750), or by the session of a page's
 * script.
 */
export function api(action: Action): RequestHandler {
  return async (request, response, next) => {
    const token = bearer(request);
    const user = token === undefined ? await userOfSession(request) : await userOf(token);
    if (user === undefined) {
      response.set("www-authenticate", token === undefined ? "Bearer" : 'Bearer error="invalid_token"');
      return response.status(401).json({ error: "invalid_token" });
    }
    response.locals["user"] = user;
    if (may(user, action)) return next();
    response.status(403).json({ error: "forbidden", needs: groupsFor[action] });
  };
}

const bearer = (request: Request) =>
  request.headers.authorization === undefined
    ? undefined
    : (/^Bearer ([\w.~+/=-]+)$/i.exec(request.headers.authorization)?.[1] ?? "");

/** The user whom a guard has admitted. */
export const allowed = (response: Response) => response.locals["user"] as User;
