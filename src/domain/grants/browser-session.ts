/**
 * The session of a browser at a pool's pages: who has signed in there. It is fixed to an hour from the sign-in, as
 * Cognito's is, and unlike Cognito's it ends with a global sign-out, a disabling or a reset of the password.
 */
import type { Ctx } from "../../app.ts";
import { sha256, toBase64url } from "../../lib/bytes.ts";
import {
  type BrowserSession,
  deleteBrowserSession,
  insertBrowserSession,
  readBrowserSession,
} from "../../store/browser-sessions.ts";
import { inTransaction } from "../../store/db.ts";
import { readUser, type User } from "../../store/users.ts";
import { rememberHere } from "../credentials/subjects.ts";
import { demandsTwo } from "../mfa/factors.ts";
import type { Pool } from "../pools/settings.ts";
import type { Authenticated } from "../tokens/issue.ts";

/** Methods that are a second factor after another one. */
const seconds: readonly string[] = ["sms", "email", "software-token"];

/** Milliseconds. */
export const browserSessionLifetime = 60 * 60_000;

/** Somebody who has signed in at the pages, and how. */
export interface SignedInBrowser {
  readonly user: User;
  readonly methods: readonly string[];
  /** Epoch milliseconds. */
  readonly authTime: number;
}

const hashOf = (secret: string) => toBase64url(sha256(secret));

/** Begins a session and answers the secret for its cookie. */
export async function openBrowserSession(
  ctx: Ctx,
  { pool, user, methods, authTime, signOuts, remember }: Authenticated,
): Promise<string> {
  const secret = toBase64url(ctx.random(32));
  const session: BrowserSession = {
    poolId: pool.id,
    hash: hashOf(secret),
    userId: user.id,
    methods,
    signOuts,
    authTime,
    createdAt: ctx.now,
    expiresAt: ctx.now + browserSessionLifetime,
  };
  await inTransaction(ctx.db, async (tx) => {
    await insertBrowserSession(tx, session);
    if (remember) await rememberHere(tx, ctx, user);
  });
  return secret;
}

/** Who is signed in by this cookie; undefined where it stands for nobody any more. */
export async function signedInBrowser(
  ctx: Ctx,
  pool: Pool,
  secret: string | undefined,
): Promise<SignedInBrowser | undefined> {
  if (secret === undefined || secret.length > 64) return undefined;
  const session = await readBrowserSession(ctx.db, pool.id, hashOf(secret));
  if (session === undefined || session.expiresAt <= ctx.now) return undefined;
  const user = await readUser(ctx.db, pool.id, session.userId);
  if (user === undefined || !stands(pool, user, session)) return undefined;
  return { user, methods: session.methods, authTime: session.authTime };
}

function stands(pool: Pool, user: User, session: BrowserSession): boolean {
  if (!user.enabled || user.status !== "CONFIRMED" || user.signOuts !== session.signOuts) return false;
  // A second factor may be demanded since.
  const [first, ...later] = session.methods;
  const isTwo = first === "verified-passkey" || later.some((one) => one !== first && seconds.includes(one));
  return isTwo || !demandsTwo(pool, user);
}

export async function closeBrowserSession(ctx: Ctx, pool: Pool, secret: string | undefined): Promise<void> {
  if (secret !== undefined) await deleteBrowserSession(ctx.db, pool.id, hashOf(secret));
}
