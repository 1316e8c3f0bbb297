/**
 * Tokens of a family, in two steps: their claims, which may still be refused, and their signatures, once what grants them
 * is stored or used up.
 */
import { randomUUID } from "node:crypto";
import { CompactSign } from "jose";
import type { Ctx } from "../../app.ts";
import { utf8 } from "../../lib/bytes.ts";
import { groupsOfUser } from "../../store/groups.ts";
import type { TokenFamily } from "../../store/token-families.ts";
import type { User } from "../../store/users.ts";
import type { AuthenticationResultType } from "../../wire/generated/user-pools.types.ts";
import { isStrict } from "../user-pools/client-tags.ts";
import { canRead, tokenLifetimes } from "../user-pools/clients.ts";
import { type Client, issuer, type Pool } from "../user-pools/load-pool.ts";
import { accessTokenClaims, accessTokenHash, type Claims, idTokenClaims } from "./claims.ts";
import { scopeTells } from "./scope-claims.ts";
import { signingKey, type TokenUse } from "./signing-keys.ts";

/** Whom tokens are for, and what they grant. */
export interface Minting {
  readonly pool: Pool;
  readonly client: Client;
  readonly user: User;
  readonly family: TokenFamily;
  /** Of the family's, those that the client may have now. */
  readonly scopes: readonly string[];
  readonly nonce?: string | undefined;
}

/** Claims that are complete but for the hash of the other token, and not yet signed. */
export interface ShapedTokens {
  readonly access: Claims;
  /** Undefined: the authorization server issues none without the scope `openid`. */
  readonly id: Claims | undefined;
  /** Of the access token, in seconds. */
  readonly lifetime: number;
  /** The ID token carries the hash of the access token. */
  readonly isHashed: boolean;
}

/** The claims of access and ID token as of now. Nothing is written: whoever refuses here leaves everything as it was. */
export async function shapeTokens(ctx: Ctx, minting: Minting): Promise<ShapedTokens> {
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
  const access = accessTokenClaims({ ...facts, jti: randomUUID(), lifetime: lifetimes.access });
  const hasId = isApi || scopes.includes("openid");
  const id = hasId ? idTokenClaims({ ...facts, jti: randomUUID(), lifetime: lifetimes.id }) : undefined;
  return { access, id, lifetime: lifetimes.access, isHashed: !isApi };
}

/** Signs what `shapeTokens` has made. */
export async function signTokens(
  ctx: Ctx,
  pool: Pool,
  { access, id, lifetime, isHashed }: ShapedTokens,
): Promise<AuthenticationResultType> {
  const result = { ExpiresIn: lifetime, TokenType: "Bearer" };
  if (!isHashed && id !== undefined) {
    const [AccessToken, IdToken] = await Promise.all([
      sign(ctx, pool, "access", access),
      sign(ctx, pool, "id", id),
    ]);
    return { ...result, AccessToken, IdToken };
  }
  const AccessToken = await sign(ctx, pool, "access", access);
  if (id === undefined) return { ...result, AccessToken };
  const IdToken = await sign(ctx, pool, "id", { ...id, at_hash: accessTokenHash(AccessToken) });
  return { ...result, AccessToken, IdToken };
}

/** A signed JWT of the pool. */
export async function sign(ctx: Ctx, pool: Pool, tokenUse: TokenUse, claims: Claims): Promise<string> {
  const key = await signingKey(ctx, pool, tokenUse);
  // The claims are ours and complete: what SignJWT does besides (a deep copy of them, setters) is not needed.
  const payload = utf8(JSON.stringify(claims));
  return new CompactSign(payload).setProtectedHeader({ kid: key.kid, alg: "RS256" }).sign(key.privateKey);
}
