/** What applications that keep browsers signed in owe them: sessions that end, careful headers, and forms of their own. */
import type { Request, RequestHandler } from "express";
import session, { type SessionData } from "express-session";
import { problem } from "./pages.ts";
import { setting } from "./settings.ts";

/**
 * Sessions in this process's memory, which is enough for an example: several processes, or one whose sessions must survive
 * a restart, need another store. A request that is still running when its session is destroyed does not bring it back.
 */
class Sessions extends session.MemoryStore {
  declare readonly sessions: Readonly<Record<string, string>>;
  readonly #loaded = new WeakSet<object>();

  override createSession(...given: Parameters<session.Store["createSession"]>) {
    const loaded = super.createSession(...given);
    this.#loaded.add(loaded);
    return loaded;
  }

  override set(id: string, data: SessionData, done?: (error?: unknown) => void): void {
    const isGone = this.#loaded.has(data) && !(id in this.sessions);
    if (isGone) done?.();
    else super.set(id, data, done);
  }
}

/** Sessions of an application at this URL. The browser only holds a random id. */
export function sessions(name: string, { protocol }: URL): RequestHandler {
  const isSecure = protocol === "https:";
  return session({
    // Over https, no other host and no plain connection can set it.
    name: isSecure ? `__Host-${name}` : name,
    secret: setting("SESSION_SECRET"),
    store: new Sessions(),
    resave: false,
    saveUninitialized: false,
    proxy: isSecure,
    cookie: { path: "/", httpOnly: true, sameSite: "lax", secure: isSecure },
  });
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

/**
 * Pages run no script and are cached nowhere, so that the back button shows nothing after signing out.
 * @param pool the origin of the pool's pages, to which a form may lead
 */
export const headers =
  (pool: string): RequestHandler =>
  (_request, response, next) => {
    response.set({
      "cache-control": "no-store",
      "content-security-policy": `default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self' ${pool}`,
      "referrer-policy": "same-origin",
      "x-content-type-options": "nosniff",
    });
    next();
  };

/** Whether a request is for the API. As routes do, this ignores case. */
export const isForApi = ({ path }: Request) => /^\/api(?:\/|$)/i.test(path);

/** Changes authorized by a cookie must come from the application's own pages. */
export const ownPagesOnly =
  ({ origin }: URL): RequestHandler =>
  (request, response, next) => {
    const changes = request.method !== "GET" && request.method !== "HEAD";
    // The API takes a token if there is one, which no other site can send; pages look at the cookie alone, whatever else
    // comes along.
    const byCookie = !isForApi(request) || request.headers.authorization === undefined;
    if (!changes || !byCookie || request.headers.origin === origin) return next();
    response.status(403);
    if (isForApi(request)) response.json({ error: "forbidden" });
    else response.send(problem("Not from here", "This form was sent by another website."));
  };
