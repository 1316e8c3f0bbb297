/**
 * Sign-in directly after sign-up (SignUp, ConfirmSignUp and InitiateAuth, member Session). SignUp returns a Session,
 * ConfirmSignUp exchanges it for another, and InitiateAuth with USER_AUTH accepts that in place of a first factor: the
 * address that received the confirmation code is proven. Amplify passes no Session to ConfirmSignUp.
 */
import type { Ctx } from "../../app.ts";
import { fromBase64url, toBase64url } from "../../lib/bytes.ts";
import { readCredential } from "../../store/credentials.ts";
import { openWords, sealWords } from "../../store/keys/sealed-words.ts";
import { takeSignIn } from "../../store/sign-ins.ts";
import type { User } from "../../store/users.ts";
import type { Attempt } from "../audit/attempt.ts";
import type { ContactAttribute } from "../messages/delivery.ts";
import { demandsTwo } from "../mfa/factors.ts";
import { allowsFlow } from "../user-pools/clients.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { newRow, storeRow } from "./offer.ts";
import { invalidSession, usedSession } from "./refusals.ts";
import { findRow, sessionText } from "./session.ts";
import { newSignIn, type Page, type SignIn } from "./sign-in.ts";
import type { Flow } from "./steps.ts";

/**
 * Lifetime of a Session of SignUp in milliseconds, equal to that of the confirmation code. The Session alone grants
 * nothing.
 */
const signUpSessionLifetime = 24 * 60 * 60_000;
const place = "sign_ins:sign_up:token";

interface Place {
  readonly pool: Pool;
  readonly client: Client;
}

/** The flow of the sign-in that follows: at the API or at the hosted pages. */
type FlowAfter = "USER_AUTH" | "HOSTED_AUTH";

/** The Session that SignUp returns; undefined if the client does not allow the flow. */
export function signUpSession(
  ctx: Ctx,
  { pool, client }: Place,
  user: User,
  flow: FlowAfter = "USER_AUTH",
): string | undefined {
  if (!allowsFlow(client, flow)) return undefined;
  const words = [pool.id, client.id, user.id, ctx.now + signUpSessionLifetime];
  return toBase64url(sealWords(ctx.db.sealer, place, words));
}

/**
 * The id of the user to whom a Session of SignUp was issued; undefined if there is no Session or it has expired. Throws
 * NotAuthorizedException if it was not issued to this client.
 */
export function readSignUpSession(
  ctx: Ctx,
  { pool, client }: Place,
  session: string | undefined,
): string | undefined {
  if (session === undefined) return undefined;
  const words = openWords(ctx.db.sealer, place, fromBase64url(session)) ?? invalidSession();
  const [poolId, clientId, userId, expiresAt] = words;
  if (poolId !== pool.id || clientId !== client.id) return invalidSession();
  return Number(expiresAt) > ctx.now ? userId : undefined;
}

const proofs = { email: "email", phone_number: "sms" } as const;

/**
 * The Session that ConfirmSignUp returns, for a user who has just been confirmed by a code sent to one of their
 * addresses. Undefined if the client does not allow the flow, if the Session of SignUp was issued to another user, if
 * the confirmed address is no longer the user's, or if a second factor is required, since the code is one factor.
 */
export async function confirmedSession(
  ctx: Ctx,
  { pool, client }: Place,
  confirmed: {
    readonly user: User;
    readonly contact: ContactAttribute | undefined;
    readonly signedUp: string | undefined;
    readonly flow?: FlowAfter;
  },
): Promise<string | undefined> {
  const { user, contact, signedUp, flow = "USER_AUTH" } = confirmed;
  if (!allowsFlow(client, flow) || (signedUp !== undefined && signedUp !== user.id)) return undefined;
  if (contact === undefined || demandsTwo(pool, user)) return undefined;
  const credential = await readCredential(ctx.db, pool.id, user.id);
  const row = newRow(ctx, { pool, client }, user.id, {
    flow,
    awaiting: "SIGN_UP_CONFIRMED",
    proven: [proofs[contact]],
    submitted: user.username,
    credentialVersion: credential?.version ?? 0,
    signOuts: user.signOuts,
  });
  await storeRow(ctx, pool, row);
  return sessionText(ctx, row);
}

/**
 * Resumes the sign-in that a Session of ConfirmSignUp started; uses up the Session. Throws NotAuthorizedException if
 * the Session is unknown, used, expired, or of another user or client, or if it became invalid because the user signed
 * out or changed.
 */
export async function resumeAfterSignUp(
  ctx: Ctx,
  { pool, client }: Place,
  given: {
    readonly session: string;
    readonly submitted: string;
    readonly user: User | undefined;
    readonly attempt: Attempt;
    readonly flow: Flow;
    readonly page: Page | undefined;
  },
): Promise<SignIn> {
  const { session, submitted, user, attempt, flow, page } = given;
  const row = await findRow(ctx, session);
  const { state } = row;
  const isTheirs = row.poolId === pool.id && row.clientId === client.id && row.userId === user?.id;
  if (!isTheirs || user === undefined || state.awaiting !== "SIGN_UP_CONFIRMED" || state.flow !== flow)
    return invalidSession();
  if (user.signOuts !== state.signOuts || demandsTwo(pool, user)) return invalidSession();
  if (!(await takeSignIn(ctx.db, row))) return usedSession();
  ctx.app.waitingSignIns.forget(row.id);
  const { proven, credentialVersion, signOuts } = state;
  const begun = newSignIn({ pool, client, user, flow, submitted, page, attempt });
  return { ...begun, proven, credentialVersion, signOuts };
}
