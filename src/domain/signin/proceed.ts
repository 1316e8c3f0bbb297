/** Continues a sign-in: asks the table of steps what comes next, and offers that or ends the sign-in. */
import type { Ctx } from "../../app.ts";
import { findDevice } from "../../store/devices.ts";
import type { User, UserStatus } from "../../store/users.ts";
import { refuseFor } from "../../wire/refuse.ts";
import { learn } from "../audit/attempt.ts";
import { demandsTwo, factorToAsk, usableFactors } from "../mfa/factors.ts";
import { areTwo, provenInEvents } from "../mfa/proofs.ts";
import { tracksDevices } from "../tokens/device-keys.ts";
import { postAuthentication } from "../triggers/authentication.ts";
import { replacesMfa } from "../users/devices.ts";
import type { Given } from "./challenge.ts";
import { challenges } from "./challenges.ts";
import { wrongPassword } from "./refusals.ts";
import type { Outcome, SignIn } from "./sign-in.ts";
import { nextStep } from "./steps.ts";
import { changeAddresses } from "./waiting-addresses.ts";

/**
 * Starts a sign-in, or continues it after a proof. Whether the account may sign in at all is revealed only to somebody
 * who has proven a first factor. Throws NotAuthorizedException, UserNotConfirmedException and
 * PasswordResetRequiredException.
 * @param given the parameters of the request: one that chooses a factor may already contain its proof
 */
export async function proceed(ctx: Ctx, begun: SignIn, given: Given = {}): Promise<Outcome> {
  let signIn = begun;
  let parameters = given;
  while (true) {
    if (signIn.proven.length > 0) {
      learn(signIn.attempt, { passed: provenInEvents(signIn.proven), proving: undefined });
      assertMayPass(signIn.user);
    }
    const device = await deviceOf(ctx, signIn);
    const status = signIn.user?.status ?? "CONFIRMED";
    const step = nextStep({ ...signIn, status, mfa: mfaOf(signIn), device });
    if (step === "done") return authenticated(ctx, { ...signIn, deviceKey: device && signIn.deviceKey });
    const offered = await challenges[step].offer(ctx, signIn, parameters);
    if (offered.kind !== "proven") return offered;
    ({ signIn } = offered);
    // A request can prove only one thing.
    parameters = offered.parameters ?? {};
  }
}

async function authenticated(ctx: Ctx, signIn: SignIn): Promise<Outcome> {
  const { pool, client, proven, credentialVersion, signOuts, remember, deviceKey, clientMetadata } = signIn;
  if (signIn.user === undefined) return wrongPassword("simulated sign-in");
  const user = await changeAddresses(ctx, signIn, signIn.user);
  const newDevice = tracksDevices(pool) ? deviceKey === undefined : undefined;
  await postAuthentication(ctx, { pool, client, user, newDevice, clientMetadata });
  return {
    kind: "authenticated",
    authenticated: {
      pool,
      client,
      user,
      methods: proven,
      twoFactors: areTwo(proven),
      authTime: ctx.now,
      credentialVersion,
      signOuts,
      remember,
      deviceKey,
      clientMetadata,
    },
  };
}

/** The named device as currently stored; undefined if it has been forgotten in the meantime. */
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

/** What each status means for a user who has proven a first factor; undefined if the sign-in goes on. */
const refusals: Readonly<Record<UserStatus, (() => never) | undefined>> = {
  CONFIRMED: undefined,
  FORCE_CHANGE_PASSWORD: undefined,
  UNCONFIRMED: () => refuseFor("notConfirmed"),
  RESET_REQUIRED: () => refuseFor("resetRequired"),
  EXTERNAL_PROVIDER: () => wrongPassword("federated users have no password"),
};

function assertMayPass(user: User | undefined): void {
  if (user === undefined) wrongPassword("simulated sign-in");
  if (!user.enabled) refuseFor("disabled");
  refusals[user.status]?.();
}
