/**
 * Checks that what a sign-in waits for may still be proven, given the current settings of pool, client and user: what
 * has been turned off in the meantime proves nothing. Whether the user still has the factor itself (a token, passkey,
 * address or device) is checked by each challenge when it is answered.
 */
import { refuseFor } from "../../wire/refuse.ts";
import { poolFactors, usableFactors } from "../mfa/factors.ts";
import { allowsFlow } from "../user-pools/clients.ts";
import { assertWritable } from "../users/attributes.ts";
import { challenges } from "./challenges.ts";
import { allowsFirst } from "./first-factors.ts";
import { invalidSession, noSoftwareToken } from "./refusals.ts";
import type { SignIn } from "./sign-in.ts";
import { isChoice, type Step } from "./steps.ts";

/**
 * Checks that an awaited step may still be proven. Throws NotAuthorizedException, MFAMethodNotFoundException and
 * SoftwareTokenMFANotFoundException.
 */
export function assertStillValid(signIn: SignIn, awaiting: Step): void {
  const { pool, client, user, flow, proven, enrolling } = signIn;
  const { kind } = challenges[awaiting];
  if (!allowsFlow(client, flow)) invalidSession();
  if (proven.length === 0) {
    if (isChoice(flow) && !allowsFirst(pool, awaiting)) invalidSession();
    return;
  }
  const usable: readonly Step[] = user === undefined ? [] : usableFactors(pool, user);
  if (enrolling !== undefined) {
    if (usable.length > 0) invalidSession();
    if (!poolFactors(pool).includes(enrolling.factor)) noSuchFactor();
    assertWritable(pool, client, [enrolling.contact]);
  } else if (awaiting === "MFA_SETUP") {
    // A usable factor is only acceptable if this sign-in set it up.
    if (usable.length > 0 && signIn.row?.state.enrolled !== true) invalidSession();
  } else if ((kind === "second" || kind === "either") && !usable.includes(awaiting)) {
    if (awaiting === "SOFTWARE_TOKEN_MFA") noSoftwareToken();
    noSuchFactor();
  }
}

function noSuchFactor(): never {
  return refuseFor("factorGone");
}
