/**
 * MFA_SETUP: the pool demands a second factor and the user has none. The Session goes to AssociateSoftwareToken and
 * VerifySoftwareToken, and what that returns answers the challenge; or the user names an address, which becomes a factor
 * once the code sent to it comes back (AWS: "MFA", "TOTP software token MFA"). Only who has proven the first factor in
 * this sign-in comes here, and nobody while the user has a factor.
 */
import type { Ctx } from "../../../app.ts";
import { toBase64 } from "../../../lib/bytes.ts";
import { readSoftwareToken } from "../../../store/software-tokens.ts";
import type { User } from "../../../store/users.ts";
import { refuse } from "../../../wire/refuse.ts";
import type { ContactAttribute } from "../../messages/delivery.ts";
import { poolFactors, usableFactors } from "../../mfa/factors.ts";
import { canWrite } from "../../user-pools/clients.ts";
import type { Pool } from "../../user-pools/load-pool.ts";
import { assertWritable, changeAttributes } from "../../users/attributes.ts";
import type { Challenge, Given } from "../challenge.ts";
import { offerChallenge } from "../offer.ts";
import { invalidSession, noSoftwareToken, usedSession } from "../refusals.ts";
import { findBySession, useRow } from "../session.ts";
import type { Enrolling, Outcome, SignIn, SignInState } from "../sign-in.ts";

export const mfaSetup: Challenge = {
  kind: "set-up",
  find: findBySession,
  offer,
  answer,
  member: undefined,
  page: "set-up",
  refuse: invalidSession,
};

/** Throws InvalidParameterException where the pool, or what the client may write, leaves nothing to set up. */
function offer(ctx: Ctx, signIn: SignIn): Promise<Outcome> {
  const { pool, client } = signIn;
  const possible = poolFactors(pool).filter((factor) => {
    const address = addresses.find((one) => one.factor === factor);
    return address === undefined || canWrite(pool, client, address.contact);
  });
  if (possible.length === 0)
    refuse("InvalidParameterException", "MFA is required, and the user pool has no factor to set up.");
  return offerChallenge(ctx, signIn, {
    name: "MFA_SETUP",
    parameters: {
      MFAS_CAN_SETUP: JSON.stringify(possible),
      USER_ID_FOR_SRP: signIn.user?.username ?? "",
    },
  });
}

const addresses: readonly { member: string; factor: Enrolling["factor"]; contact: ContactAttribute }[] = [
  { member: "EMAIL", factor: "EMAIL_OTP", contact: "email" },
  { member: "PHONE_NUMBER", factor: "SMS_MFA", contact: "phone_number" },
];

/**
 * Throws InvalidParameterException (nothing set up, not offered, no such address) and NotAuthorizedException (used, not
 * for this client to write).
 */
async function answer(ctx: Ctx, signIn: SignIn, responses: Given): Promise<SignIn> {
  const { row, user } = signIn;
  if (row === undefined || user === undefined) return usedSession();
  const named = addresses.find(({ member }) => responses[member]);
  if (named === undefined) await assertEnrolled(ctx, signIn.pool, user, row.state);
  const enrolling = named && addressOf(signIn, user, { ...named, value: responses[named.member]! });
  const answered = await useRow(ctx, signIn);
  if (enrolling !== undefined) return { ...answered, enrolling };
  return { ...answered, proven: [...signIn.proven, "software-token"] };
}

/** The software token that was verified under this Session is the user's, and the pool takes it. */
async function assertEnrolled(ctx: Ctx, pool: Pool, user: User, state: SignInState): Promise<void> {
  if (state.enrolled !== true)
    refuse("InvalidParameterException", "No MFA factor was set up with this session.");
  const token = await readSoftwareToken(ctx.db, pool.id, user.id);
  const isTheirs = token?.seed !== undefined && toBase64(token.seed) === state.pendingSeed;
  if (!isTheirs || !usableFactors(pool, user).includes("SOFTWARE_TOKEN_MFA")) noSoftwareToken();
}

function addressOf({ pool, client }: SignIn, user: User, enrolling: Enrolling): Enrolling {
  const { factor, contact, value } = enrolling;
  if (!poolFactors(pool).includes(factor))
    refuse("InvalidParameterException", `${factor} is not enabled for the user pool.`);
  assertWritable(pool, client, [contact]);
  // Checks the form of the address as every change of attributes does.
  changeAttributes(pool, user.attributes, { [contact]: value });
  return { factor, contact, value };
}
