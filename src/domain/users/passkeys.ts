/**
 * Users' passkeys: created, listed and deleted ("Passkey sign-in",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-authentication-flow-methods.html).
 * A challenge is used up by the first response that names it, right or wrong.
 */

import type { Ctx } from "../../app.ts";
import { endBrowserSessionsBy } from "../../store/browser-sessions.ts";
import { replaceCode, takeCode } from "../../store/codes.ts";
import { inTransaction } from "../../store/db.ts";
import { deletePasskey, insertPasskey, listPasskeys, type Passkey } from "../../store/passkeys.ts";
import { queueForUser } from "../../store/token-sessions.ts";
import type { User } from "../../store/users.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { type CredentialChange, recordCredentialChange } from "../audit/credential.ts";
import {
  ceremonyMs,
  creationOptions,
  isOriginOf,
  mostPasskeys,
  offersPasskeys,
  type PublicKeyCredentialCreationOptionsJSON,
  type RegistrationResponseJSON,
  readCeremony,
  relyingParty,
  verifyCreation,
} from "../mfa/webauthn.ts";
import { noticeChange } from "../notices/changes.ts";
import type { Pool } from "../user-pools/load-pool.ts";

const purpose = "passkey-registration";

/** Throws WebAuthnNotEnabledException unless the pool offers passkeys. */
export function assertPasskeys(pool: Pool): void {
  if (!offersPasskeys(pool)) refuseFor("passkeysOff");
}

/**
 * StartWebAuthnRegistration, and the page where passkeys are added. Throws LimitExceededException, and errors caused by
 * the pool's settings.
 * @param page the origin of that page
 */
export async function startPasskey(
  ctx: Ctx,
  pool: Pool,
  user: User,
  page?: string,
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  assertPasskeys(pool);
  const party = await relyingParty(ctx, pool, page);
  const existing = await listPasskeys(ctx.db, pool.id, user.id, { limit: mostPasskeys });
  if (existing.length >= mostPasskeys) tooMany();
  const options = await creationOptions(ctx, pool, user, party, existing);
  const place = { poolId: pool.id, userId: user.id, purpose };
  await replaceCode(ctx.db, place, {
    code: options.challenge,
    destination: party.id,
    now: ctx.now,
    expiresAt: ctx.now + ceremonyMs,
  });
  return options;
}

/**
 * CompleteWebAuthnRegistration. Throws WebAuthnChallengeNotFoundException, WebAuthnOriginNotAllowedException,
 * WebAuthnRelyingPartyMismatchException, InvalidParameterException and LimitExceededException.
 */
export async function completePasskey(
  ctx: Ctx,
  pool: Pool,
  user: User,
  { credential, page }: { readonly credential: unknown; readonly page?: string },
): Promise<void> {
  assertPasskeys(pool);
  const ceremony = readCeremony<RegistrationResponseJSON>(credential, "webauthn.create");
  if (ceremony === undefined) return invalidCredential();
  const rule = { now: ctx.now, maxAttempts: 1, known: false };
  const place = { poolId: pool.id, userId: user.id, purpose };
  const rpId = await takeCode(ctx.db, place, ceremony.challenge, rule);
  if (rpId === undefined)
    return refuse("WebAuthnChallengeNotFoundException", "The challenge is unknown, expired or used.");
  const party = await relyingParty(ctx, pool, page);
  if (rpId !== party.id)
    refuse("WebAuthnRelyingPartyMismatchException", "The relying party of the user pool was changed.");
  if (!isOriginOf(ceremony.origin, party))
    refuse("WebAuthnOriginNotAllowedException", "The origin is not one of the relying party.");
  const passkey = (await verifyCreation(user, party, ceremony, ctx.now)) ?? invalidCredential();
  await inTransaction(ctx.db, async (tx) => {
    await queueForUser(tx, passkey);
    const existing = await listPasskeys(tx, pool.id, user.id, { limit: mostPasskeys });
    if (existing.length >= mostPasskeys) tooMany();
    if (!(await insertPasskey(tx, passkey))) invalidCredential();
    const change: CredentialChange = {
      operation: "CompleteWebAuthnRegistration",
      poolId: pool.id,
      userId: user.id,
    };
    await recordCredentialChange(tx, ctx, change);
    await noticeChange(tx, ctx, pool, { operation: change.operation, before: user });
  });
}

/**
 * DeleteWebAuthnCredential: also ends the user's browser sessions that were started with a passkey. Throws
 * ResourceNotFoundException.
 */
export async function removePasskey(ctx: Ctx, pool: Pool, user: User, id: string): Promise<void> {
  const removed = await inTransaction(ctx.db, async (tx) => {
    if (!(await deletePasskey(tx, pool.id, user.id, id))) return false;
    // Somebody with the lost authenticator may be signed in at the pages.
    await endBrowserSessionsBy(tx, { poolId: pool.id, userId: user.id }, ["passkey", "verified-passkey"]);
    const change: CredentialChange = {
      operation: "DeleteWebAuthnCredential",
      poolId: pool.id,
      userId: user.id,
    };
    await recordCredentialChange(tx, ctx, change);
    await noticeChange(tx, ctx, pool, { operation: change.operation, before: user });
    return true;
  });
  if (!removed) refuse("ResourceNotFoundException", "The user has no such passkey.");
}

/** ListWebAuthnCredentials. */
export function passkeysOf(
  ctx: Ctx,
  user: User,
  page: { after: string | undefined; limit: number },
): Promise<Passkey[]> {
  return listPasskeys(ctx.db, user.poolId, user.id, page);
}

function invalidCredential(): never {
  return refuseFor("passkeyInvalid");
}

function tooMany(): never {
  return refuseFor("tooManyPasskeys", { most: String(mostPasskeys) });
}
