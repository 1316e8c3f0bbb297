/**
 * DEVICE_SRP_AUTH and DEVICE_PASSWORD_VERIFIER: a device that the user confirmed proves its own secret by SRP (AWS:
 * "Sign in with a device"). The secret has 40 random bytes, so there is nothing to guess; one answer, right or wrong,
 * uses the Session up.
 */
import type { Ctx } from "../../../app.ts";
import { equalBytes, fromBase64, toBase64, toHex } from "../../../lib/bytes.ts";
import { publicValueHex, SECRET_BYTES, signature } from "../../../lib/srp.ts";
import { type Device, findDevice, readDevice, updateDevice } from "../../../store/devices.ts";
import { takeSignIn } from "../../../store/sign-ins.ts";
import { turnOf } from "../../credentials/subjects.ts";
import { areTwo } from "../../mfa/factors.ts";
import { tracksDevices } from "../../tokens/device-keys.ts";
import type { Pool } from "../../user-pools/load-pool.ts";
import { noSuchDevice } from "../../users/devices.ts";
import {
  isTimely,
  type Outcome,
  readSecretBlock,
  required,
  type SignIn,
  secretBlock,
  sessionText,
  usedSession,
  wrongPassword,
} from "../sign-in.ts";
import { newRow, offerChallenge, stateOf, storeRow } from "./offer.ts";
import { readSrpA } from "./password-srp.ts";

/**
 * The device that a request names. A name that is not the user's, or nobody's, is refused before anything is used up, so
 * that the client can come again without it. Undefined: none named, or the pool keeps track of none.
 * Throws ResourceNotFoundException.
 */
export async function namedDevice(
  ctx: Ctx,
  pool: Pool,
  userId: string | undefined,
  key: string | undefined,
): Promise<Pick<Device, "key"> | undefined> {
  if (!key || !tracksDevices(pool)) return undefined;
  return (await findDevice(ctx.db, pool.id, userId ?? "nobody", key)) ?? noSuchDevice();
}

const secondFactors: readonly string[] = ["SMS_MFA", "EMAIL_OTP", "SOFTWARE_TOKEN_MFA"];

export async function offerDevice(
  ctx: Ctx,
  signIn: SignIn,
  given: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const { pool, user, deviceKey = "" } = signIn;
  const names = { USERNAME: user?.username ?? "", DEVICE_KEY: deviceKey };
  if (!given["SRP_A"]) {
    // amazon-cognito-identity-js goes on with the Session of the code it has answered.
    const { answered } = signIn;
    const under = answered && secondFactors.includes(answered.state.awaiting) ? answered : undefined;
    return offerChallenge(ctx, signIn, { name: "DEVICE_SRP_AUTH", parameters: names, under });
  }
  const device = await readDevice(ctx.db, pool.id, user?.id ?? "nobody", deviceKey);
  if (device === undefined) return noSuchDevice();
  const { salt, verifier } = device.srp;
  const values = { A: readSrpA(given["SRP_A"]), verifier, b: ctx.random(SECRET_BYTES) };
  const { B, K } = await ctx.app.srp.exchange(values, turnOf(ctx, pool));
  const srp = { sessionKey: toBase64(K), identity: device.key, group: device.groupKey };
  const row = newRow(ctx, signIn, user?.id, stateOf(signIn, "DEVICE_PASSWORD_VERIFIER", { srp }));
  await storeRow(ctx, pool, row);
  return {
    kind: "challenge",
    name: "DEVICE_PASSWORD_VERIFIER",
    session: sessionText(ctx, row),
    parameters: {
      ...names,
      SALT: toHex(salt),
      SRP_B: publicValueHex(B),
      SECRET_BLOCK: secretBlock(ctx, pool.id, row.id),
    },
  };
}

/** Throws NotAuthorizedException (wrong, late, used, of another block). */
export async function answerDevice(
  ctx: Ctx,
  signIn: SignIn,
  responses: Readonly<Record<string, string>>,
): Promise<SignIn> {
  const { pool, user, row, deviceKey } = signIn;
  const claimed = fromBase64(required(responses, "PASSWORD_CLAIM_SIGNATURE"));
  const block = fromBase64(required(responses, "PASSWORD_CLAIM_SECRET_BLOCK"));
  const timestamp = required(responses, "TIMESTAMP");
  const { srp } = row?.state ?? {};
  if (row === undefined || srp?.group === undefined || user === undefined) return usedSession();
  if (!(await takeSignIn(ctx.db, row))) return usedSession();
  const isOurs = block !== undefined && readSecretBlock(ctx, block)?.id === row.id;
  if (claimed === undefined || !isOurs || deviceKey !== srp.identity) return wrongPassword();
  const expected = signature(fromBase64(srp.sessionKey)!, srp.group, srp.identity, block, timestamp);
  if (!equalBytes(claimed, expected) || !isTimely(ctx, signIn.client, timestamp))
    return wrongPassword("the device's proof is wrong");
  const device = { poolId: pool.id, userId: user.id, key: srp.identity };
  // It may have been forgotten since it was asked.
  const seen = { address: ctx.address, twoFactors: areTwo(signIn.proven) };
  if (!(await updateDevice(ctx.db, device, { seen, now: ctx.now }))) return noSuchDevice();
  return { ...signIn, row: undefined, proven: [...signIn.proven, "device"] };
}
