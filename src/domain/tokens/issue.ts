/** From a proven sign-in to tokens, and from a refresh token to fresh ones. */
import { randomUUID } from "node:crypto";
import { CompactSign } from "jose";
import type { Ctx } from "../../app.ts";
import { utf8 } from "../../lib/bytes.ts";
import { inTransaction } from "../../store/db.ts";
import { groupsOfUser } from "../../store/groups.ts";
import { insertFamily, type TokenFamily } from "../../store/token-families.ts";
import type { User } from "../../store/users.ts";
import type { AuthenticationResultType } from "../../wire/generated/user-pools.types.ts";
import { refuseFor } from "../../wire/refuse.ts";
import { rememberHere } from "../credentials/subjects.ts";
import { isStrict } from "../user-pools/client-tags.ts";
import { canRead, tokenLifetimes } from "../user-pools/clients.ts";
import { type Client, issuer, type Pool } from "../user-pools/load-pool.ts";
import { accessTokenClaims, type Claims, idTokenClaims } from "./claims.ts";
import { deviceGroupKey, newDeviceKey, tracksDevices } from "./device-keys.ts";
import { makeRefreshToken } from "./refresh-token.ts";
import { scopeTells } from "./scope-claims.ts";
import { insertTracked, trackedSession } from "./session-tracking.ts";
import { signingKey, type TokenUse } from "./signing-keys.ts";

/** The one scope of tokens that the API issues. */
export const apiScope = "aws.cognito.signin.user.admin";

/** A user of this pool who proved, through this client, all that the sign-in required. */
export interface Authenticated {
  readonly pool: Pool;
  readonly client: Client;
  readonly user: User;
  /** How: `password`, `password-srp`, `new-password` … */
  readonly methods: readonly string[];
  /** Whether these are two factors. */
  readonly twoFactors: boolean;
  /** Epoch milliseconds. */
  readonly authTime: number;
  /** Of the password that was proven; tokens are issued only while it still is the user's. */
  readonly credentialVersion: number;
  /** Of the user when the sign-in began. */
  readonly signOuts: number;
  /** The user is not yet known, or not lately, at the source of this request. */
  readonly remember: boolean;
  /** The device that was proven; undefined: a new one, where the pool keeps track of them. */
  readonly deviceKey: string | undefined;
}

/** What tokens are issued for, besides whose they are. */
export interface Grant {
  /** Through the authorization server, or by the API's sign-in. */
  readonly origin: "oauth" | "api";
  /** Space separated. */
  readonly scope: string;
  /** The resource (RFC 8707) that the access tokens are for. */
  readonly resource?: string | undefined;
  /** Of the authorization request: it goes into the first ID token. */
  readonly nonce?: string | undefined;
}

const apiGrant: Grant = { origin: "api", scope: apiScope };

/**
 * Opens a token family for a finished sign-in at the API and issues its first tokens. Throws NotAuthorizedException when
 * the user was disabled or the password changed while the sign-in ran.
 */
export async function issueTokens(ctx: Ctx, authenticated: Authenticated): Promise<AuthenticationResultType> {
  const { pool, client, user } = authenticated;
  const isNew = authenticated.deviceKey === undefined && tracksDevices(pool);
  const deviceKey = isNew ? newDeviceKey(ctx) : authenticated.deviceKey;
  const { twoFactors } = authenticated;
  const family = { ...newFamily(ctx, authenticated, apiGrant), deviceKey, twoFactors };
  if (!(await storeFamily(ctx, family, authenticated))) {
    return refuseFor("wrongPassword", { detail: "the user changed meanwhile" });
  }
  const tokens = await mintTokens(ctx, { pool, client, user, family, scopes: [apiScope] });
  const result = { ...tokens, RefreshToken: makeRefreshToken(family, family.generation) };
  if (!isNew || deviceKey === undefined) return result;
  const metadata = { DeviceKey: deviceKey, DeviceGroupKey: deviceGroupKey(ctx, user, deviceKey) };
  return { ...result, NewDeviceMetadata: metadata };
}

/** A family of tokens, not yet stored. */
export function newFamily(
  ctx: Ctx,
  { pool, client, user, authTime }: Pick<Authenticated, "pool" | "client" | "user" | "authTime">,
  { origin, scope, resource }: Grant,
): TokenFamily {
  return {
    poolId: pool.id,
    id: randomUUID(),
    userId: user.id,
    clientId: client.id,
    originJti: randomUUID(),
    key: ctx.random(32),
    generation: 0,
    rotatedAt: undefined,
    authTime,
    scope,
    deviceKey: undefined,
    createdAt: ctx.now,
    expiresAt: ctx.now + tokenLifetimes(client).refresh * 1000,
    revokedAt: undefined,
    origin,
    resource,
    twoFactors: false,
  };
}

/** One statement, and a transaction with the user's source where that is news, or with a session that is tracked. */
function storeFamily(ctx: Ctx, family: TokenFamily, authenticated: Authenticated): Promise<boolean> {
  const { user, remember } = authenticated;
  const tracked = trackedSession(ctx, authenticated, family);
  if (!remember && tracked === undefined) return insertFamily(ctx.db, family, authenticated);
  return inTransaction(ctx.db, async (tx) => {
    const inserted = await insertTracked(tx, ctx, family, authenticated, tracked);
    if (inserted && remember) await rememberHere(tx, ctx, user);
    return inserted;
  });
}

/** Whom tokens are for, and what they grant. */
interface Minting {
  readonly pool: Pool;
  readonly client: Client;
  readonly user: User;
  readonly family: TokenFamily;
  /** Of the family's, those that the client may have now. */
  readonly scopes: readonly string[];
  readonly nonce?: string | undefined;
}

/** Access and ID token of a family, now. Without the scope `openid` the authorization server issues no ID token. */
export async function mintTokens(ctx: Ctx, minting: Minting): Promise<AuthenticationResultType> {
  const { pool, client, user, family, scopes, nonce } = minting;
  const lifetimes = tokenLifetimes(client);
  const strict = isStrict(pool, client);
  const isApi = family.origin === "api";
  const facts = {
    issuer: issuer(ctx.config, pool),
    clientId: client.id,
    user,
    groups: await groupsOfUser(ctx.db, pool.id, user.id),
    familyId: family.id,
    originJti: client.document.EnableTokenRevocation === false ? undefined : family.originJti,
    deviceKey: family.deviceKey,
    scope: scopes.join(" "),
    origin: family.origin,
    resource: family.resource,
    authTime: family.authTime,
    now: ctx.now,
    nonce,
    canRead: (attribute: string) =>
      canRead(pool, client, attribute) && (isApi || scopeTells(scopes, attribute, { strict })),
  };
  const signed = async (use: TokenUse, claims: Claims) => sign(ctx, pool, use, claims);
  const forAccess = accessTokenClaims({ ...facts, jti: randomUUID(), lifetime: lifetimes.access });
  const forId = { ...facts, jti: randomUUID(), lifetime: lifetimes.id };
  const result = { ExpiresIn: lifetimes.access, TokenType: "Bearer" };
  // The API's ID token says nothing of the access token, so both are signed at once.
  if (isApi) {
    const [access, id] = await Promise.all([signed("access", forAccess), signed("id", idTokenClaims(forId))]);
    return { ...result, AccessToken: access, IdToken: id };
  }
  const access = await signed("access", forAccess);
  if (!scopes.includes("openid")) return { ...result, AccessToken: access };
  return { ...result, AccessToken: access, IdToken: await signed("id", idTokenClaims(forId, access)) };
}

/** A signed JWT of the pool. */
export async function sign(ctx: Ctx, pool: Pool, tokenUse: TokenUse, claims: Claims): Promise<string> {
  const key = await signingKey(ctx, pool, tokenUse);
  // The claims are ours and complete: what SignJWT does besides (a deep copy of them, setters) is not needed.
  const payload = utf8(JSON.stringify(claims));
  return new CompactSign(payload).setProtectedHeader({ kid: key.kid, alg: "RS256" }).sign(key.privateKey);
}
