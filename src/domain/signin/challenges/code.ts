/**
 * SMS_MFA, EMAIL_OTP and SMS_OTP: the user enters a code that was sent to them ("SMS and email message MFA",
 * "Passwordless sign-in with one-time passwords"). A wrong code keeps the Session and counts against the user, whose
 * guesses in all sign-ins are limited together; the right one uses up the Session.
 */
import type { Ctx } from "../../../app.ts";
import { equalText } from "../../../lib/bytes.ts";
import { inTransaction } from "../../../store/db.ts";
import { type SignInRow, takeSignIn } from "../../../store/sign-ins.ts";
import type { User } from "../../../store/users.ts";
import { admitGuess, settleGuess } from "../../credentials/guessing.ts";
import { admitMessage, countMessage, limitExceeded, remembering } from "../../credentials/request-limits.ts";
import { subjectOf } from "../../credentials/subjects.ts";
import { composeSignInCode } from "../../messages/compose.ts";
import { deliverQueued } from "../../messages/deliver.ts";
import {
  type ContactAttribute,
  type Delivery,
  deliveryTo,
  maskDestination,
  simulatedDelivery,
} from "../../messages/delivery.ts";
import { composingFor } from "../../messages/layout.ts";
import { type DeliveredBy, handlingOf, newMessage, queueMessage } from "../../messages/queue.ts";
import { usableFactors, withFactor } from "../../mfa/factors.ts";
import type { Proof } from "../../mfa/proofs.ts";
import { hidesUsers } from "../../user-pools/clients.ts";
import { isVerified } from "../../users/attributes.ts";
import { changeUser } from "../../users/change-user.ts";
import { newCode } from "../../users/codes.ts";
import type { Challenge, ChallengePage, Given } from "../challenge.ts";
import { offerChallenge } from "../offer.ts";
import { invalidSession, required, usedSession, wrongCode } from "../refusals.ts";
import { findBySession } from "../session.ts";
import { type Enrolling, type Outcome, type SignIn, type SignInState, sessionLifetime } from "../sign-in.ts";
import type { ChallengeKind, Step } from "../steps.ts";

type CodeStep = Extract<Step, "SMS_MFA" | "EMAIL_OTP" | "SMS_OTP">;

interface CodeRule {
  readonly kind: ChallengeKind;
  readonly page: ChallengePage;
  readonly contact: ContactAttribute;
  /** The member of ChallengeResponses that contains the code. */
  readonly member: string;
  readonly proof: Proof;
}

const rules: Readonly<Record<CodeStep, CodeRule>> = {
  SMS_MFA: {
    kind: "second",
    page: "code-by-sms",
    contact: "phone_number",
    member: "SMS_MFA_CODE",
    proof: "sms",
  },
  EMAIL_OTP: {
    kind: "either",
    page: "code-by-email",
    contact: "email",
    member: "EMAIL_OTP_CODE",
    proof: "email",
  },
  SMS_OTP: {
    kind: "first",
    page: "code-by-sms",
    contact: "phone_number",
    member: "SMS_OTP_CODE",
    proof: "sms",
  },
};

/** The challenge of the given name. */
export function codeChallenge(step: CodeStep): Challenge {
  const { kind, page, member } = rules[step];
  return {
    kind,
    find: findBySession,
    offer: (ctx, signIn) => offerCode(ctx, signIn, step),
    answer: (ctx, signIn, responses) => answerCode(ctx, signIn, responses, step),
    member,
    page,
    refuse: invalidSession,
    proves: "Mfa",
    leadsOn: false,
    sends: true,
    failsForGood: false,
  };
}

/**
 * The user's address for sign-in codes; undefined if there is none, in which case the answer is that for a nonexistent
 * user. As a first factor, only verified addresses count.
 */
function addressOf(user: User, contact: ContactAttribute, isFirst: boolean): string | undefined {
  const isReachable = user.enabled && user.status === "CONFIRMED";
  if (!isReachable || (isFirst && !isVerified(user.attributes, contact))) return undefined;
  return user.attributes[contact];
}

/** The digits of a code. @param isFirst whether it is the first factor of its sign-in */
export function codeLength(isFirst: boolean): 6 | 8 {
  return isFirst ? 8 : 6;
}

/**
 * Sends a code and asks for it. For a first factor the answer does not depend on whether the user exists, and the
 * worker delivers the message, so that the response time reveals nothing. Throws CodeDeliveryFailureException and
 * TooManyRequestsException.
 */
async function offerCode(ctx: Ctx, signIn: SignIn, step: CodeStep): Promise<Outcome> {
  const { pool, client, user, submitted, enrolling, clientMetadata } = signIn;
  const isFirst = signIn.proven.length === 0;
  const { contact } = rules[step];
  const value = enrolling?.value ?? (user && addressOf(user, contact, isFirst));
  const to = value ? deliveryTo(contact, value) : simulatedDelivery(pool, submitted, contact, [contact]);
  const subject = subjectOf(ctx, pool, user, submitted);
  const caller = await admitMessage(ctx, subject, "sign-in-code", "TooManyRequestsException");
  const proven = value !== undefined && user !== undefined && isVerified(user.attributes, contact);
  const hides = isFirst && hidesUsers(client);
  const receiver = { destination: to.destination, proven, silent: hides };
  const mayBeSent = await countMessage(ctx, caller, receiver);
  if (!mayBeSent && !hides) limitExceeded("TooManyRequestsException");
  const sent = value !== undefined && mayBeSent;
  const code = newCode(ctx.random, codeLength(isFirst));
  const by: DeliveredBy = sent ? (hides ? "worker" : "now") : "nobody";
  const kept = mayBeSent ? undefined : signIn.replaced?.state.code;
  const message = newMessage(ctx, pool, {
    userId: sent ? user?.id : undefined,
    delivery: to,
    kind: "sign-in",
    composed: composeSignInCode(pool.document, to.medium, code, {
      ...composingFor(ctx, pool, { user, clientId: client.id }),
      isFirst,
    }),
    code,
    lifetimeMs: sessionLifetime(client),
    by,
    handling:
      sent && user
        ? handlingOf(pool, "sign-in", to, { user, clientId: client.id, clientMetadata }, { code })
        : undefined,
  });
  const outcome = await offerChallenge(ctx, signIn, {
    name: step,
    parameters: parameters(signIn, to),
    state: { code: kept ?? { value: code, to: sent ? value : undefined }, subject },
    cost: "message",
    ...(isFirst && step !== "SMS_MFA" && { available: [step] }),
    also: async (tx) => {
      if (signIn.replaced !== undefined && !(await takeSignIn(tx, signIn.replaced))) usedSession();
      await queueMessage(tx, message);
    },
  });
  await deliverQueued(ctx, [message]);
  return outcome;
}

function parameters({ proven, user }: SignIn, to: Delivery): Record<string, string> {
  return {
    CODE_DELIVERY_DELIVERY_MEDIUM: to.medium,
    CODE_DELIVERY_DESTINATION: maskDestination(to),
    ...(proven.length > 0 && user !== undefined && { USER_ID_FOR_SRP: user.username }),
  };
}

/** Checks the code. Throws CodeMismatchException and NotAuthorizedException (locked, Session used). */
async function answerCode(ctx: Ctx, signIn: SignIn, responses: Given, step: CodeStep): Promise<SignIn> {
  const { user, row, enrolling } = signIn;
  const { contact, member } = rules[step];
  const given = required(responses, member);
  const { code, subject } = row?.state ?? {};
  if (row === undefined || code === undefined || subject === undefined) return usedSession();
  const guess = await admitGuess(ctx, subject, "one-time-code");
  const fits = equalText(given, code.value);
  // A code sent to an address that is no longer the user's proves nothing.
  const to = enrolling?.value ?? (user && addressOf(user, contact, signIn.proven.length === 0));
  const right = fits && user !== undefined && code.to !== undefined && code.to === to;
  await settleGuess(ctx, guess, right);
  if (!right) return wrongCode();
  const proven = [...signIn.proven, rules[step].proof];
  const remember = remembering(guess.caller);
  if (enrolling !== undefined) {
    const enrolled = await enrol(ctx, { ...signIn, user, row }, enrolling);
    return { ...signIn, user: enrolled, row: undefined, enrolling: undefined, proven, remember };
  }
  if (!(await inTransaction(ctx.db, (tx) => takeSignIn(tx, row)))) return usedSession();
  return { ...signIn, row: undefined, proven, remember };
}

/** Makes the address that received the code the user's verified address and a factor, all or nothing. */
async function enrol(
  ctx: Ctx,
  signIn: SignIn & { readonly user: User; readonly row: SignInRow<SignInState> },
  { factor, contact, value }: Enrolling,
): Promise<User> {
  const changed = await changeUser(
    ctx,
    signIn.pool,
    signIn.user,
    (fresh) => {
      // In the meantime, somebody else may have set an address or a factor.
      const isOpen = !fresh.attributes[contact] && usableFactors(signIn.pool, fresh).length === 0;
      if (fresh.signOuts !== signIn.signOuts || !isOpen) usedSession();
      return {
        attributes: { ...fresh.attributes, [contact]: value, [`${contact}_verified`]: "true" },
        mfa: withFactor(fresh.mfa, factor),
      };
    },
    { operation: "RespondToAuthChallenge", also: (tx) => takeSignIn(tx, signIn.row) },
  );
  return changed ?? usedSession();
}
