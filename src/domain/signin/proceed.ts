/** The dispatcher: after each proof it asks the table what comes next and offers that, or ends the sign-in. */
import type { Ctx } from "../../app.ts";
import { findDevice } from "../../store/devices.ts";
import type { User, UserStatus } from "../../store/users.ts";
import { refuseFor } from "../../wire/refuse.ts";
import { areTwo, demandsTwo, factorToAsk, usableFactors } from "../mfa/factors.ts";
import { provesDevice } from "../users/browser-devices.ts";
import { replacesMfa } from "../users/devices.ts";
import { offerCode } from "./challenges/code.ts";
import { offerCustomChallenge } from "./challenges/custom.ts";
import { offerDevice } from "./challenges/device.ts";
import { offerMfaSetup } from "./challenges/mfa-setup.ts";
import { changeAddresses, offerNewPassword } from "./challenges/new-password.ts";
import { offerChallenge } from "./challenges/offer.ts";
import { offerPasskey } from "./challenges/passkey.ts";
import { provePassword } from "./challenges/password.ts";
import { offerPasswordVerifier, readSrpA } from "./challenges/password-srp.ts";
import { offerChoice } from "./challenges/select-challenge.ts";
import { offerMfaTypes } from "./challenges/select-mfa.ts";
import { offerSoftwareToken } from "./challenges/software-token.ts";
import { told } from "./count.ts";
import { type Outcome, required, type SignIn, wrongPassword } from "./sign-in.ts";
import { nextStep, type Step } from "./steps.ts";

/** What the request at hand has brought: a first factor may be proven by the same request that chooses it. */
type Given = Readonly<Record<string, string>>;

const offers: Readonly<Record<Step, (ctx: Ctx, signIn: SignIn, given: Given) => Promise<Outcome>>> = {
  SELECT_CHALLENGE: offerChoice,
  PASSWORD: offerPassword,
  PASSWORD_SRP: (ctx, signIn, given) =>
    given["SRP_A"]
      ? offerPasswordVerifier(ctx, signIn, readSrpA(given["SRP_A"]))
      : offerChallenge(ctx, signIn, { name: "PASSWORD_SRP", parameters: {}, available: ["PASSWORD_SRP"] }),
  PASSWORD_VERIFIER: (ctx, signIn, given) =>
    offerPasswordVerifier(ctx, signIn, readSrpA(required(given, "SRP_A"))),
  CUSTOM_CHALLENGE: offerCustomChallenge,
  EMAIL_OTP: (ctx, signIn) => offerCode(ctx, signIn, "EMAIL_OTP"),
  SMS_OTP: (ctx, signIn) => offerCode(ctx, signIn, "SMS_OTP"),
  WEB_AUTHN: offerPasskey,
  SMS_MFA: (ctx, signIn) => offerCode(ctx, signIn, "SMS_MFA"),
  NEW_PASSWORD_REQUIRED: offerNewPassword,
  SELECT_MFA_TYPE: offerMfaTypes,
  MFA_SETUP: offerMfaSetup,
  SOFTWARE_TOKEN_MFA: offerSoftwareToken,
  DEVICE_SRP_AUTH: (ctx, signIn, given) =>
    signIn.page === undefined ? offerDevice(ctx, signIn, given) : proveBrowser(ctx, signIn, given),
  DEVICE_PASSWORD_VERIFIER: offerDevice,
};

/** The password of the same request, or a request for it. */
async function offerPassword(ctx: Ctx, signIn: SignIn, given: Given): Promise<Outcome> {
  const password = given["PASSWORD"];
  if (password) return proceed(ctx, await provePassword(ctx, signIn, password));
  return offerChallenge(ctx, signIn, { name: "PASSWORD", parameters: {}, available: ["PASSWORD"] });
}

/** A page asks nobody for a device: the browser has brought its secret, or the sign-in goes on without the device. */
async function proveBrowser(ctx: Ctx, signIn: SignIn, given: Given): Promise<Outcome> {
  const { pool, user, deviceKey, page } = signIn;
  const device = page?.devices.find(({ key }) => key === deviceKey);
  const isProven = user && device && (await provesDevice(ctx, pool, user, device, areTwo(signIn.proven)));
  if (!isProven) return proceed(ctx, { ...signIn, deviceKey: undefined }, given);
  return proceed(ctx, { ...signIn, proven: [...signIn.proven, "device"] }, given);
}

/**
 * Goes on after a proof, or begins. Whether the account may sign in at all is told only to who proved a first factor.
 * Throws NotAuthorizedException, UserNotConfirmedException and PasswordResetRequiredException.
 */
export async function proceed(ctx: Ctx, signIn: SignIn, given: Given = {}): Promise<Outcome> {
  const { pool, client, user, proven } = signIn;
  if (proven.length > 0) {
    Object.assign(signIn.attempt, { passed: told(proven), proving: undefined });
    if (user === undefined) return wrongPassword("simulated sign-in");
    assertMayPass(user);
  }
  const device = await deviceOf(ctx, signIn);
  const facts = { ...signIn, status: user?.status ?? "CONFIRMED", mfa: mfaOf(signIn), device } as const;
  const step = nextStep(facts);
  if (step !== "done") return offers[step](ctx, signIn, given);
  if (user === undefined) return wrongPassword("simulated sign-in");
  return {
    kind: "authenticated",
    authenticated: {
      pool,
      client,
      user: await changeAddresses(ctx, signIn, user),
      methods: proven,
      twoFactors: areTwo(proven),
      authTime: ctx.now,
      credentialVersion: signIn.credentialVersion,
      signOuts: signIn.signOuts,
      remember: signIn.remember,
      deviceKey: device && signIn.deviceKey,
    },
  };
}

/** The named device as it is now: forgotten meanwhile, it stands for nothing. */
async function deviceOf(ctx: Ctx, { pool, user, deviceKey }: SignIn) {
  if (deviceKey === undefined || user === undefined) return undefined;
  const device = await findDevice(ctx.db, pool.id, user.id, deviceKey);
  return device && { replacesMfa: replacesMfa(pool, device) };
}

function mfaOf({ pool, user, enrolling }: SignIn) {
  const usable = user === undefined ? [] : usableFactors(pool, user);
  return {
    demanded: demandsTwo(pool, user),
    usable,
    ask: user && factorToAsk(user, usable),
    enrolling: enrolling?.factor,
  };
}

const refusals: Partial<Record<UserStatus, () => never>> = {
  UNCONFIRMED: () => refuseFor("notConfirmed"),
  RESET_REQUIRED: () => refuseFor("resetRequired"),
  EXTERNAL_PROVIDER: () => wrongPassword("federated users have no password"),
};

function assertMayPass(user: User): void {
  if (!user.enabled) refuseFor("disabled");
  refusals[user.status]?.();
}
