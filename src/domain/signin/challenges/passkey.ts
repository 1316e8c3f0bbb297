/**
 * WEB_AUTHN: a signature by one of the user's passkeys (AWS: "Passkey sign-in"; Web Authentication, section 7.2). One
 * answer, right or wrong, uses the challenge and its Session up.
 */
import type { Ctx } from "../../../app.ts";
import { listPasskeys, readPasskey, usePasskey } from "../../../store/passkeys.ts";
import { takeSignIn } from "../../../store/sign-ins.ts";
import { refuse } from "../../../wire/refuse.ts";
import { isNewsHere } from "../../credentials/subjects.ts";
import { passkeysAreTwo } from "../../mfa/factors.ts";
import {
  type AuthenticationResponseJSON,
  isHandleOf,
  isOriginOf,
  mostPasskeys,
  readCeremony,
  relyingParty,
  requestOptions,
  verifyUse,
} from "../../mfa/passkeys.ts";
import { hidesUsers } from "../../pools/clients.ts";
import { type Outcome, required, type SignIn, usedSession } from "../sign-in.ts";
import { offerChallenge } from "./offer.ts";

export async function offerPasskey(ctx: Ctx, signIn: SignIn): Promise<Outcome> {
  const { pool, user, client } = signIn;
  const party = relyingParty(ctx, pool);
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
  const { pool, user, row } = signIn;
  const ceremony = readCeremony<AuthenticationResponseJSON>(
    parsed(required(responses, "CREDENTIAL")),
    "webauthn.get",
  );
  if (ceremony === undefined) return refuse("InvalidParameterException", "Credential data is not valid");
  if (row === undefined || !(await takeSignIn(ctx.db, row))) return usedSession();
  const party = relyingParty(ctx, pool);
  const passkey = await readPasskey(ctx.db, pool.id, user?.id ?? "nobody", ceremony.response.id);
  const fits =
    user !== undefined &&
    passkey !== undefined &&
    passkey.relyingPartyId === party.id &&
    ceremony.challenge === row.state.passkeyChallenge &&
    isOriginOf(ceremony.origin, party.id) &&
    isHandleOf(user, ceremony.response);
  const use = fits ? await verifyUse(passkey, party, ceremony) : undefined;
  if (user === undefined || passkey === undefined || use === undefined) return wrongPasskey();
  if (!(await usePasskey(ctx.db, passkey, { ...use, now: ctx.now }))) return wrongPasskey();
  const proof = passkeysAreTwo(pool, user) && use.userVerified ? "verified-passkey" : "passkey";
  const remember = await isNewsHere(ctx, user);
  return { ...signIn, row: undefined, proven: [...signIn.proven, proof], remember };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function wrongPasskey(): never {
  return refuse("NotAuthorizedException", "Incorrect username or password.", "the passkey does not verify");
}
