/** Password rules, making credentials from a clear password, and verifying passwords. */
import type { Ctx } from "../../app.ts";
import type { Credential, NewCredential } from "../../store/credentials.ts";
import type { PasswordPolicyType } from "../../wire/generated/user-pools.types.ts";
import type { Reason } from "../../wire/reasons.ts";
import { refuseFor } from "../../wire/refuse.ts";
import { type Pool, srpPoolName } from "../user-pools/load-pool.ts";
import { turnOf } from "./subjects.ts";

/** UTF-16 units; the maximum of PasswordType. Longer ones are refused before hashing. */
const longestPassword = 256;

/** The API's defaults, for pools without a PasswordPolicy. */
const defaultPolicy: PasswordPolicyType = {
  MinimumLength: 8,
  RequireUppercase: true,
  RequireLowercase: true,
  RequireNumbers: true,
  RequireSymbols: true,
};

/** What a password must contain, as regular expressions. */
const contained = {
  uppercase: /[A-Z]/u,
  lowercase: /[a-z]/u,
  number: /[0-9]/u,
  symbol: /[\^$*.[\]{}()?"!@#%&/\\,><':;|_~`=+\- ]/u,
} as const;

const shortest = ({ MinimumLength = 6 }: PasswordPolicyType) => MinimumLength;

type PasswordReason = Extract<Reason, `password${string}`>;

/** The rules, in the order in which Cognito reports the first one that is violated. */
const rules: readonly {
  fails: (password: string, policy: PasswordPolicyType) => boolean;
  reason: PasswordReason;
}[] = [
  {
    fails: (password, policy) => [...password].length < shortest(policy),
    reason: "passwordShort",
  },
  {
    fails: (password, policy) => policy.RequireUppercase === true && !contained.uppercase.test(password),
    reason: "passwordWithoutUppercase",
  },
  {
    fails: (password, policy) => policy.RequireLowercase === true && !contained.lowercase.test(password),
    reason: "passwordWithoutLowercase",
  },
  {
    fails: (password, policy) => policy.RequireNumbers === true && !contained.number.test(password),
    reason: "passwordWithoutNumber",
  },
  {
    fails: (password, policy) => policy.RequireSymbols === true && !contained.symbol.test(password),
    reason: "passwordWithoutSymbol",
  },
  { fails: (password) => password.length > longestPassword, reason: "passwordLong" },
];

export function passwordPolicy(pool: Pick<Pool, "document">): PasswordPolicyType {
  return pool.document.Policies?.PasswordPolicy ?? defaultPolicy;
}

/** The rules of a policy as sources of regular expressions (flags `su`); rules that it does not have are undefined. */
export function passwordPatterns(policy: PasswordPolicyType) {
  const when = (required: boolean | undefined, { source }: RegExp) =>
    required === true ? source : undefined;
  return {
    length: `^.{${shortest(policy)},}$`,
    uppercase: when(policy.RequireUppercase, contained.uppercase),
    lowercase: when(policy.RequireLowercase, contained.lowercase),
    number: when(policy.RequireNumbers, contained.number),
    symbol: when(policy.RequireSymbols, contained.symbol),
  };
}

/**
 * Checks a new password against the pool's policy. The message differs between users and administrators. Throws
 * InvalidPasswordException.
 */
export function checkPassword(pool: Pick<Pool, "document">, password: string, by: "user" | "admin"): void {
  const policy = passwordPolicy(pool);
  const broken = rules.find((rule) => rule.fails(password, policy));
  if (broken === undefined) return;
  refuseFor(broken.reason, { policy: by === "admin" ? "password policy" : "policy" });
}

export interface CredentialOptions {
  /** Whether the password expires after the policy's TemporaryPasswordValidityDays. */
  readonly temporary?: boolean;
  /** The credential it replaces; the password history continues from it. */
  readonly previous?: Credential | undefined;
}

/**
 * Makes the hash and SRP verifier of a password that passed `checkPassword`. Throws
 * PasswordHistoryPolicyViolationException, and TooManyRequestsException if too many hashes are waiting.
 */
export async function makeCredential(
  ctx: Ctx,
  pool: Pool,
  user: { readonly id: string; readonly username: string },
  password: string,
  options: CredentialOptions = {},
): Promise<NewCredential> {
  const policy = passwordPolicy(pool);
  const remembered = policy.PasswordHistorySize ?? 0;
  const earlier = [options.previous?.phc, ...(options.previous?.history ?? [])].filter(
    (phc) => phc !== undefined,
  );
  const turn = turnOf(ctx, pool);
  for (const phc of earlier.slice(0, remembered)) {
    if (await ctx.app.passwordHasher.verify(phc, password, turn)) {
      refuseFor("passwordUsedBefore");
    }
  }
  const phc = await ctx.app.passwordHasher.hash(password, turn);
  const days =
    policy.TemporaryPasswordValidityDays ||
    pool.document.AdminCreateUserConfig?.UnusedAccountValidityDays ||
    7;
  return {
    phc,
    srp: await newVerifier(ctx, pool, user, password),
    history: earlier.slice(0, remembered),
    temporaryUntil: options.temporary === true ? ctx.now + days * 24 * 60 * 60 * 1000 : undefined,
  };
}

/**
 * Adds an SRP verifier to a credential without one (of an imported user), made from the password that was just verified
 * against its hash. Keeps the hash, unless it was made with other parameters than the current ones. Throws
 * TooManyRequestsException if too many hashes or exchanges are waiting.
 */
export async function completeCredential(
  ctx: Ctx,
  pool: Pool,
  user: { readonly username: string },
  credential: Credential,
  password: string,
): Promise<NewCredential> {
  const { passwordHasher } = ctx.app;
  const { phc } = credential;
  const lasts = phc !== undefined && hashParameters(phc) === hashParameters(passwordHasher.dummyHash);
  return {
    ...credential,
    phc: lasts ? phc : await passwordHasher.hash(password, turnOf(ctx, pool)),
    srp: await newVerifier(ctx, pool, user, password),
  };
}

/**
 * The parameters of a PHC string, everything before its salt: `$argon2id$v=19$m=19456,t=2,p=1`
 * (https://github.com/P-H-C/phc-string-format).
 */
function hashParameters(phc: string): string {
  return phc.split("$").slice(0, 4).join("$");
}

async function newVerifier(ctx: Ctx, pool: Pool, user: { readonly username: string }, password: string) {
  const salt = ctx.random(16);
  const verifier = await ctx.app.srp.makeVerifier(
    { group: srpPoolName(pool), identity: user.username, password, salt },
    turnOf(ctx, pool),
  );
  return { salt, verifier };
}

/** Whether the password is right. Costs one hash even if there is no credential to compare with. */
export async function verifyPassword(
  ctx: Ctx,
  pool: Pick<Pool, "id">,
  credential: Credential | undefined,
  password: string,
): Promise<boolean> {
  const { passwordHasher } = ctx.app;
  const phc = credential?.phc;
  const fits = password.length <= longestPassword;
  const turn = turnOf(ctx, pool);
  const matches = await passwordHasher.verify(phc ?? passwordHasher.dummyHash, fits ? password : "", turn);
  return matches && fits && phc !== undefined;
}
