/**
 * First factors: which ones a pool allows, which ones a user has, and the choice among them ("Choice-based sign-in",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/authentication-flows-selection-sdk.html). If the client
 * hides whether users exist, everybody is offered all that the pool allows, and a user who chooses a factor they do not
 * have is treated as nonexistent from then on.
 */
import type { Ctx } from "../../app.ts";
import { type Credential, readCredential } from "../../store/credentials.ts";
import { listPasskeys } from "../../store/passkeys.ts";
import type { User } from "../../store/users.ts";
import { refuseFor } from "../../wire/refuse.ts";
import { demandsTwo, passkeysAreTwo } from "../mfa/factors.ts";
import { hidesUsers } from "../user-pools/clients.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { isVerified } from "../users/attributes.ts";
import type { SignIn } from "./sign-in.ts";
import { type FirstFactor, isFirstFactor, type Step } from "./steps.ts";

/** A user and what they can prove their identity by. */
interface Enrolled {
  readonly user: User;
  readonly credential: Credential | undefined;
  readonly passkeys: number;
}

interface FactorRule {
  /** The factor's name in the pool's AllowedFirstAuthFactors. */
  readonly allowedAs: "PASSWORD" | "EMAIL_OTP" | "SMS_OTP" | "WEB_AUTHN";
  readonly has: (of: Enrolled) => boolean;
}

/** The first factors, in the order in which they are listed to the user. */
const factorRules: Readonly<Record<FirstFactor, FactorRule>> = {
  PASSWORD_SRP: {
    allowedAs: "PASSWORD",
    has: ({ credential }) => credential?.srp !== undefined,
  },
  PASSWORD: {
    allowedAs: "PASSWORD",
    has: ({ credential }) => credential?.phc !== undefined,
  },
  EMAIL_OTP: {
    allowedAs: "EMAIL_OTP",
    // An unverified address may be mistyped and belong to somebody else, who must not get in.
    has: ({ user }) => isVerified(user.attributes, "email"),
  },
  SMS_OTP: {
    allowedAs: "SMS_OTP",
    has: ({ user }) => isVerified(user.attributes, "phone_number"),
  },
  WEB_AUTHN: { allowedAs: "WEB_AUTHN", has: ({ passkeys }) => passkeys > 0 },
};

/** Whether the pool allows the first factor that a step asks for; true for steps that ask for none. */
export function allowsFirst(pool: Pool, step: Step): boolean {
  const factor = step === "PASSWORD_VERIFIER" ? "PASSWORD_SRP" : step;
  return !isFirstFactor(factor) || allowedFactors(pool).includes(factorRules[factor].allowedAs);
}

function allowedFactors(pool: Pool): readonly string[] {
  return pool.document.Policies?.SignInPolicy?.AllowedFirstAuthFactors ?? ["PASSWORD"];
}

/**
 * The first factors that a user can sign in with; without a user, all that a user of the pool could have. One-time
 * codes are a single factor, so they are left out where two are required; so are passkeys, unless pool and user count
 * them as two. Users who sign in elsewhere have none. Users who must choose a new password have to sign in with their current one.
 */
export function availableFactors(pool: Pool, of: Enrolled | undefined): FirstFactor[] {
  if (of?.user.status === "EXTERNAL_PROVIDER") return [];
  const allowed = allowedFactors(pool);
  const needsTwo = demandsTwo(pool, of?.user);
  const mustChoosePassword = of?.user.status === "FORCE_CHANGE_PASSWORD";
  const twoInOne = of !== undefined && passkeysAreTwo(pool, of.user);
  return (Object.keys(factorRules) as FirstFactor[]).filter((factor) => {
    const { allowedAs, has } = factorRules[factor];
    if (!allowed.includes(allowedAs)) return false;
    if (allowedAs !== "PASSWORD" && mustChoosePassword) return false;
    const isTwo = allowedAs === "WEB_AUTHN" && (twoInOne || of === undefined);
    if (allowedAs !== "PASSWORD" && needsTwo && !isTwo) return false;
    return of === undefined || has(of);
  });
}

/**
 * Determines the available first factors, and chooses the preferred one if it is among them. If the client hides
 * whether users exist, the list is the same for everybody, and a user who does not have the chosen factor is treated as
 * nonexistent from then on. Otherwise throws NotAuthorizedException (disabled) and UserNotConfirmedException.
 */
export async function chooseFactor(ctx: Ctx, signIn: SignIn, preferred: string | undefined): Promise<SignIn> {
  const { pool, user, client } = signIn;
  const credential = await readCredential(ctx.db, pool.id, user?.id);
  if (user !== undefined && !hidesUsers(client)) {
    if (!user.enabled) refuseFor("disabled");
    if (user.status === "UNCONFIRMED") refuseFor("notConfirmed");
  }
  // Reads the same rows whether or not the user exists.
  const passkeys = await listPasskeys(ctx.db, pool.id, user?.id ?? "nobody", { limit: 1 });
  const own = availableFactors(pool, user && { user, credential, passkeys: passkeys.length });
  const available = hidesUsers(client) ? availableFactors(pool, undefined) : own;
  const chosen = available.find((factor) => factor === preferred);
  if (chosen !== undefined && !own.includes(chosen))
    return { ...signIn, user: undefined, signOuts: 0, credentialVersion: 0, chosen, available };
  return { ...signIn, chosen, available, credentialVersion: credential?.version ?? 0 };
}
