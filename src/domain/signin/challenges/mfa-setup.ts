/**
 * MFA_SETUP: the pool demands a second factor and the user has none. The Session goes to AssociateSoftwareToken and
 * VerifySoftwareToken, and what that returns answers the challenge; or the user names an address, which becomes a factor
 * once the code sent to it comes back (AWS: "MFA", "TOTP software token MFA"). Only who has proven the first factor in
 * this sign-in comes here, and nobody while the user has a factor.
 */
import type { Ctx } from "../../../app.ts";
import { fromBase64, toBase64 } from "../../../lib/bytes.ts";
import { moveSignIn, type SignInRow, takeSignIn } from "../../../store/sign-ins.ts";
import { readSoftwareToken } from "../../../store/software-tokens.ts";
import { readUser, type User } from "../../../store/users.ts";
import { refuse } from "../../../wire/refuse.ts";
import type { ContactAttribute } from "../../messages/delivery.ts";
import { poolFactors, usableFactors } from "../../mfa/factors.ts";
import { secretCode, seedBytes } from "../../mfa/totp.ts";
import { allowsFlow, canWrite } from "../../user-pools/clients.ts";
import { loadPoolClient, type Pool } from "../../user-pools/load-pool.ts";
import { assertWritable, changeAttributes } from "../../users/attributes.ts";
import { assertSoftwareTokensOn, enrolSoftwareToken } from "../../users/software-token.ts";
import { findRow } from "../find.ts";
import {
  type Enrolling,
  invalidSession,
  type Outcome,
  type SignIn,
  type SignInState,
  sessionText,
  usedSession,
} from "../sign-in.ts";
import { offerChallenge } from "./offer.ts";
import { noSoftwareToken } from "./software-token.ts";

/** Throws InvalidParameterException where the pool, or what the client may write, leaves nothing to set up. */
export function offerMfaSetup(ctx: Ctx, signIn: SignIn): Promise<Outcome> {
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
export async function answerMfaSetup(
  ctx: Ctx,
  signIn: SignIn,
  responses: Readonly<Record<string, string>>,
): Promise<SignIn> {
  const { row, user } = signIn;
  if (row === undefined || user === undefined) return usedSession();
  const named = addresses.find(({ member }) => responses[member]);
  if (named === undefined) await assertEnrolled(ctx, signIn.pool, user, row.state);
  const enrolling = named && addressOf(signIn, user, { ...named, value: responses[named.member]! });
  if (!(await takeSignIn(ctx.db, row))) return usedSession();
  if (enrolling !== undefined) return { ...signIn, row: undefined, enrolling };
  return { ...signIn, row: undefined, proven: [...signIn.proven, "software-token"] };
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

/** A sign-in that waits for MFA_SETUP, named by its Session alone. */
async function setupOf(
  ctx: Ctx,
  session: string,
): Promise<{ pool: Pool; user: User; row: SignInRow<SignInState> }> {
  const row = await findRow(ctx, session);
  if (row.state.awaiting !== "MFA_SETUP") return invalidSession();
  const { pool, client } = await loadPoolClient(ctx, row.poolId, row.clientId);
  const user = await readUser(ctx.db, pool.id, row.userId ?? "nobody");
  if (user === undefined || !user.enabled || user.signOuts !== row.state.signOuts) return invalidSession();
  if (!allowsFlow(client, row.state.flow)) return invalidSession();
  if (usableFactors(pool, user).length > 0) return usedSession();
  return { pool, user, row };
}

/** AssociateSoftwareToken with a Session. Throws NotAuthorizedException and SoftwareTokenMFANotFoundException. */
export async function associateBySession(
  ctx: Ctx,
  text: string,
): Promise<{ secretCode: string; session: string }> {
  const { pool, row } = await setupOf(ctx, text);
  assertSoftwareTokensOn(pool);
  const seed = ctx.random(seedBytes);
  const { enrolled: _, ...state } = row.state;
  const session = await moved(ctx, row, { ...state, pendingSeed: toBase64(seed) });
  return { secretCode: secretCode(seed), session };
}

async function moved(ctx: Ctx, row: SignInRow<SignInState>, state: SignInState): Promise<string> {
  if (!(await moveSignIn(ctx.db, row, state))) return usedSession();
  return sessionText(ctx, { ...row, version: row.version + 1 });
}

/** VerifySoftwareToken with a Session. Throws EnableSoftwareTokenMFAException for a wrong code. */
export async function verifyBySession(
  ctx: Ctx,
  text: string,
  request: { code: string; name: string },
): Promise<string> {
  const { pool, user, row } = await setupOf(ctx, text);
  assertSoftwareTokensOn(pool);
  const { pendingSeed } = row.state;
  const seed = pendingSeed === undefined ? undefined : fromBase64(pendingSeed);
  if (seed === undefined) return invalidSession();
  await enrolSoftwareToken(ctx, pool, user, {
    ...request,
    seed,
    version: undefined,
    decide: (fresh) => {
      if (fresh.signOuts !== row.state.signOuts || usableFactors(pool, fresh).length > 0) usedSession();
      return { enable: true };
    },
    also: (tx) => moveSignIn(tx, row, { ...row.state, enrolled: true }),
  });
  return sessionText(ctx, { ...row, version: row.version + 1 });
}
