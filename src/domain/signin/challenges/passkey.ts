/**
 * WEB_AUTHN: a signature by one of the user's passkeys (AWS: "Passkey sign-in"; Web Authentication, section 7.2). One
 * answer, right or wrong, uses the challenge and its Session up.
 */
import type { Ctx } from "../../../app.ts";
import { listPasskeys, readPasskey, usePasskey } from "../../../store/passkeys.ts";
import { takeSignIn } from "../../../store/sign-ins.ts";
import { refuseFor } from "../../../wire/refuse.ts";
import { isNewsHere } from "../../credentials/subjects.ts";
import { passkeysAreTwo } from "../../mfa/factors.ts";
import {
  type AuthenticationResponseJSON,
  type Ceremony,
  isHandleOf,
  isOriginOf,
  mostPasskeys,
  readCeremony,
  relyingParty,
  requestOptions,
  verifyUse,
} from "../../mfa/webauthn.ts";
import { hidesUsers } from "../../user-pools/clients.ts";
import { type Outcome, required, type SignIn, usedSession } from "../sign-in.ts";
import { offerChallenge } from "./offer.ts";

export async function offerPasskey(ctx: Ctx, signIn: SignIn): Promise<Outcome> {
  const { pool, user, client, page } = signIn;
  const party = await relyingParty(ctx, pool, page?.origin);
  // Passkeys are found by the authenticator itself: a list of them would tell that there is a user.
  const passkeys =
    user === undefined || hidesUsers(client)
      ? []
      : await listPasskeys(ctx.db, pool.id, user.id, { limit: mostPasskeys });
  const options = await requestOptions(
    ctx,
    party,
    passkeys.filter(({ relyingPartyId }) => relyingPartyId === party.id),
  );
  return offerChallenge(ctx, signIn, {
    name: "WEB_AUTHN",
    parameters: { CREDENTIAL_REQUEST_OPTIONS: JSON.stringify(options) },
    available: ["WEB_AUTHN"],
    state: { passkeyChallenge: options.challenge },
  });
}

/** Throws NotAuthorizedException (does not verify, Session used) and InvalidParameterException (no credential at all). */
export async function answerPasskey(
  ctx: Ctx,
  signIn: SignIn,
  responses: Readonly<Record<string, string>>,
): Promise<SignIn> {
  const { row } = signIn;
  const ceremony = readAnswer(required(responses, "CREDENTIAL"));
  if (row === undefined || !(await takeSignIn(ctx.db, row))) return usedSession();
  if (ceremony.challenge !== row.state.passkeyChallenge) return wrongPasskey("another challenge");
  return { ...(await provePasskey(ctx, signIn, ceremony)), row: undefined };
}

/** What the browser has made of a challenge, as JSON. Throws InvalidParameterException. */
export function readAnswer(credential: string): Ceremony<AuthenticationResponseJSON> {
  const ceremony = readCeremony<AuthenticationResponseJSON>(parsed(credential), "webauthn.get");
  return ceremony ?? refuseFor("passkeyInvalid");
}

/** Proves a passkey of the user by a challenge that the caller knows to be right. Throws NotAuthorizedException. */
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
  const remember = await isNewsHere(ctx, user);
  return { ...signIn, proven: [...signIn.proven, proof], remember };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function wrongPasskey(detail = "the passkey does not verify"): never {
  return refuseFor("wrongPassword", { detail });
}
