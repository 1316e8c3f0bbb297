/** Issues the first tokens of a completed sign-in. */
import { randomUUID } from "node:crypto";
import type { Ctx } from "../../app.ts";
import { inTransaction } from "../../store/db.ts";
import { insertFamily, type TokenFamily } from "../../store/token-families.ts";
import type { User } from "../../store/users.ts";
import type { AuthenticationResultType } from "../../wire/generated/user-pools.types.ts";
import { refuseFor } from "../../wire/refuse.ts";
import type { Remembering } from "../credentials/request-limits.ts";
import { rememberSignIn } from "../notices/sign-ins.ts";
import type { Metadata, TokenSource } from "../triggers/trigger.ts";
import { tokenLifetimes } from "../user-pools/clients.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { deviceGroupKey, newDeviceKey, tracksDevices } from "./device-keys.ts";
import { shapeTokens, signTokens } from "./mint.ts";
import { makeRefreshToken } from "./refresh-token.ts";
import { apiScope } from "./scope-claims.ts";
import { insertTracked, trackedSession } from "./session-tracking.ts";

/** A completed sign-in: a user who has proven, through this client, everything required. */
export interface Authenticated {
  readonly pool: Pool;
  readonly client: Client;
  readonly user: User;
  /** What was proven, in order: `password`, `new-password`, `sms` … */
  readonly methods: readonly string[];
  /** Whether the methods count as two factors. */
  readonly twoFactors: boolean;
  /** When the user authenticated, here or at the identity provider. Epoch milliseconds. */
  readonly authTime: number;
  /** The version of the credential that was proven; tokens are only issued while it is current. */
  readonly credentialVersion: number;
  /** The user's sign-out counter when the sign-in began. */
  readonly signOuts: number;
  /** Whether to record the source of this request as known to the user. */
  readonly remember: Remembering;
  /** The device that was proven; if undefined, a new one is created in pools that track devices. */
  readonly deviceKey: string | undefined;
  /** The identity provider that has signed the user in. */
  readonly provider?: string | undefined;
  /** ClientMetadata of the request that completed the sign-in, for PreTokenGeneration. */
  readonly clientMetadata?: Metadata | undefined;
}

/** Which step of a sign-in at the API led to its tokens. */
function sourceOf({ methods }: Authenticated): TokenSource {
  if (methods.includes("new-password")) return "TokenGeneration_NewPasswordChallenge";
  return methods.includes("device") ? "TokenGeneration_AuthenticateDevice" : "TokenGeneration_Authentication";
}

/** What tokens grant, and how they were obtained. */
export interface Grant {
  /** Whether the authorization server or the API's sign-in issued them. */
  readonly origin: "oauth" | "api";
  /** Scopes, separated by spaces. */
  readonly scope: string;
  /** The resource (RFC 8707) for which access tokens are issued. */
  readonly resource?: string | undefined;
  /** The nonce of the authorization request, for the first ID token. */
  readonly nonce?: string | undefined;
}

const apiGrant: Grant = { origin: "api", scope: apiScope };

/**
 * Creates a token family for a completed sign-in at the API and issues its first tokens. Throws NotAuthorizedException
 * if the user was disabled, or the password changed, during the sign-in.
 */
export async function issueTokens(ctx: Ctx, authenticated: Authenticated): Promise<AuthenticationResultType> {
  const { pool, client, user } = authenticated;
  const isNew = authenticated.deviceKey === undefined && tracksDevices(pool);
  const deviceKey = isNew ? newDeviceKey(ctx) : authenticated.deviceKey;
  const { twoFactors } = authenticated;
  const family = { ...newFamily(ctx, authenticated, apiGrant), deviceKey, twoFactors };
  const occasion = { source: sourceOf(authenticated), clientMetadata: authenticated.clientMetadata };
  const shaped = await shapeTokens(ctx, { pool, client, user, family, scopes: [apiScope], occasion });
  if (!(await storeFamily(ctx, family, authenticated))) {
    return refuseFor("wrongPassword", { detail: "the user changed meanwhile" });
  }
  const tokens = await signTokens(ctx, pool, shaped);
  const result = { ...tokens, RefreshToken: makeRefreshToken(family, family.generation) };
  if (!isNew || deviceKey === undefined) return result;
  const metadata = { DeviceKey: deviceKey, DeviceGroupKey: deviceGroupKey(ctx, user, deviceKey) };
  return { ...result, NewDeviceMetadata: metadata };
}

/** A new token family, not yet stored. */
export function newFamily(
  ctx: Ctx,
  {
    pool,
    client,
    user,
    authTime,
    provider,
  }: Pick<Authenticated, "pool" | "client" | "user" | "authTime" | "provider">,
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
    provider,
  };
}

/**
 * Stores the family in one statement; in a transaction if the user's source or a tracked session is recorded too. False
 * if the user changed in the meantime.
 */
function storeFamily(ctx: Ctx, family: TokenFamily, authenticated: Authenticated): Promise<boolean> {
  const { remember } = authenticated;
  const tracked = trackedSession(ctx, authenticated, family);
  if (remember === "no" && tracked === undefined) return insertFamily(ctx.db, family, authenticated);
  return inTransaction(ctx.db, async (tx) => {
    const inserted = await insertTracked(tx, ctx, family, authenticated, tracked);
    if (inserted) await rememberSignIn(tx, ctx, authenticated);
    return inserted;
  });
}
