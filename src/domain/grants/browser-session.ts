/**
 * The session of a browser at a pool's pages: who has signed in there. It lets the user in at every client of the pool,
 * for an hour after the sign-in or for as long as the client is set to (user-pools/session-settings.ts). Unlike
 * Cognito's, it ends with a global sign-out, when the user is disabled, and with a new password
 * (docs/security-model.md, "What ends what").
 */
import type { Ctx } from "../../app.ts";
import { sha256Base64url, toBase64url } from "../../lib/bytes.ts";
import {
  type BrowserSession,
  endBrowser,
  evictBrowserSessions,
  putBrowserSession,
  type TrackedBrowser,
  touchBrowserSession,
} from "../../store/browser-sessions.ts";
import { longestSsoMinutes } from "../../store/clients.ts";
import { type Db, inTransaction } from "../../store/db.ts";
import { findDevice } from "../../store/devices.ts";
import { isProviderSince } from "../../store/identity-providers.ts";
import { readBrowserSession } from "../../store/sign-in-state.ts";
import { queueForUser } from "../../store/token-sessions.ts";
import type { User } from "../../store/users.ts";
import { demandsTwo } from "../mfa/factors.ts";
import { areTwo } from "../mfa/proofs.ts";
import { rememberSignIn } from "../notices/sign-ins.ts";
import type { Authenticated } from "../tokens/issue.ts";
import { newSessionId, seenFrom } from "../tokens/session-tracking.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { admitsSignIn, providerIn } from "../user-pools/providers.ts";
import { keptMinutes, tracksSessions } from "../user-pools/session-settings.ts";
import { replacesMfa } from "../users/devices.ts";
import { refuseOAuth } from "./oauth-error.ts";

/** Prefix of a method that names the device which replaced the second factor. */
const byDevice = "device:";

/**
 * Tracked sessions per user; the least recently used ones end when another begins. AdminListUserSessions lists up to
 * 100 + 25.
 */
const mostTracked = 25;

/** A user who has signed in at the pages, and how. */
export interface SignedInBrowser {
  readonly user: User;
  readonly methods: readonly string[];
  /** When the user authenticated, here or at the identity provider. Epoch milliseconds. */
  readonly authTime: number;
  /** When the user has signed in here. */
  readonly signedInAt: number;
  /** The version of the user's password at the sign-in: what is granted by it is valid only while that is current. */
  readonly credentialVersion: number;
  /** Identifies the browser: codes are valid only while its session exists. */
  readonly browserHash: string;
  /** Identifies the sign-in in that browser. */
  readonly hash: string;
  /** The browser session, if the pool tracks them. */
  readonly tracked?: { readonly id: string } | undefined;
}

export interface OpenedBrowser {
  readonly cookie: string;
  /** Milliseconds. */
  readonly lifetime: number;
  readonly browser: SignedInBrowser;
}

const hashOf = sha256Base64url;

/** `<name of the browser>.<secret of the sign-in>`; cookies set by earlier versions consist of the name alone. */
const cookieForm = /^[\w-]{1,64}(?:\.[\w-]{1,64})?$/;

/** The browser that a cookie identifies, whether or not it is signed in. */
function browserOf(cookie: string | undefined): string | undefined {
  return cookie !== undefined && cookieForm.test(cookie) ? cookie.split(".")[0] : undefined;
}

/**
 * Starts a session in place of the browser's former one. If the pool tracks sessions and the same user signs in again,
 * the session continues.
 * @param former the browser's cookie: what was granted by it ends, even if another sign-in happens at the same moment
 * @param also further store calls of the same transaction
 */
export async function openBrowserSession(
  ctx: Ctx,
  authenticated: Authenticated,
  former: string | undefined,
  also?: (tx: Db, opened: OpenedBrowser) => Promise<void>,
): Promise<OpenedBrowser> {
  const { pool, user, authTime, signOuts, credentialVersion, deviceKey } = authenticated;
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
    signedInAt: ctx.now,
    createdAt: ctx.now,
    expiresAt: ctx.now + lifetime,
    tracked: tracks ? trackedBrowser(ctx, authenticated) : undefined,
  };
  const { hash, browserHash, signedInAt } = session;
  return inTransaction(ctx.db, async (tx) => {
    const id = await storeSession(tx, session);
    const tracked = id === undefined ? undefined : { id };
    const signedIn = { user, methods, authTime, signedInAt, credentialVersion, browserHash, hash, tracked };
    const opened = { cookie, lifetime, browser: signedIn };
    await rememberSignIn(tx, ctx, authenticated);
    await also?.(tx, opened);
    return opened;
  });
}

function trackedBrowser(ctx: Ctx, { client }: Authenticated): TrackedBrowser {
  return { id: newSessionId(ctx, "sso"), clientId: client.id, ...seenFrom(ctx), activeAt: ctx.now };
}

/** Stores the session. Returns the id of a tracked session: the former one if it continues. */
async function storeSession(tx: Db, session: BrowserSession): Promise<string | undefined> {
  if (session.tracked !== undefined) await queueForUser(tx, session);
  const id = await putBrowserSession(tx, session);
  if (id !== undefined && id === session.tracked?.id) await evictBrowserSessions(tx, session, mostTracked);
  return id;
}

/** The user signed in by this cookie; undefined if it is no longer valid. */
export async function signedInBrowser(
  ctx: Ctx,
  pool: Pool,
  cookie: string | undefined,
): Promise<SignedInBrowser | undefined> {
  if (cookie === undefined || browserOf(cookie) === undefined) return undefined;
  const { session, user } = (await readBrowserSession(ctx.db, pool.id, hashOf(cookie))) ?? {};
  if (session === undefined || session.expiresAt <= ctx.now) return undefined;
  if (user === undefined || !(await isStillValid(ctx, pool, user, session))) return undefined;
  const { methods, authTime, signedInAt, credentialVersion, hash, browserHash, tracked } = session;
  const isTracked = tracked !== undefined && tracksSessions(pool);
  const place = isTracked ? { id: tracked.id } : undefined;
  return { user, methods, authTime, signedInAt, credentialVersion, browserHash, hash, tracked: place };
}

/**
 * Stores what is granted through a session. If the pool tracks sessions, this happens in one transaction with a record
 * of the session's use, and only if it was not revoked in the meantime. Throws access_denied in that case, or if
 * `store` returns false.
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
    // A session from before tracking has nothing to record, and cannot be revoked individually.
    if (place !== undefined && !(await touchBrowserSession(tx, place, seen))) return false;
    return store(tx);
  });
}

/**
 * Whether a sign-in at the pages, or a code issued through it, is still valid for this user.
 * @param client undefined if it is not known which one is asking
 */
export async function isStillValid(
  ctx: Ctx,
  pool: Pool,
  user: User,
  session: Pick<BrowserSession, "methods" | "signOuts" | "signedInAt">,
  client?: Pick<Client, "document">,
): Promise<boolean> {
  if (!user.enabled || user.signOuts !== session.signOuts) return false;
  if (client !== undefined && !admitsSignIn(client, session.methods)) return false;
  const provider = providerIn(session.methods);
  if (provider !== undefined) {
    // The provider decides how users prove who they are: no second factor is asked for here.
    if (user.status !== "CONFIRMED" && user.status !== "EXTERNAL_PROVIDER") return false;
    return isProviderSince(ctx.db, pool.id, provider, session.signedInAt);
  }
  if (user.status !== "CONFIRMED") return false;
  // A second factor may have become required.
  if (areTwo(session.methods) || !demandsTwo(pool, user)) return true;
  // A device may have been forgotten.
  const [key] = session.methods.flatMap((one) =>
    one.startsWith(byDevice) ? one.slice(byDevice.length) : [],
  );
  return key !== undefined && replacesMfa(pool, await findDevice(ctx.db, pool.id, user.id, key));
}

/** What identifies the browser of a cookie (SignedInBrowser.browserHash), even if the cookie is that of a former sign-in. */
export function browserHashOf(cookie: string | undefined): string | undefined {
  const browser = browserOf(cookie);
  return browser === undefined ? undefined : hashOf(browser);
}

/** Signs this browser out, even if its cookie is that of a former sign-in. */
export async function closeBrowserSession(ctx: Ctx, pool: Pool, cookie: string | undefined): Promise<void> {
  const browserHash = browserHashOf(cookie);
  if (browserHash !== undefined) await endBrowser(ctx.db, pool.id, browserHash);
}
