/**
 * WEB_AUTHN: a signature by one of the user's passkeys ("Passkey sign-in"; Web Authentication, section 7.2). One
 * answer, right or wrong, uses up the challenge and its Session.
 */
import type { Ctx } from "../../../app.ts";
import { listPasskeys } from "../../../store/passkeys.ts";
import { mostPasskeys, relyingParty, requestOptions } from "../../mfa/webauthn.ts";
import { hidesUsers } from "../../user-pools/clients.ts";
import type { Challenge, Given } from "../challenge.ts";
import { offerChallenge } from "../offer.ts";
import { provePasskey, readAnswer } from "../passkey-proof.ts";
import { invalidSession, required, wrongPasskey } from "../refusals.ts";
import { findBySession, useRow } from "../session.ts";
import type { Outcome, SignIn } from "../sign-in.ts";

export const passkeyChallenge: Challenge = {
  kind: "first",
  find: findBySession,
  offer,
  answer,
  member: "CREDENTIAL",
  page: "passkey",
  refuse: invalidSession,
  proves: "Mfa",
  leadsOn: false,
  failsForGood: true,
};

async function offer(ctx: Ctx, signIn: SignIn): Promise<Outcome> {
  const { pool, user, client, page } = signIn;
  const party = await relyingParty(ctx, pool, page?.origin);
  // The authenticator finds its passkeys by itself; listing them would reveal that the user exists.
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

/**
 * Verifies the signature. Throws NotAuthorizedException (not valid, Session used) and InvalidParameterException (not a
 * credential).
 */
async function answer(ctx: Ctx, signIn: SignIn, responses: Given): Promise<SignIn> {
  const ceremony = readAnswer(required(responses, "CREDENTIAL"));
  const answered = await useRow(ctx, signIn);
  if (ceremony.challenge !== signIn.row?.state.passkeyChallenge) return wrongPasskey("another challenge");
  return provePasskey(ctx, answered, ceremony);
}
