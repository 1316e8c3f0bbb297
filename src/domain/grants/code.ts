/**
 * Authorization codes (RFC 6749 sections 4.1.2 and 4.1.3, RFC 7636, RFC 9700): issued to a redirect URI and redeemed
 * once; a second attempt revokes the tokens issued for the code.
 */
import type { Ctx } from "../../app.ts";
import { equalText, sha256Base64url } from "../../lib/bytes.ts";
import { uuid4 } from "../../lib/uuid.ts";
import { type AuthorizationCode, insertCode, readCode, useCode } from "../../store/authorization-codes.ts";
import { committedTogether, inTransaction } from "../../store/db.ts";
import { readCodeAndUser } from "../../store/sign-in-state.ts";
import { revokeFamily } from "../../store/token-families.ts";
import type { User } from "../../store/users.ts";
import type { AuthenticationResultType } from "../../wire/generated/user-pools.types.ts";
import { type CredentialChange, recordCredentialChange } from "../audit/credential.ts";
import { newFamily } from "../tokens/issue.ts";
import { shapeTokens, signTokens } from "../tokens/mint.ts";
import { makeRefreshToken } from "../tokens/refresh-token.ts";
import { insertTracked, type Seen, seenFrom, trackedSession } from "../tokens/session-tracking.ts";
import { allowsCodeFlow, remainingScopes } from "../user-pools/client-scopes.ts";
import { isStrict, requiresPkce } from "../user-pools/client-tags.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { providerIn } from "../user-pools/providers.ts";
import { countAnswer, refuseUsedUp } from "./answer-limit.ts";
import type { AuthorizationRequest } from "./authorization-request.ts";
import { isStillValid, type SignedInBrowser, throughBrowser } from "./browser-session.ts";
import { refuseOAuth } from "./oauth-error.ts";
import { isCallback } from "./redirect-uri.ts";

/** What a code grants, besides the user. */
interface CodeGrant {
  readonly redirectUri: string;
  /** Whether the redirect URI is the client's default one: the token request then need not repeat it. */
  readonly isDefaultRedirect?: true | undefined;
  readonly scopes: readonly string[];
  /** `scope` of the authorization request. */
  readonly asked?: string | undefined;
  readonly nonce?: string | undefined;
  readonly codeChallenge?: string | undefined;
  readonly resource?: string | undefined;
  /** The address and device type of the browser, since the code may be redeemed by the application's server. */
  readonly seen?: Seen | undefined;
}

const occasion = { source: "TokenGeneration_HostedAuth" } as const;

/** Lifetime of a code in milliseconds. */
const codeLifetime = 5 * 60_000;

const hashOf = sha256Base64url;

/**
 * Issues a code for a signed-in browser, in the format of a UUID like those of Cognito. Throws access_denied, and
 * temporarily_unavailable if the sign-in is used up.
 */
export async function issueCode(
  ctx: Ctx,
  request: AuthorizationRequest,
  browser: SignedInBrowser,
): Promise<string> {
  const { user, methods, authTime, credentialVersion, browserHash, tracked } = browser;
  const { pool, client, redirectUri, scopes, askedScope, nonce, codeChallenge, resource } = request;
  const code = uuid4(ctx.random);
  const seen = tracked && seenFrom(ctx);
  const issued = {
    poolId: pool.id,
    hash: hashOf(code),
    clientId: client.id,
    userId: user.id,
    grant: {
      redirectUri,
      ...(!request.namesRedirect && { isDefaultRedirect: true }),
      scopes,
      asked: askedScope,
      nonce,
      codeChallenge,
      resource,
      seen,
    } satisfies CodeGrant,
    methods,
    signOuts: user.signOuts,
    credentialVersion,
    authTime,
    createdAt: ctx.now,
    expiresAt: ctx.now + codeLifetime,
    familyId: undefined,
    sessionId: tracked?.id,
    browserHash,
  };
  let isGood = false;
  await throughBrowser(ctx, pool, browser, (db) =>
    committedTogether(db, async (tx) => {
      isGood = await countAnswer(tx, ctx, request, browser);
      if (isGood) await insertCode<CodeGrant>(tx, issued);
      return true;
    }),
  );
  return isGood ? code : refuseUsedUp(request);
}

export interface Redeemed {
  readonly tokens: AuthenticationResultType;
  /** `scope` of the authorization request. */
  readonly asked: string | undefined;
}

export interface Redemption {
  readonly pool: Pool;
  readonly client: Client;
  readonly code: string;
  readonly redirectUri: string | undefined;
  readonly codeVerifier: string | undefined;
}

/**
 * Exchanges a code for tokens. Throws invalid_grant (unknown, used, expired, another client's, wrong verifier, user
 * changed since) and, like Cognito, unauthorized_client for another redirect URI; clients that want the standard get invalid_grant for that.
 */
export async function redeemCode(ctx: Ctx, redemption: Redemption): Promise<Redeemed> {
  const { pool, client } = redemption;
  const { code, user } = (await readCodeAndUser<CodeGrant>(ctx.db, pool.id, hashOf(redemption.code))) ?? {};
  if (code === undefined || code.clientId !== client.id) return invalidGrant("unknown code");
  if (code.familyId !== undefined) return reused(ctx, code);
  if (code.expiresAt <= ctx.now) return invalidGrant("the code has expired");
  const problem = problemOf(code.grant, redemption);
  if (problem !== undefined) {
    // A thief of a code gets a single attempt.
    await useCode(ctx.db, code, { familyId: undefined, now: ctx.now });
    return problem();
  }
  if (user === undefined) return invalidGrant("the user is gone");
  return mintFrom(ctx, redemption, { code, user });
}

function problemOf(
  grant: CodeGrant,
  { pool, client, redirectUri, codeVerifier }: Redemption,
): (() => never) | undefined {
  // Checked against the client's current settings.
  if (!allowsCodeFlow(client) || !isCallback(pool, client, grant.redirectUri))
    return () =>
      refuseOAuth("unauthorized_client", "The client may not use the code flow with that redirect_uri.");
  const mayBeMissing = grant.isDefaultRedirect === true && redirectUri === undefined;
  if (redirectUri !== grant.redirectUri && !mayBeMissing)
    return () =>
      refuseOAuth(
        isStrict(pool, client) ? "invalid_grant" : "unauthorized_client",
        "The redirect_uri is not that of the authorization request.",
      );
  if (grant.codeChallenge === undefined && requiresPkce(pool, client))
    return () => invalidGrant("the client must use PKCE");
  // RFC 9700 section 4.8.2: a verifier without a challenge indicates a downgrade attack.
  if ((grant.codeChallenge === undefined) !== (codeVerifier === undefined))
    return () => invalidGrant("verifier without challenge, or challenge without verifier");
  if (grant.codeChallenge === undefined || codeVerifier === undefined) return undefined;
  const isWellFormed = /^[A-Za-z0-9._~-]{43,128}$/.test(codeVerifier);
  const fits = isWellFormed && equalText(sha256Base64url(codeVerifier), grant.codeChallenge);
  return fits ? undefined : () => invalidGrant("wrong code_verifier");
}

async function mintFrom(
  ctx: Ctx,
  { pool, client }: Redemption,
  { code, user }: { readonly code: AuthorizationCode<CodeGrant>; readonly user: User },
): Promise<Redeemed> {
  // It was issued while the session was valid.
  const session = { ...code, signedInAt: code.createdAt };
  if (!(await isStillValid(ctx, pool, user, session, client)))
    return invalidGrant("the sign-in is no longer valid");
  const { nonce, resource, seen } = code.grant;
  const scopes = await remainingScopes(ctx, { pool, client }, code.grant.scopes);
  if (scopes.length === 0) return invalidGrant("the client may have none of the scopes any more");
  const grant = { origin: "oauth", scope: scopes.join(" "), resource } as const;
  const signIn = { authTime: code.authTime, provider: providerIn(code.methods) };
  const family = newFamily(ctx, { pool, client, user, ...signIn }, grant);
  const origin = { sessionId: code.sessionId, seen, refreshable: true };
  const tracked = trackedSession(ctx, { pool, client }, family, origin);
  const shaped = await shapeTokens(ctx, { pool, client, user, family, scopes, nonce, occasion });
  const stored = await inTransaction(ctx.db, async (tx) => {
    if (!(await useCode(tx, code, { familyId: family.id, now: ctx.now }))) return "used";
    return (await insertTracked(tx, ctx, family, code, tracked)) ? "stored" : "void";
  });
  if (stored === "used") {
    const now = await readCode<CodeGrant>(ctx.db, pool.id, code.hash);
    return now?.familyId === undefined
      ? invalidGrant("expired, or the browser's session is over")
      : reused(ctx, now);
  }
  if (stored === "void") return invalidGrant("the user changed meanwhile");
  const tokens = await signTokens(ctx, pool, shaped);
  const RefreshToken = makeRefreshToken(family, family.generation);
  return { tokens: { ...tokens, RefreshToken }, asked: code.grant.asked };
}

/**
 * Revokes the tokens of a code that is used again, and refuses: "SHOULD revoke (when possible) all tokens previously
 * issued based on that authorization code" (RFC 6749 section 4.1.2).
 */
async function reused(ctx: Ctx, { poolId, userId, familyId }: AuthorizationCode<CodeGrant>): Promise<never> {
  if (familyId) {
    await inTransaction(ctx.db, async (tx) => {
      if (!(await revokeFamily(tx, poolId, familyId, ctx.now))) return false;
      const details = { reason: "authorization code used again" };
      const change: CredentialChange = { operation: "RevokeToken", poolId, userId, actor: "system", details };
      await recordCredentialChange(tx, ctx, change);
      return true;
    });
  }
  return invalidGrant("the code was used before");
}

function invalidGrant(detail: string): never {
  return refuseOAuth(
    "invalid_grant",
    "The authorization code is invalid, expired, used, or not for this client.",
    detail,
  );
}
