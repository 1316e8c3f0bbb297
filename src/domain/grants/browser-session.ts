/**
 * The session of a browser at a pool's pages: who has signed in there. Every client of the pool lets them in by it: for
 * an hour from the sign-in, or as long as the client was set to (user-pools/session-settings.ts). Unlike Cognito's it ends with
 * a global sign-out, a disabling and another password (docs/security-model.md, "What ends what").
 */
import type { Ctx } from "../../app.ts";
import { sha256, toBase64url } from "../../lib/bytes.ts";
import {
  type BrowserSession,
  endBrowser,
  evictBrowserSessions,
  putBrowserSession,
  readBrowserSession,
  type TrackedBrowser,
  touchBrowserSession,
} from "../../store/browser-sessions.ts";
import { longestSsoMinutes } from "../../store/clients.ts";
import { type Db, inTransaction } from "../../store/db.ts";
import { findDevice } from "../../store/devices.ts";
import { queueForUser } from "../../store/token-sessions.ts";
import { readUser, type User } from "../../store/users.ts";
import { rememberHere } from "../credentials/subjects.ts";
import { areTwo, demandsTwo } from "../mfa/factors.ts";
import type { Authenticated } from "../tokens/issue.ts";
import { newSessionId, seenFrom } from "../tokens/session-tracking.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { keptMinutes, tracksSessions } from "../user-pools/session-settings.ts";
import { replacesMfa } from "../users/devices.ts";
import { refuseOAuth } from "./oauth-error.ts";

/** A method that names the device which stood for the second factor. */
const byDevice = "device:";

/** Of one user; the least recently used ones end when another begins. AdminListUserSessions tells up to 100 + 25. */
const mostTracked = 25;

/** Somebody who has signed in at the pages, and how. */
export interface SignedInBrowser {
  readonly user: User;
  readonly methods: readonly string[];
  /** Epoch milliseconds. */
  readonly authTime: number;
  /** Of the password that was proven, or that the user had: what comes of it is good only while they have it. */
  readonly credentialVersion: number;
  /** Which browser it is: codes are good while its session is there. */
  readonly browserHash: string;
  /** Which sign-in in that browser. */
  readonly hash: string;
  /** The session of the browser, where the pool tracks them. */
  readonly tracked?: { readonly id: string } | undefined;
}

export interface OpenedBrowser {
  readonly cookie: string;
  /** Milliseconds. */
  readonly lifetime: number;
  readonly browser: SignedInBrowser;
}

const hashOf = (secret: string) => toBase64url(sha256(secret));

/** `<name of the browser>.<secret of the sign-in>`; cookies of former programs are the name alone. */
const cookieForm = /^[\w-]{1,64}(?:\.[\w-]{1,64})?$/;

/** The browser that a cookie names, whether or not it still opens anything. */
function browserOf(cookie: string | undefined): string | undefined {
  return cookie !== undefined && cookieForm.test(cookie) ? cookie.split(".")[0] : undefined;
}

/**
 * Begins a session, in place of the one that the browser has. Where the pool tracks them, a user who signs in again where
 * they are signed in goes on with theirs.
 * @param former the browser's cookie: what it has opened is over, also where another sign-in of the same moment has
 */
export async function openBrowserSession(
  ctx: Ctx,
  authenticated: Authenticated,
  former: string | undefined,
): Promise<OpenedBrowser> {
  const { pool, user, authTime, signOuts, credentialVersion, remember, deviceKey } = authenticated;
  const methods = authenticated.methods.map((method) =>
    method === "device" ? `${byDevice}${deviceKey}` : method,
  );
  const browser = browserOf(former) ?? toBase64url(ctx.random(16));
  const cookie = `${browser}.${toBase64url(ctx.random(32))}`;
  const tracks = tracksSessions(pool);
  const longest = tracks ? await longestSsoMinutes(ctx.db, pool.id) : undefined;
  const lifetime = keptMinutes(longest) * 60_000;
  const session: BrowserSession = {
    poolId: pool.id,
    hash: hashOf(cookie),
    browserHash: hashOf(browser),
    userId: user.id,
    methods,
    signOuts,
    credentialVersion,
    authTime,
    createdAt: ctx.now,
    expiresAt: ctx.now + lifetime,
    tracked: tracks ? trackedBrowser(ctx, authenticated) : undefined,
  };
  const id = await inTransaction(ctx.db, async (tx) => {
    const stored = await storeSession(tx, session);
    if (remember) await rememberHere(tx, ctx, user);
    return stored;
  });
  const { hash, browserHash } = session;
  const tracked = id === undefined ? undefined : { id };
  const opened = { user, methods, authTime, credentialVersion, browserHash, hash, tracked };
  return { cookie, lifetime, browser: opened };
}

function trackedBrowser(ctx: Ctx, { client }: Authenticated): TrackedBrowser {
  return { id: newSessionId(ctx, "sso"), clientId: client.id, ...seenFrom(ctx), activeAt: ctx.now };
}

/** The id of a tracked session: that of before where it goes on. */
async function storeSession(tx: Db, session: BrowserSession): Promise<string | undefined> {
  if (session.tracked !== undefined) await queueForUser(tx, session);
  const id = await putBrowserSession(tx, session);
  if (id !== undefined && id === session.tracked?.id) await evictBrowserSessions(tx, session, mostTracked);
  return id;
}

/** Who is signed in by this cookie; undefined where it stands for nobody any more. */
export async function signedInBrowser(
  ctx: Ctx,
  pool: Pool,
  cookie: string | undefined,
): Promise<SignedInBrowser | undefined> {
  if (cookie === undefined || browserOf(cookie) === undefined) return undefined;
  const session = await readBrowserSession(ctx.db, pool.id, hashOf(cookie));
  if (session === undefined || session.expiresAt <= ctx.now) return undefined;
  const user = await readUser(ctx.db, pool.id, session.userId);
  if (user === undefined || !(await stands(ctx, pool, user, session))) return undefined;
  const { methods, authTime, credentialVersion, hash, browserHash, tracked } = session;
  const isTracked = tracked !== undefined && tracksSessions(pool);
  const place = isTracked ? { id: tracked.id } : undefined;
  return { user, methods, authTime, credentialVersion, browserHash, hash, tracked: place };
}

/**
 * Stores what is granted through a session. In a pool that tracks them in one transaction, with a note of the session's
 * use, and only if it was not revoked meanwhile. Throws access_denied then, and when `store` answers false.
 */
export async function throughBrowser(
  ctx: Ctx,
  pool: Pool,
  browser: SignedInBrowser,
  store: (db: Db) => Promise<boolean>,
): Promise<void> {
  const stored = tracksSessions(pool) ? await storeWhileOpen(ctx, pool, browser, store) : await store(ctx.db);
  if (!stored) refuseOAuth("access_denied", "The sign-in is no longer valid.");
}

function storeWhileOpen(
  ctx: Ctx,
  pool: Pool,
  { tracked, hash }: SignedInBrowser,
  store: (tx: Db) => Promise<boolean>,
): Promise<boolean> {
  const place = tracked && { poolId: pool.id, hash };
  const seen = { ...seenFrom(ctx), activeAt: ctx.now };
  return inTransaction(ctx.db, async (tx) => {
    // What began before the pool tracked sessions has nothing to note, and cannot be revoked by itself.
    if (place !== undefined && !(await touchBrowserSession(tx, place, seen))) return false;
    return store(tx);
  });
}

/** Whether a sign-in at the pages, or a code that came through it, still stands for this user. */
export async function stands(
  ctx: Ctx,
  pool: Pool,
  user: User,
  session: Pick<BrowserSession, "methods" | "signOuts">,
): Promise<boolean> {
  if (!user.enabled || user.status !== "CONFIRMED" || user.signOuts !== session.signOuts) return false;
  // A second factor may be demanded since.
  if (areTwo(session.methods) || !demandsTwo(pool, user)) return true;
  // And a device be forgotten.
  const [key] = session.methods.flatMap((one) =>
    one.startsWith(byDevice) ? one.slice(byDevice.length) : [],
  );
  return key !== undefined && replacesMfa(pool, await findDevice(ctx.db, pool.id, user.id, key));
}

/** Ends what this browser is signed in by, also where its cookie is that of a former sign-in. */
export async function closeBrowserSession(ctx: Ctx, pool: Pool, cookie: string | undefined): Promise<void> {
  const browser = browserOf(cookie);
  if (browser !== undefined) await endBrowser(ctx.db, pool.id, hashOf(browser));
}
