/**
 * Users' software tokens: a seed is issued, and becomes the user's with its first code ("TOTP software token MFA",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-mfa-totp.html).
 */
import type { Ctx } from "../../app.ts";
import { endBrowserSessionsBy } from "../../store/browser-sessions.ts";
import type { Db } from "../../store/db.ts";
import {
  deleteSoftwareToken,
  readSoftwareToken,
  storeVerifiedSeed,
  writePendingSeed,
} from "../../store/software-tokens.ts";
import type { User } from "../../store/users.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { admitGuess, settleGuess } from "../credentials/guessing.ts";
import { subjectOf } from "../credentials/subjects.ts";
import { poolFactors, withFactor, withoutSoftwareToken } from "../mfa/factors.ts";
import { secretCode, seedBytes, stepOf } from "../mfa/totp.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { changeUser } from "./change-user.ts";

/** Throws SoftwareTokenMFANotFoundException unless the pool offers software tokens. */
export function assertSoftwareTokensOn(pool: Pool): void {
  if (!poolFactors(pool).includes("SOFTWARE_TOKEN_MFA")) refuseFor("tokenFactorOff");
}

/**
 * AssociateSoftwareToken with an access token: returns the SecretCode. A token that was verified before stays valid.
 */
export async function associateSoftwareToken(ctx: Ctx, pool: Pool, user: User): Promise<string> {
  assertSoftwareTokensOn(pool);
  const seed = ctx.random(seedBytes);
  await writePendingSeed(ctx.db, pool.id, user.id, seed, ctx.now);
  return secretCode(seed);
}

/** VerifySoftwareToken with an access token. Throws EnableSoftwareTokenMFAException. */
export async function verifySoftwareToken(
  ctx: Ctx,
  pool: Pool,
  user: User,
  request: { code: string; name: string },
): Promise<void> {
  assertSoftwareTokensOn(pool);
  const token = await readSoftwareToken(ctx.db, pool.id, user.id);
  if (token?.pending === undefined)
    return refuse("InvalidParameterException", "No software token was associated that waits for its code.");
  await enrolSoftwareToken(ctx, pool, user, {
    ...request,
    seed: token.pending,
    version: token.version,
    // SetUserMFAPreference turns it on; one that replaces another keeps the other's state.
    decide: () => ({ enable: false }),
    also: async () => true,
  });
}

export interface Enrolment {
  readonly seed: Uint8Array;
  readonly code: string;
  /** FriendlyDeviceName. */
  readonly name: string;
  /** The version of the stored row in which the seed waits. */
  readonly version: number | undefined;
  /** Decides whether it becomes a factor at once; refuses outdated requests. */
  readonly decide: (fresh: User) => { readonly enable: boolean };
  /** Further store calls in the same transaction; returns false if the row was changed concurrently. */
  readonly also: (tx: Db) => Promise<boolean>;
}

/** Makes the seed the user's if the code is right. Guesses count along with those at sign-in codes. */
export async function enrolSoftwareToken(
  ctx: Ctx,
  pool: Pool,
  user: User,
  enrolment: Enrolment,
): Promise<void> {
  const { seed, code, name, version, decide, also } = enrolment;
  const guess = await admitGuess(ctx, subjectOf(ctx, pool, user, user.username), "software-token");
  const step = stepOf(seed, code, ctx.now);
  await settleGuess(ctx, guess, step !== undefined);
  if (step === undefined) return wrongFirstCode();
  const changed = await changeUser(
    ctx,
    pool,
    user,
    (fresh) => ({
      mfa: decide(fresh).enable
        ? withFactor(fresh.mfa, "SOFTWARE_TOKEN_MFA", name)
        : { ...fresh.mfa, softwareToken: name },
    }),
    {
      operation: "VerifySoftwareToken",
      isEvent: true,
      also: async (tx, fresh) => {
        const verified = { seed, step, version, now: ctx.now };
        if (!(await storeVerifiedSeed(tx, pool.id, user.id, verified))) return false;
        if (!(await also(tx))) return false;
        if (fresh.mfa.softwareToken !== undefined) await endSessionsByToken(tx, pool, user);
        return true;
      },
    },
  );
  if (changed === undefined) wrongFirstCode();
}

/** Ends browser sessions that were started with the software token that is now gone. */
function endSessionsByToken(tx: Db, pool: Pool, user: User): Promise<void> {
  return endBrowserSessionsBy(tx, { poolId: pool.id, userId: user.id }, ["software-token"]);
}

function wrongFirstCode(): never {
  return refuseFor("tokenCodeWrong");
}

/** AdminDeleteSoftwareToken. Throws ResourceNotFoundException. */
export async function removeSoftwareToken(ctx: Ctx, pool: Pool, user: User): Promise<void> {
  const changed = await changeUser(ctx, pool, user, (fresh) => ({ mfa: withoutSoftwareToken(fresh.mfa) }), {
    operation: "AdminDeleteSoftwareToken",
    isEvent: true,
    also: async (tx) => {
      if (!(await deleteSoftwareToken(tx, pool.id, user.id))) return false;
      await endSessionsByToken(tx, pool, user);
      return true;
    },
  });
  if (changed === undefined)
    refuse("ResourceNotFoundException", "Software Token MFA does not exist for the user.");
}
