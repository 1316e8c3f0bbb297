/**
 * Whether what a sign-in waits for may still be proven, as pool, client and user are at this moment: what was turned off
 * while it waited proves nothing. Whether the user still has the thing itself (a token, a passkey, an address, a device),
 * each challenge looks up when it is answered.
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

/** Throws NotAuthorizedException, MFAMethodNotFoundException, SoftwareTokenMFANotFoundException. */
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
    // The factor that this very sign-in has set up, or none.
    if (usable.length > 0 && signIn.row?.state.enrolled !== true) invalidSession();
  } else if ((kind === "second" || kind === "either") && !usable.includes(awaiting)) {
    if (awaiting === "SOFTWARE_TOKEN_MFA") noSoftwareToken();
    noSuchFactor();
  }
}

function noSuchFactor(): never {
  return refuseFor("factorGone");
}
