import type { Request, RequestHandler } from "express";
import session, { type SessionData } from "express-session";

/**
 * Sessions in memory, of which one that has ended stays ended. express-session writes a changed session at the end of its
 * request: a request that still runs while its user signs out would bring the session back.
 */
export class Sessions extends session.MemoryStore {
  declare readonly sessions: Readonly<Record<string, string>>;
  readonly #loaded = new WeakSet<object>();

  override createSession(...from: Parameters<session.Store["createSession"]>) {
    const loaded = super.createSession(...from);
    this.#loaded.add(loaded);
    return loaded;
  }

  override set(id: string, data: SessionData, done?: (error?: unknown) => void) {
    if (this.#loaded.has(data) && !(id in this.sessions)) done?.();
    else super.set(id, data, done);
  }
}

/**
 * Reads the session once more after a wait, in which another request may have changed it. False: it has ended in the
 * meantime, as by a sign-out.
 */
export function isStillThere(request: Request): Promise<boolean> {
  return new Promise((resolve) => request.session.reload((error) => resolve(!error)));
}

/** Answers to browsers that come back from the pool, each until it has been sent, by session. */
const returning = new Map<string, Promise<void>>();

/**
 * Lets the tabs of a browser that come back from the pool at the same moment take turns. They share a session, and the code
 * of a sign-in is good for one exchange. Who comes after a sign-in of another tab is signed in, and led to the start page.
 */
export const inTurn: RequestHandler = async (request, response, next) => {
  const { sessionID } = request;
  const before = returning.get(sessionID);
  const answered = new Promise<void>((resolve) => response.once("close", resolve));
  returning.set(sessionID, answered);
  void answered.then(() => {
    if (returning.get(sessionID) === answered) returning.delete(sessionID);
  });
  await before;
  if (before === undefined || (await isStillThere(request))) next();
  else response.redirect("/");
};
