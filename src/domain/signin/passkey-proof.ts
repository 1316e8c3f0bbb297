/** Verification of a signature by one of the user's passkeys (Web Authentication, section 7.2). */
import type { Ctx } from "../../app.ts";
import { readPasskey, usePasskey } from "../../store/passkeys.ts";
import { refuseFor } from "../../wire/refuse.ts";
import { remembering } from "../credentials/request-limits.ts";
import { knownHere } from "../credentials/subjects.ts";
import { passkeysAreTwo } from "../mfa/factors.ts";
import {
  type AuthenticationResponseJSON,
  type Ceremony,
  isHandleOf,
  isOriginOf,
  readCeremony,
  relyingParty,
  verifyUse,
} from "../mfa/webauthn.ts";
import { wrongPasskey } from "./refusals.ts";
import type { SignIn } from "./sign-in.ts";

/** Parses the browser's answer to a passkey challenge, as JSON. Throws InvalidParameterException. */
export function readAnswer(credential: string): Ceremony<AuthenticationResponseJSON> {
  const ceremony = readCeremony<AuthenticationResponseJSON>(parsed(credential), "webauthn.get");
  return ceremony ?? refuseFor("passkeyInvalid");
}

/**
 * Verifies a signature by a passkey of the user. The caller has already checked the challenge. Throws
 * NotAuthorizedException.
 */
export async function provePasskey(
  ctx: Ctx,
  signIn: SignIn,
  ceremony: Ceremony<AuthenticationResponseJSON>,
): Promise<SignIn> {
  const { pool, user, page } = signIn;
  const party = await relyingParty(ctx, pool, page?.origin);
  const passkey = await readPasskey(ctx.db, pool.id, user?.id ?? "nobody", ceremony.response.id);
  const fits =
    user !== undefined &&
    passkey !== undefined &&
    passkey.relyingPartyId === party.id &&
    isOriginOf(ceremony.origin, party) &&
    isHandleOf(user, ceremony.response);
  const use = fits ? await verifyUse(passkey, party, ceremony) : undefined;
  if (user === undefined || passkey === undefined || use === undefined) return wrongPasskey();
  if (!(await usePasskey(ctx.db, passkey, { ...use, now: ctx.now }))) return wrongPasskey();
  const proof = passkeysAreTwo(pool, user) && use.userVerified ? "verified-passkey" : "passkey";
  const remember = remembering(await knownHere(ctx, user));
  return { ...signIn, proven: [...signIn.proven, proof], remember };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
