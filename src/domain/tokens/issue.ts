/** From a proven sign-in to its first tokens. */
import { randomUUID } from "node:crypto";
import type { Ctx } from "../../app.ts";
import { inTransaction } from "../../store/db.ts";
import { insertFamily, type TokenFamily } from "../../store/token-families.ts";
import type { User } from "../../store/users.ts";
import type { AuthenticationResultType } from "../../wire/generated/user-pools.types.ts";
import { refuseFor } from "../../wire/refuse.ts";
import { rememberHere } from "../credentials/subjects.ts";
import { tokenLifetimes } from "../user-pools/clients.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { deviceGroupKey, newDeviceKey, tracksDevices } from "./device-keys.ts";
import { shapeTokens, signTokens } from "./mint.ts";
import { makeRefreshToken } from "./refresh-token.ts";
import { insertTracked, trackedSession } from "./session-tracking.ts";

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
  const shaped = await shapeTokens(ctx, { pool, client, user, family, scopes: [apiScope] });
  if (!(await storeFamily(ctx, family, authenticated))) {
    return refuseFor("wrongPassword", { detail: "the user changed meanwhile" });
  }
  const tokens = await signTokens(ctx, pool, shaped);
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
