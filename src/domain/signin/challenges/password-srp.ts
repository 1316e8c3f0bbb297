/**
 * PASSWORD_VERIFIER: the password is proven by SRP-6a without being sent ("Sign-in with secure remote password (SRP)";
 * on nonexistent users, RFC 5054 section 2.5.1.3). The state is a row whose id is sealed in SECRET_BLOCK; USER_SRP_AUTH
 * has no Session besides. One proof, right or wrong, uses up the row.
 */

import { randomBytes } from "node:crypto";
import type { Ctx } from "../../../app.ts";
import { equalBytes, fromBase64, hmacSha256, toBase64 } from "../../../lib/bytes.ts";
import { integer, N, pad, publicValueHex, SECRET_BYTES, saltHex, signature } from "../../../lib/srp.ts";
import { readCredential } from "../../../store/credentials.ts";
import { readSignIn, type SignInRow, takeSignIn } from "../../../store/sign-ins.ts";
import { admitPassword, settleGuess } from "../../credentials/guessing.ts";
import { remembering } from "../../credentials/request-limits.ts";
import { subjectOf, turnOf } from "../../credentials/subjects.ts";
import { type Pool, srpPoolName } from "../../user-pools/load-pool.ts";
import { loginNameKey } from "../../user-pools/login-names.ts";
import type { Challenge, Given } from "../challenge.ts";
import { offerChallenge } from "../offer.ts";
import { invalidSession, noSession, required, wrongPassword } from "../refusals.ts";
import {
  type Answering,
  answerWith,
  findBySession,
  findRow,
  readSecretBlock,
  secretBlock,
} from "../session.ts";
import type { Outcome, SignIn, SignInState } from "../sign-in.ts";
import { simulatedUsername } from "../simulated-user.ts";
import { isTimely, readSrpA } from "../srp.ts";
import type { Flow } from "../steps.ts";

/** PASSWORD_SRP, a first factor of USER_AUTH: its answer is the SRP_A that starts the exchange. */
export const passwordSrp: Challenge = {
  kind: "first",
  find: findBySession,
  offer: (ctx, signIn, given) =>
    given["SRP_A"]
      ? offerVerifier(ctx, signIn, readSrpA(given["SRP_A"]))
      : offerChallenge(ctx, signIn, { name: "PASSWORD_SRP", parameters: {}, available: ["PASSWORD_SRP"] }),
  answer: answerWith("SRP_A"),
  member: "SRP_A",
  page: undefined,
  refuse: invalidSession,
  proves: undefined,
  leadsOn: true,
  failsForGood: false,
};

export const passwordVerifier: Challenge = {
  kind: "first",
  find: findBySecretBlock,
  offer: (ctx, signIn, given) => offerVerifier(ctx, signIn, readSrpA(required(given, "SRP_A"))),
  answer,
  member: "PASSWORD_CLAIM_SIGNATURE",
  page: undefined,
  refuse: wrongPassword,
  proves: "Password",
  leadsOn: false,
  failsForGood: true,
};

/** Answers SRP_A with SALT, SRP_B and SECRET_BLOCK. Shape and cost do not depend on whether the user exists. */
async function offerVerifier(ctx: Ctx, signIn: SignIn, A: bigint): Promise<Outcome> {
  const { pool, user, submitted } = signIn;
  const credential = await readCredential(ctx.db, pool.id, user?.id);
  const fake = fakeCredential(pool, submitted);
  const { salt, verifier } = credential?.srp ?? fake;
  const identity = user?.username ?? fake.identity;
  const turn = turnOf(ctx, pool);
  const { B, K } = await ctx.app.srp.exchange({ A, verifier, b: ctx.random(SECRET_BYTES) }, turn);
  // Without a verifier nobody can pass, so the row stores no user and later steps cannot go wrong.
  const remembered = credential?.srp === undefined ? undefined : user;
  const asked = { ...signIn, user: remembered, credentialVersion: credential?.version ?? 0 };
  return offerChallenge(ctx, asked, {
    name: "PASSWORD_VERIFIER",
    parameters: (rowId) => ({
      SALT: saltHex(salt),
      SRP_B: publicValueHex(B),
      SECRET_BLOCK: secretBlock(ctx, pool.id, rowId),
      USERNAME: identity,
      USER_ID_FOR_SRP: identity,
    }),
    state: { srp: { sessionKey: toBase64(K), identity }, subject: subjectOf(ctx, pool, user, submitted) },
    cost: "exchange",
    withoutSession: !hasSession(signIn.flow),
  });
}

/** Whether the challenge has a Session: in USER_SRP_AUTH, SECRET_BLOCK alone carries the state. */
const hasSession = (flow: Flow) => flow !== "USER_SRP_AUTH";

/**
 * The row that the answer's SECRET_BLOCK names, and, if the flow has a Session, that the Session names too. Throws
 * NotAuthorizedException if no such row is waiting, and InvalidParameterException if the Session is missing.
 */
async function findBySecretBlock(ctx: Ctx, request: Answering): Promise<SignInRow<SignInState>> {
  const block = fromBase64(required(request.responses, "PASSWORD_CLAIM_SECRET_BLOCK"));
  const named = block && readSecretBlock(ctx, block);
  if (named === undefined || named.poolId !== request.pool.id) return wrongPassword("foreign secret block");
  const row = await readSignIn<SignInState>(ctx.db, named.poolId, named.id);
  if (row === undefined || row.expiresAt <= ctx.now) return wrongPassword("secret block used or expired");
  if (hasSession(row.state.flow)) {
    const session = request.session ?? noSession();
    if ((await findRow(ctx, session)).id !== row.id) return invalidSession();
  }
  return row;
}

/** Checks the client's proof. Throws NotAuthorizedException (wrong, too late, used, locked). */
async function answer(ctx: Ctx, signIn: SignIn, responses: Given): Promise<SignIn> {
  const { pool, user, row } = signIn;
  const claimed = fromBase64(required(responses, "PASSWORD_CLAIM_SIGNATURE"));
  const timestamp = required(responses, "TIMESTAMP");
  const block = fromBase64(required(responses, "PASSWORD_CLAIM_SECRET_BLOCK"));
  const { srp, subject } = row?.state ?? {};
  if (row === undefined || srp === undefined || block === undefined) return wrongPassword("no SRP state");
  const guessed = subject ?? subjectOf(ctx, pool, user, signIn.submitted);
  const { guess, credential } = await admitPassword(ctx, guessed, user);
  // Used up before the proof is checked, so that only one of several parallel answers is checked.
  if (!(await takeSignIn(ctx.db, row))) return wrongPassword("secret block used");
  const sessionKey = fromBase64(srp.sessionKey)!;
  const expected = signature(sessionKey, srpPoolName(pool), srp.identity, block, timestamp);
  const right =
    claimed !== undefined &&
    equalBytes(claimed, expected) &&
    isTimely(ctx, signIn.client, timestamp) &&
    credential?.srp !== undefined &&
    credential.version === signIn.credentialVersion;
  await settleGuess(ctx, guess, right);
  if (!right) return wrongPassword();
  const remember = remembering(guess.caller);
  return { ...signIn, row: undefined, proven: [...signIn.proven, "password"], remember };
}

/**
 * Salt, verifier and username for a nonexistent user: salt and username are always the same for a name, and look like real
 * ones. The verifier, of which no answer says anything (B is random by b), may be any.
 */
function fakeCredential(
  pool: Pool,
  name: string,
): { salt: Uint8Array; verifier: Uint8Array; identity: string } {
  const salt = hmacSha256(pool.fakeSecret, "salt", "\0", loginNameKey(pool, name)).subarray(0, 16);
  return { salt, verifier: anyVerifier, identity: simulatedUsername(pool, name) };
}

/** A verifier of no password, drawn at each start of the server. */
const anyVerifier = pad((integer(randomBytes(400)) % (N - 3n)) + 2n);
