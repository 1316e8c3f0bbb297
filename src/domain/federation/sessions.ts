/** What a browser's session knows of the session at the provider: to end both together, from either side. */
import type { Ctx } from "../../app.ts";
import { sha256Base64url } from "../../lib/bytes.ts";
import { endBrowserOf } from "../../store/browser-sessions.ts";
import { type Db, inTransaction } from "../../store/db.ts";
import { insertFederatedSignIn, takeFederatedSignIn } from "../../store/federated-sign-ins.ts";
import { readIdentity } from "../../store/linked-identities.ts";
import {
  type ProviderSession,
  providerSessionsOf,
  putProviderSession,
  takeProviderSession,
} from "../../store/provider-sessions.ts";
import { revokeProviderFamilies } from "../../store/token-families.ts";
import { recordCredentialChange } from "../audit/credential.ts";
import type { OpenedBrowser, SignedInBrowser } from "../grants/browser-session.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { providerIn } from "../user-pools/providers.ts";
import { identityKey, subjectAttribute } from "./identities.ts";
import type { Place, ProviderIdentity } from "./protocol.ts";
import { protocols } from "./protocols.ts";
import { findProvider, type Provider } from "./provider.ts";
import { handleHash, newHandle, signInLifetime } from "./waiting.ts";

interface Details {
  readonly logout: ProviderIdentity["logout"];
  readonly session: string | undefined;
}

/**
 * Stores what ending the provider's session needs, and what its own end is recognized by, inside the transaction that
 * opens the browser's session.
 */
export async function rememberProviderSession(
  tx: Db,
  { now }: Ctx,
  { browser, lifetime }: OpenedBrowser,
  { provider, identity }: { readonly provider: Provider; readonly identity: ProviderIdentity },
): Promise<void> {
  const { issuer, subject, session, logout } = identity;
  await putProviderSession<Details>(tx, {
    poolId: provider.poolId,
    browserHash: browser.browserHash,
    userId: browser.user.id,
    provider: provider.name,
    identityKey: identityKey(issuer, subjectAttribute, subject),
    sessionKey: session === undefined ? "" : sessionKey(issuer, session),
    details: { logout, session },
    createdAt: now,
    expiresAt: now + lifetime,
  });
}

const sessionKey = (issuer: string, session: string) => sha256Base64url(JSON.stringify([issuer, session]));

/** Where a browser goes on when it comes back from a logout at the provider. */
interface Leaving {
  readonly destination: string;
}

/** A browser that signs out. */
interface LeavingBrowser {
  /** Identifies it (SignedInBrowser.browserHash); undefined for one that has never signed in here. */
  readonly hash: string | undefined;
  /** Its session here, unless that has ended. */
  readonly signedIn: SignedInBrowser | undefined;
}

/**
 * Where a browser that signs out goes: to the provider that has signed it in, where the provider's settings say so, and
 * from there to `destination`. The caller ends the browser's session here, whatever becomes of the one there. A session
 * that something else has ended before, such as GlobalSignOut, leads to the provider all the same: there it goes on.
 */
export async function leaveProvider(
  ctx: Ctx,
  { pool, base }: Place,
  browser: LeavingBrowser,
  destination: string,
): Promise<string> {
  const known = await providerSessionOf(ctx, pool, browser);
  const provider = known && (await findProvider(ctx, pool.id, known.provider));
  if (known === undefined || provider === undefined) return destination;
  const state = newHandle(ctx);
  const protocol = await protocols[provider.type]();
  const { logout, session } = known.details;
  const location = await protocol
    .logout(ctx, { pool, base, provider, known: logout, session, state })
    .catch((error) => {
      // Signing out here must not fail with the provider.
      ctx.log.warn({ err: error, provider: provider.name }, "no logout at the provider");
      return undefined;
    });
  if (location === undefined) return destination;
  await insertFederatedSignIn<Leaving>(ctx.db, {
    poolId: pool.id,
    hash: handleHash(state),
    provider: provider.name,
    clientId: "",
    state: { destination },
    createdAt: ctx.now,
    expiresAt: ctx.now + signInLifetime,
  });
  return location;
}

/** Takes what is known of the session at the provider by which this browser is, or was last, signed in. */
async function providerSessionOf(
  ctx: Ctx,
  pool: Pool,
  { hash, signedIn }: LeavingBrowser,
): Promise<ProviderSession<Details> | undefined> {
  const name = signedIn && providerIn(signedIn.methods);
  // Somebody with a password has signed in since.
  if (hash === undefined || (signedIn !== undefined && name === undefined)) return undefined;
  const known = await takeProviderSession<Details>(ctx.db, pool.id, hash);
  if (known === undefined || known.expiresAt <= ctx.now) return undefined;
  return name === undefined || known.provider === name ? known : undefined;
}

/** Where a browser goes on that a provider has signed out; undefined if it was not sent there, or has returned before. */
export async function leftProvider(ctx: Ctx, pool: Pool, state: string): Promise<string | undefined> {
  const row = await takeFederatedSignIn<Partial<Leaving>>(ctx.db, pool.id, handleHash(state));
  return row === undefined || row.expiresAt <= ctx.now ? undefined : row.state.destination;
}

/** Whom a provider says it has signed out: a user, one of the user's sessions there, or either. */
export interface SignedOutThere {
  readonly issuer: string;
  readonly subject: string | undefined;
  readonly session: string | undefined;
}

/**
 * Ends what a provider's session has led to here: the browsers' sessions, and the tokens of that user's sign-ins through
 * this provider. Returns how many browser sessions it ended.
 */
export async function endSessionsThrough(
  ctx: Ctx,
  provider: Provider,
  { issuer, subject, session }: SignedOutThere,
): Promise<number> {
  const { poolId, name } = provider;
  const of = { poolId, provider: name };
  const key = subject === undefined ? undefined : identityKey(issuer, subjectAttribute, subject);
  const found =
    session === undefined
      ? key === undefined
        ? []
        : await providerSessionsOf<Details>(ctx.db, { ...of, identityKey: key })
      : await providerSessionsOf<Details>(ctx.db, { ...of, sessionKey: sessionKey(issuer, session) });
  // A session of somebody else is not ended, whatever its name.
  const ended = found.filter((one) => key === undefined || one.identityKey === key);
  const users = new Set(ended.map(({ userId }) => userId));
  const linked = key === undefined ? undefined : await readIdentity(ctx.db, { ...of, key });
  if (linked !== undefined) users.add(linked.userId);
  for (const userId of users) await endOf(ctx, provider, userId, ended);
  return ended.length;
}

/** Ends browser sessions and tokens of one user, in one transaction. */
async function endOf(
  ctx: Ctx,
  { poolId, name }: Provider,
  userId: string,
  sessions: readonly ProviderSession<Details>[],
): Promise<void> {
  const theirs = sessions.filter((one) => one.userId === userId);
  await inTransaction(ctx.db, async (tx) => {
    for (const { browserHash } of theirs) {
      await endBrowserOf(tx, { poolId, userId }, browserHash);
      await takeProviderSession(tx, poolId, browserHash);
    }
    const revoked = await revokeProviderFamilies(tx, { poolId, userId, provider: name }, ctx.now);
    if (revoked === 0 && theirs.length === 0) return;
    const details = { reason: "signed out at the identity provider", provider: name };
    await recordCredentialChange(tx, ctx, {
      operation: "RevokeToken",
      poolId,
      userId,
      actor: "system",
      details,
    });
  });
}
