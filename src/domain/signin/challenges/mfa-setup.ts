/**
 * MFA_SETUP: the pool requires a second factor and the user has none ("MFA", "TOTP software token MFA"). Either the
 * client passes the Session to AssociateSoftwareToken and VerifySoftwareToken, and answers with the Session that they
 * return; or the user names an address, which becomes a factor once the code sent to it is entered. Only reachable with
 * a first factor proven in this sign-in, and only while the user has no second one.
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
  proves: undefined,
  leadsOn: false,
  failsForGood: false,
};

/**
 * Offers the factors that can be set up. Throws InvalidParameterException if the pool, or the client's write
 * permissions, leave none.
 */
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
 * Accepts the software token that was set up, or an address. Throws InvalidParameterException (nothing set up, factor
 * not offered, malformed address) and NotAuthorizedException (Session used, attribute not writable by this client).
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

/**
 * Checks that the software token verified with this Session is still the user's and that the pool accepts it. Throws
 * InvalidParameterException if none was verified, and SoftwareTokenMFANotFoundException.
 */
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
  // Checks the format of the address, as for any change of attributes.
  changeAttributes(pool, user.attributes, { [contact]: value });
  return { factor, contact, value };
}
