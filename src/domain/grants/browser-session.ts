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
import { findDevice } from "../../store/devices.ts";
import { readUser, type User } from "../../store/users.ts";
import { rememberHere } from "../credentials/subjects.ts";
import { areTwo, demandsTwo } from "../mfa/factors.ts";
import type { Pool } from "../pools/settings.ts";
import type { Authenticated } from "../tokens/issue.ts";
import { replacesMfa } from "../users/devices.ts";

/** A method that names the device which stood for the second factor. */
const byDevice = "device:";

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
  { pool, user, methods, authTime, signOuts, remember, deviceKey }: Authenticated,
): Promise<string> {
  const secret = toBase64url(ctx.random(32));
  const session: BrowserSession = {
    poolId: pool.id,
    hash: hashOf(secret),
    userId: user.id,
    methods: methods.map((method) => (method === "device" ? `${byDevice}${deviceKey}` : method)),
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
  if (user === undefined || !(await stands(ctx, pool, user, session))) return undefined;
  return { user, methods: session.methods, authTime: session.authTime };
}

async function stands(ctx: Ctx, pool: Pool, user: User, session: BrowserSession): Promise<boolean> {
  if (!user.enabled || user.status !== "CONFIRMED" || user.signOuts !== session.signOuts) return false;
  // A second factor may be demanded since.
  if (areTwo(session.methods) || !demandsTwo(pool, user)) return true;
  // And a device be forgotten.
  const [key] = session.methods.flatMap((one) =>
    one.startsWith(byDevice) ? one.slice(byDevice.length) : [],
  );
  return key !== undefined && replacesMfa(pool, await findDevice(ctx.db, pool.id, user.id, key));
}

export async function closeBrowserSession(ctx: Ctx, pool: Pool, secret: string | undefined): Promise<void> {
  if (secret !== undefined) await deleteBrowserSession(ctx.db, pool.id, hashOf(secret));
}
