/**
 * The first factors: which ones a pool allows and a user has, and the choice among them (AWS: "Choice-based sign-in",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/authentication-flows-selection-sdk.html). Where the client
 * hides who exists, everybody is offered whatever the pool allows, and a user who chooses what they do not have goes on as
 * one who does not exist.
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

/** What a user can prove. */
interface Possessions {
  readonly user: User;
  readonly credential: Credential | undefined;
  readonly passkeys: number;
}

interface Having {
  /** In the pool's words (AllowedFirstAuthFactors). */
  readonly allowedAs: "PASSWORD" | "EMAIL_OTP" | "SMS_OTP" | "WEB_AUTHN";
  readonly has: (of: Possessions) => boolean;
}

/** In the order in which they are listed. */
const havings: Readonly<Record<FirstFactor, Having>> = {
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
    // A mistyped address is somebody else's: they must not get in by it.
    has: ({ user }) => isVerified(user.attributes, "email"),
  },
  SMS_OTP: {
    allowedAs: "SMS_OTP",
    has: ({ user }) => isVerified(user.attributes, "phone_number"),
  },
  WEB_AUTHN: { allowedAs: "WEB_AUTHN", has: ({ passkeys }) => passkeys > 0 },
};

/** Whether users of the pool may sign in by what this step asks for. */
export function allowsFirst(pool: Pool, step: Step): boolean {
  const factor = step === "PASSWORD_VERIFIER" ? "PASSWORD_SRP" : step;
  return !isFirstFactor(factor) || allowedFactors(pool).includes(havings[factor].allowedAs);
}

function allowedFactors(pool: Pool): readonly string[] {
  return pool.document.Policies?.SignInPolicy?.AllowedFirstAuthFactors ?? ["PASSWORD"];
}

/**
 * The first factors of a user; of nobody, all that a user of the pool could have. One-time codes are one factor alone,
 * so they are no way in where a second is demanded, and passkeys are only where pool and user take them for two; users who
 * must choose a password have to bring one.
 */
export function availableFactors(pool: Pool, of: Possessions | undefined): FirstFactor[] {
  const allowed = allowedFactors(pool);
  const needsTwo = demandsTwo(pool, of?.user);
  const mustChoosePassword = of?.user.status === "FORCE_CHANGE_PASSWORD";
  const twoInOne = of !== undefined && passkeysAreTwo(pool, of.user);
  return (Object.keys(havings) as FirstFactor[]).filter((factor) => {
    const { allowedAs, has } = havings[factor];
    if (!allowed.includes(allowedAs)) return false;
    if (allowedAs !== "PASSWORD" && mustChoosePassword) return false;
    const isTwo = allowedAs === "WEB_AUTHN" && (twoInOne || of === undefined);
    if (allowedAs !== "PASSWORD" && needsTwo && !isTwo) return false;
    return of === undefined || has(of);
  });
}

/**
 * The sign-in with what there is to choose from, and the preferred factor chosen if it is among that. Where the client
 * hides who exists, that is the same for everybody, and whoever lacks what was chosen is nobody from then on.
 */
export async function chooseFactor(ctx: Ctx, signIn: SignIn, preferred: string | undefined): Promise<SignIn> {
  const { pool, user, client } = signIn;
  const credential = await readCredential(ctx.db, pool.id, user?.id);
  if (user !== undefined && !hidesUsers(client)) {
    if (!user.enabled) refuseFor("disabled");
    if (user.status === "UNCONFIRMED") refuseFor("notConfirmed");
  }
  // The same reads whether the user exists or not.
  const passkeys = await listPasskeys(ctx.db, pool.id, user?.id ?? "nobody", { limit: 1 });
  const own = availableFactors(pool, user && { user, credential, passkeys: passkeys.length });
  const available = hidesUsers(client) ? availableFactors(pool, undefined) : own;
  const chosen = available.find((factor) => factor === preferred);
  if (chosen !== undefined && !own.includes(chosen))
    return { ...signIn, user: undefined, signOuts: 0, credentialVersion: 0, chosen, available };
  return { ...signIn, chosen, available, credentialVersion: credential?.version ?? 0 };
}
