/**
 * DEVICE_SRP_AUTH and DEVICE_PASSWORD_VERIFIER: a confirmed device proves its own secret by SRP ("Sign in with a
 * device"). The secret is 40 random bytes, so it cannot be guessed; one answer, right or wrong, uses up the Session.
 *
 * AWS's own examples and pycognito answer both without the Session, which is then found by what else the answer names.
 */
import type { Ctx } from "../../../app.ts";
import { equalBytes, fromBase64, hmacSha256, toBase64 } from "../../../lib/bytes.ts";
import { publicValueHex, SECRET_BYTES, saltHex, signature } from "../../../lib/srp.ts";
import { uuid4Of } from "../../../lib/uuid.ts";
import { readDevice, updateDevice } from "../../../store/devices.ts";
import { readAliasedSignIn, readSignIn, type SignInRow, takeSignIn } from "../../../store/sign-ins.ts";
import { turnOf } from "../../credentials/subjects.ts";
import { areTwo } from "../../mfa/proofs.ts";
import { provesDevice } from "../../users/browser-devices.ts";
import { noSuchDevice } from "../../users/devices.ts";
import { findUser } from "../../users/find-user.ts";
import type { Challenge, Given, Proven } from "../challenge.ts";
import { offerChallenge } from "../offer.ts";
import {
  expiredSession,
  invalidSession,
  noSession,
  required,
  usedSession,
  wrongPassword,
} from "../refusals.ts";
import { type Answering, answerWith, findBySession, readSecretBlock, secretBlock } from "../session.ts";
import type { Outcome, SignIn, SignInState } from "../sign-in.ts";
import { isTimely, readSrpA } from "../srp.ts";

export const deviceChallenge: Challenge = {
  kind: "device",
  find: findByDevice,
  offer: (ctx, signIn, given) =>
    signIn.page === undefined ? offerDevice(ctx, signIn, given) : proveBrowser(ctx, signIn),
  answer: answerWith("SRP_A"),
  member: "SRP_A",
  page: undefined,
  refuse: invalidSession,
  proves: undefined,
  leadsOn: true,
  failsForGood: false,
};

export const deviceVerifier: Challenge = {
  kind: "device",
  find: findByBlock,
  offer: offerDevice,
  answer: answerVerifier,
  member: "PASSWORD_CLAIM_SIGNATURE",
  page: undefined,
  refuse: invalidSession,
  proves: "Mfa",
  leadsOn: false,
  failsForGood: true,
};

/**
 * By the Session; without one, the newest sign-in of this user at this client that named this device, comes from the same
 * network and waits for the device: everything else is proven in it. Throws InvalidParameterException if there is none.
 */
async function findByDevice(ctx: Ctx, request: Answering): Promise<SignInRow<SignInState>> {
  if (request.session !== undefined) return findBySession(ctx, request);
  const { pool, responses } = request;
  const user = await findUser(ctx, pool, required(responses, "USERNAME"));
  const alias = aliasOf(ctx, { ...request, user, deviceKey: responses["DEVICE_KEY"] ?? "" });
  const row = await readAliasedSignIn<SignInState>(ctx.db, pool.id, alias);
  return row === undefined || row.expiresAt <= ctx.now ? noSession() : row;
}

/**
 * By the Session; without one, by SECRET_BLOCK, which is sealed like it and was given to the same caller. Throws
 * InvalidParameterException if there is neither, and NotAuthorizedException.
 */
async function findByBlock(ctx: Ctx, request: Answering): Promise<SignInRow<SignInState>> {
  if (request.session !== undefined) return findBySession(ctx, request);
  const block = fromBase64(request.responses["PASSWORD_CLAIM_SECRET_BLOCK"] || noSession());
  const named = block && readSecretBlock(ctx, block);
  if (named === undefined || named.poolId !== request.pool.id) return invalidSession();
  const row = await readSignIn<SignInState>(ctx.db, named.poolId, named.id);
  if (row === undefined) return usedSession();
  return row.expiresAt <= ctx.now ? expiredSession() : row;
}

/** The second id of a sign-in that waits for a device. It cannot be guessed, and is another for each network. */
function aliasOf(
  ctx: Ctx,
  { pool, client, user, deviceKey }: Pick<SignIn, "pool" | "client" | "user" | "deviceKey">,
): string {
  const words = [client.id, user?.id, deviceKey, ctx.network];
  return uuid4Of(hmacSha256(pool.fakeSecret, "waits for a device", "\0", JSON.stringify(words)));
}

/**
 * Checks the device secret in the browser's cookie. The hosted pages do not ask for a device: without a valid secret,
 * the sign-in continues without the device.
 */
async function proveBrowser(ctx: Ctx, signIn: SignIn): Promise<Proven> {
  const { pool, user, deviceKey, page, proven } = signIn;
  const device = page?.devices.find(({ key }) => key === deviceKey);
  const isProven = user && device && (await provesDevice(ctx, pool, user, device, areTwo(proven)));
  if (!isProven) return { kind: "proven", signIn: { ...signIn, deviceKey: undefined } };
  return { kind: "proven", signIn: { ...signIn, proven: [...proven, "device"] } };
}

/**
 * Asks the device to start SRP, or answers its SRP_A if the request contains one. Throws ResourceNotFoundException if
 * the device is gone.
 */
async function offerDevice(ctx: Ctx, signIn: SignIn, given: Given): Promise<Outcome> {
  const { pool, user, deviceKey = "" } = signIn;
  const names = { USERNAME: user?.username ?? "", DEVICE_KEY: deviceKey };
  if (!given["SRP_A"]) {
    // amazon-cognito-identity-js continues with the Session of the code that it has just answered.
    const { answered } = signIn;
    const isSecond = answered?.kind === "second" || answered?.kind === "either";
    const under = isSecond ? answered.row : undefined;
    const alias = aliasOf(ctx, signIn);
    return offerChallenge(ctx, signIn, { name: "DEVICE_SRP_AUTH", parameters: names, under, alias });
  }
  const device = await readDevice(ctx.db, pool.id, user?.id ?? "nobody", deviceKey);
  if (device === undefined) return noSuchDevice();
  const { salt, verifier } = device.srp;
  const values = { A: readSrpA(given["SRP_A"]), verifier, b: ctx.random(SECRET_BYTES) };
  const { B, K } = await ctx.app.srp.exchange(values, turnOf(ctx, pool));
  return offerChallenge(ctx, signIn, {
    name: "DEVICE_PASSWORD_VERIFIER",
    parameters: (rowId) => ({
      ...names,
      SALT: saltHex(salt),
      SRP_B: publicValueHex(B),
      SECRET_BLOCK: secretBlock(ctx, pool.id, rowId),
    }),
    state: { srp: { sessionKey: toBase64(K), identity: device.key, group: device.groupKey } },
    cost: "exchange",
  });
}

/**
 * Checks the device's proof. Throws NotAuthorizedException (wrong, too late, used, or of another SECRET_BLOCK), and
 * ResourceNotFoundException if the device is gone.
 */
async function answerVerifier(ctx: Ctx, signIn: SignIn, responses: Given): Promise<SignIn> {
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
  // The device may have been forgotten since it was asked.
  const seen = { address: ctx.address, twoFactors: areTwo(signIn.proven) };
  if (!(await updateDevice(ctx.db, device, { seen, now: ctx.now }))) return noSuchDevice();
  return { ...signIn, row: undefined, proven: [...signIn.proven, "device"] };
}
