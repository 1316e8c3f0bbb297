/**
 * Every pool and user that recovery and second factors can be about, and how far somebody gets who reads one address and
 * knows nothing else: walked over the functions that sign-ins themselves decide by.
 */
import { demandsTwo, factorToAsk, type SecondFactor, usableFactors } from "../../src/domain/mfa/factors.ts";
import type { Proof } from "../../src/domain/mfa/proofs.ts";
import { availableFactors } from "../../src/domain/signin/first-factors.ts";
import { type Facts, type Flow, nextStep } from "../../src/domain/signin/steps.ts";
import type { Pool } from "../../src/domain/user-pools/load-pool.ts";
import { recoveryDeliveries } from "../../src/domain/users/recovery.ts";
import { Refusal } from "../../src/lib/refusal.ts";
import type { Credential } from "../../src/store/credentials.ts";
import type { MfaFactor, User } from "../../src/store/users.ts";
import type { RecoveryOptionType } from "../../src/wire/generated/user-pools.types.ts";

export const contacts = ["email", "phone_number"] as const;
export type Contact = (typeof contacts)[number];
const values = { email: "ann@mail.example", phone_number: "+15550100" } as const;

export interface Case {
  readonly pool: Pool;
  readonly user: User;
}

export const subsetsOf = <T>(all: readonly T[]): T[][] =>
  Array.from({ length: 2 ** all.length }, (_, bits) => all.filter((_one, index) => bits & (1 << index)));

const mechanism = (Name: RecoveryOptionType["Name"], Priority = 1): RecoveryOptionType => ({
  Name,
  Priority,
});
export const recoverySettings: readonly (RecoveryOptionType[] | undefined)[] = [
  undefined,
  [mechanism("admin_only")],
  [mechanism("verified_email")],
  [mechanism("verified_phone_number")],
  [mechanism("verified_email"), mechanism("verified_phone_number", 2)],
  [mechanism("verified_phone_number"), mechanism("verified_email", 2)],
];
const poolFactors: SecondFactor[] = ["SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"];
const firstFactors = [["PASSWORD"], ["PASSWORD", "EMAIL_OTP", "SMS_OTP"]] as const;

export function* everyPool(): Generator<Pool> {
  for (const MfaConfiguration of ["OFF", "OPTIONAL", "ON"] as const)
    for (const offered of subsetsOf(poolFactors))
      for (const RecoveryMechanisms of recoverySettings)
        for (const AllowedFirstAuthFactors of firstFactors) {
          const document = {
            MfaConfiguration,
            Policies: { SignInPolicy: { AllowedFirstAuthFactors } },
            ...(RecoveryMechanisms && { AccountRecoverySetting: { RecoveryMechanisms } }),
            ...(offered.includes("SMS_MFA") && { SmsMfaConfiguration: {} }),
            ...(offered.includes("EMAIL_OTP") && { EmailMfaConfiguration: {} }),
            SoftwareTokenMfaConfiguration: { Enabled: offered.includes("SOFTWARE_TOKEN_MFA") },
          };
          yield { id: "pool", document } as unknown as Pool;
        }
}

/** An address that the user lacks, has, or has verified. */
const had = (contact: Contact) =>
  [undefined, "false", "true"].map((verified) =>
    verified === undefined ? {} : { [contact]: values[contact], [`${contact}_verified`]: verified },
  );

export function* everyUser(): Generator<User> {
  const turnedOn = subsetsOf<MfaFactor>([...poolFactors, "WEB_AUTHN"]);
  for (const email of had("email"))
    for (const phone of had("phone_number"))
      for (const enabled of turnedOn)
        for (const preferred of [undefined, ...enabled.filter((factor) => factor !== "WEB_AUTHN")])
          for (const token of [{}, { softwareToken: "" }]) {
            const attributes = { ...email, ...phone };
            const mfa = { enabled, ...(preferred && { preferred }), ...token };
            yield { status: "CONFIRMED", enabled: true, attributes, mfa } as unknown as User;
          }
}

/** Where a code to recover by would go. */
export function recoveredBy({ pool, user }: Case): Contact[] {
  try {
    // The first one is used; the others would be by whoever changes the order, or loses that one.
    return recoveryDeliveries(pool, user).map(({ attribute }) => attribute);
  } catch (error) {
    if (error instanceof Refusal && error.code === "NotAuthorizedException") return [];
    throw error;
  }
}

export type Reach = "tokens" | "MFA_SETUP" | "nothing";

/** How far the reader of one address gets, over every way to begin and every choice on it. */
export function reachOf({ pool, user }: Case, address: Contact): Reach {
  const isRecovered = recoveredBy({ pool, user }).includes(address);
  const code: Proof = address === "email" ? "email" : "sms";
  const credential = { srp: {}, phc: "" } as unknown as Credential;
  const first = availableFactors(pool, { user, credential, passkeys: 0 });
  const usable = usableFactors(pool, user);
  const mfa = {
    demanded: demandsTwo(pool, user),
    usable,
    ask: factorToAsk(user, usable),
    enrolling: undefined,
  };
  /** What answers a step: that which the address or the recovered password gives. */
  const proofs: Partial<Record<string, Proof | undefined>> = {
    PASSWORD: isRecovered ? "password" : undefined,
    EMAIL_OTP: address === "email" ? code : undefined,
    SMS_OTP: address === "phone_number" ? code : undefined,
    SMS_MFA: address === "phone_number" ? code : undefined,
  };
  const walk = (facts: Facts): Reach => {
    const step = nextStep(facts);
    if (step === "done") return "tokens";
    if (step === "MFA_SETUP") return step;
    if (step === "SELECT_MFA_TYPE") return furthest(usable.map((chosen) => walk({ ...facts, chosen })));
    const proof = proofs[step];
    // What was proven before is asked for again only because it proves nothing more.
    return proof === undefined || facts.proven.includes(proof)
      ? "nothing"
      : walk({ ...facts, proven: [...facts.proven, proof] });
  };
  const begin = (flow: Flow, chosen?: Facts["chosen"]) =>
    walk({ flow, chosen, proven: [], status: user.status, mfa, device: undefined });
  return furthest([begin("USER_PASSWORD_AUTH"), ...first.map((factor) => begin("USER_AUTH", factor))]);
}

function furthest(reached: readonly Reach[]): Reach {
  return (["tokens", "MFA_SETUP"] as const).find((one) => reached.includes(one)) ?? "nothing";
}
