/**
 * mfa: authentication beyond a password. This file determines which second factors a pool offers and a user has, and
 * how preferences change ("MFA",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-mfa.html). Pure.
 */
import type { MfaFactor, User, UserMfa } from "../../store/users.ts";
import type {
  EmailMfaSettingsType,
  SMSMfaSettingsType,
  SoftwareTokenMfaSettingsType,
} from "../../wire/generated/user-pools.types.ts";
import { refuse } from "../../wire/refuse.ts";
import { type ContactAttribute, type Delivery, deliveryTo } from "../messages/delivery.ts";
import { isFactorOn, type MfaFactors } from "../user-pools/factor-rules.ts";
import type { Pool } from "../user-pools/load-pool.ts";

/** Factors with a challenge of their own in a sign-in. */
export type SecondFactor = Exclude<MfaFactor, "WEB_AUTHN">;

interface FactorRule {
  /** The pool's setting that turns it on. */
  readonly setting: keyof MfaFactors;
  /** The attribute whose address receives the codes. */
  readonly contact: ContactAttribute | undefined;
}

/** THE list of second factors, in the order in which clients see them. */
const rules: Readonly<Record<SecondFactor, FactorRule>> = {
  SMS_MFA: { setting: "SmsMfaConfiguration", contact: "phone_number" },
  SOFTWARE_TOKEN_MFA: { setting: "SoftwareTokenMfaConfiguration", contact: undefined },
  EMAIL_OTP: { setting: "EmailMfaConfiguration", contact: "email" },
};

const factors = Object.keys(rules) as readonly SecondFactor[];

export function isSecondFactor(name: string): name is SecondFactor {
  return Object.hasOwn(rules, name);
}

type MfaMode = "OFF" | "OPTIONAL" | "ON";

function mfaMode(pool: Pick<Pool, "document">): MfaMode {
  return pool.document.MfaConfiguration ?? "OFF";
}

/** The second factors that a pool offers. */
export function poolFactors(pool: Pick<Pool, "document">): SecondFactor[] {
  return factors.filter((factor) => isFactorOn(pool.document, rules[factor].setting));
}

/** Where a factor's codes are sent; undefined if it has none, or the user has no such address. */
export function factorDelivery(user: Pick<User, "attributes">, factor: SecondFactor): Delivery | undefined {
  const { contact } = rules[factor];
  const value = contact && user.attributes[contact];
  return contact !== undefined && value ? deliveryTo(contact, value) : undefined;
}

/** Whether the user has what the factor needs. */
function has(user: Pick<User, "attributes" | "mfa">, factor: SecondFactor): boolean {
  if (factor === "SOFTWARE_TOKEN_MFA") return user.mfa.softwareToken !== undefined;
  return factorDelivery(user, factor) !== undefined;
}

/**
 * The second factors that a sign-in of this user may ask for. If the pool requires MFA, an address that can receive
 * codes is a factor without being turned on ("users with a phone number get an SMS"); if MFA is optional, only what was
 * turned on counts.
 */
export function usableFactors(
  pool: Pick<Pool, "document">,
  user: Pick<User, "attributes" | "mfa">,
): SecondFactor[] {
  const mode = mfaMode(pool);
  if (mode === "OFF") return [];
  const possible = poolFactors(pool).filter((factor) => has(user, factor));
  const enabled = possible.filter((factor) => user.mfa.enabled.includes(factor));
  return enabled.length > 0 || mode === "OPTIONAL" ? enabled : possible;
}

/**
 * The addresses that are second factors of the user: those that a sign-in may send codes to, and those that were turned
 * on even if the pool no longer uses them. Somebody who reads their messages must not gain another proof by them.
 */
export function factorContacts(
  pool: Pick<Pool, "document">,
  user: Pick<User, "attributes" | "mfa">,
): ContactAttribute[] {
  const all = [...usableFactors(pool, user), ...user.mfa.enabled.filter((factor) => factor !== "WEB_AUTHN")];
  return [...new Set(all.flatMap((factor) => rules[factor].contact ?? []))];
}

/** Whether the pool or the user requires a second factor. @param user undefined for one who does not exist */
export function demandsTwo(
  pool: Pick<Pool, "document">,
  user: Pick<User, "attributes" | "mfa"> | undefined,
): boolean {
  return mfaMode(pool) === "ON" || (user !== undefined && usableFactors(pool, user).length > 0);
}

/** The factor that is asked for without offering a choice: the preferred one, or the only one. */
export function factorToAsk(
  user: Pick<User, "mfa">,
  usable: readonly SecondFactor[],
): SecondFactor | undefined {
  const preferred = usable.find((factor) => factor === user.mfa.preferred);
  return preferred ?? (usable.length === 1 ? usable[0] : undefined);
}

/** The common members of SetUserMFAPreference and AdminSetUserMFAPreference. */
export interface PreferenceRequest {
  readonly SMSMfaSettings?: SMSMfaSettingsType | undefined;
  readonly SoftwareTokenMfaSettings?: SoftwareTokenMfaSettingsType | undefined;
  readonly EmailMfaSettings?: EmailMfaSettingsType | undefined;
  readonly WebAuthnMfaSettings?: { readonly Enabled?: boolean | undefined } | undefined;
}

/**
 * The user's factors after a change of preferences; factors that are not named are unchanged. Users may only turn on
 * what they have verified: a mistyped number must not become a factor. Throws InvalidParameterException.
 */
export function changePreferences(
  pool: Pick<Pool, "document">,
  user: Pick<User, "attributes" | "mfa">,
  request: PreferenceRequest,
  by: "user" | "admin",
): UserMfa {
  const given: [SecondFactor, { Enabled?: boolean | undefined; PreferredMfa?: boolean | undefined }][] = [];
  if (request.SMSMfaSettings) given.push(["SMS_MFA", request.SMSMfaSettings]);
  if (request.SoftwareTokenMfaSettings) given.push(["SOFTWARE_TOKEN_MFA", request.SoftwareTokenMfaSettings]);
  if (request.EmailMfaSettings) given.push(["EMAIL_OTP", request.EmailMfaSettings]);
  const enabled = new Set(user.mfa.enabled);
  let { preferred } = user.mfa;
  for (const [factor, settings] of given) {
    const isOn = settings.Enabled ?? enabled.has(factor);
    if (settings.PreferredMfa === true && !isOn) invalid(`${factor} must be enabled to be preferred.`);
    if (!isOn) enabled.delete(factor);
    else if (!enabled.has(factor)) {
      assertCanEnable(pool, user, factor, by);
      enabled.add(factor);
    }
    if (preferred === factor && (!isOn || settings.PreferredMfa === false)) preferred = undefined;
  }
  const chosen = given.filter(([, settings]) => settings.PreferredMfa === true);
  if (chosen.length > 1) invalid("Only one MFA factor can be preferred.");
  changePasskeyPreference(pool, user, enabled, request.WebAuthnMfaSettings?.Enabled);
  return withFactors(user.mfa, enabled, chosen[0]?.[0] ?? preferred);
}

/** Whether a passkey with user verification counts as two factors: both pool and user must want it. */
export function passkeysAreTwo(pool: Pick<Pool, "document">, user: Pick<User, "mfa">): boolean {
  return takesPasskeysForTwo(pool) && user.mfa.enabled.includes("WEB_AUTHN");
}

function takesPasskeysForTwo(pool: Pick<Pool, "document">): boolean {
  return pool.document.WebAuthnConfiguration?.FactorConfiguration === "MULTI_FACTOR_WITH_USER_VERIFICATION";
}

/**
 * Changes WebAuthnMfaSettings. To turn it on, the user needs another factor: losing the authenticator must not lock them
 * out.
 */
function changePasskeyPreference(
  pool: Pick<Pool, "document">,
  user: Pick<User, "attributes" | "mfa">,
  enabled: Set<MfaFactor>,
  isOn: boolean | undefined,
): void {
  if (isOn === false) enabled.delete("WEB_AUTHN");
  if (isOn === true) {
    if (!takesPasskeysForTwo(pool)) invalid("WEB_AUTHN MFA is not enabled for the user pool.");
    enabled.add("WEB_AUTHN");
  }
  if (!enabled.has("WEB_AUTHN") || enabled.size > 1) return;
  if (usableFactors(pool, { ...user, mfa: { ...user.mfa, enabled: [...enabled] } }).length === 0)
    invalid("WEB_AUTHN MFA needs another MFA factor beside it.");
}

function withFactors(
  mfa: UserMfa,
  enabled: ReadonlySet<MfaFactor>,
  preferred: MfaFactor | undefined,
): UserMfa {
  const { preferred: _, ...rest } = mfa;
  return { ...rest, enabled: [...enabled], ...(preferred !== undefined && { preferred }) };
}

/** Turns a factor on. The first one becomes the preferred one. */
export function withFactor(mfa: UserMfa, factor: MfaFactor, softwareToken?: string): UserMfa {
  return {
    ...withFactors(mfa, new Set([...mfa.enabled, factor]), mfa.preferred ?? factor),
    ...(softwareToken !== undefined && { softwareToken }),
  };
}

/** Turns the software token off and removes it. */
export function withoutSoftwareToken(mfa: UserMfa): UserMfa {
  const { softwareToken: _, ...rest } = mfa;
  const others = mfa.enabled.filter((factor) => factor !== "SOFTWARE_TOKEN_MFA");
  // Passkeys are no second factor by themselves, only next to another.
  const enabled = new Set(others.length === 1 && others[0] === "WEB_AUTHN" ? [] : others);
  return withFactors(rest, enabled, mfa.preferred === "SOFTWARE_TOKEN_MFA" ? undefined : mfa.preferred);
}

function assertCanEnable(
  pool: Pick<Pool, "document">,
  user: Pick<User, "attributes" | "mfa">,
  factor: SecondFactor,
  by: "user" | "admin",
): void {
  if (!poolFactors(pool).includes(factor)) invalid(`${factor} is not enabled for the user pool.`);
  if (!has(user, factor)) {
    if (factor === "SOFTWARE_TOKEN_MFA") invalid("User has not verified software token mfa");
    invalid(`User does not have delivery config set to turn on ${factor}`);
  }
  const { contact } = rules[factor];
  if (by === "user" && contact !== undefined && user.attributes[`${contact}_verified`] !== "true")
    invalid(`User does not have delivery config set to turn on ${factor}`);
}

function invalid(message: string): never {
  return refuse("InvalidParameterException", message);
}
