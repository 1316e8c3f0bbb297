/**
 * PASSWORD_VERIFIER: the password proven by SRP-6a without being sent (AWS: "Sign-in with secure remote password (SRP)";
 * RFC 5054 §2.5.1.3 on users who do not exist). The state is a row whose id is sealed in SECRET_BLOCK, so there is no
 * Session; one proof, right or wrong, consumes the row.
 */
import type { Ctx } from "../../../app.ts";
import { equalBytes, fromBase64, hmacSha256, toBase64, toHex } from "../../../lib/bytes.ts";
import { N, pad, publicValueHex, SECRET_BYTES, signature } from "../../../lib/srp.ts";
import { readCredential } from "../../../store/credentials.ts";
import { readSignIn, type SignInRow, takeSignIn } from "../../../store/sign-ins.ts";
import { admitGuess, settleGuess } from "../../credentials/guessing.ts";
import { subjectOf, turnOf } from "../../credentials/subjects.ts";
import { type Pool, srpPoolName } from "../../user-pools/load-pool.ts";
import { loginNameKey } from "../../user-pools/login-names.ts";
import type { Challenge, Given } from "../challenge.ts";
import { offerChallenge } from "../offer.ts";
import { invalidSession, noSession, required, wrongPassword } from "../refusals.ts";
import { type Answering, findBySession, findRow, readSecretBlock, secretBlock, useRow } from "../session.ts";
import type { Outcome, SignIn, SignInState } from "../sign-in.ts";
import { isTimely, readSrpA } from "../srp.ts";
import type { Flow } from "../steps.ts";

/** PASSWORD_SRP, a first factor of USER_AUTH: its answer is the SRP_A that the exchange begins with. */
export const passwordSrp: Challenge = {
  kind: "first",
  find: findBySession,
  offer: (ctx, signIn, given) =>
    given["SRP_A"]
      ? offerVerifier(ctx, signIn, readSrpA(given["SRP_A"]))
      : offerChallenge(ctx, signIn, { name: "PASSWORD_SRP", parameters: {}, available: ["PASSWORD_SRP"] }),
  answer: (ctx, signIn, responses) => {
    required(responses, "SRP_A");
    return useRow(ctx, signIn);
  },
  member: "SRP_A",
  page: undefined,
  refuse: invalidSession,
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
  once: true,
};

/** Answers SRP_A with SALT, SRP_B and SECRET_BLOCK; the same in shape and work whether the user exists or not. */
async function offerVerifier(ctx: Ctx, signIn: SignIn, A: bigint): Promise<Outcome> {
  const { pool, user, submitted } = signIn;
  const credential = await readCredential(ctx.db, pool.id, user?.id);
  const fake = fakeCredential(pool, submitted);
  const { salt, verifier } = credential?.srp ?? fake;
  const identity = user?.username ?? fake.identity;
  const turn = turnOf(ctx, pool);
  const { B, K } = await ctx.app.srp.exchange({ A, verifier, b: ctx.random(SECRET_BYTES) }, turn);
  // A user without verifier cannot pass; the row does not remember them, so that nothing can go wrong later.
  const remembered = credential?.srp === undefined ? undefined : user;
  const asked = { ...signIn, user: remembered, credentialVersion: credential?.version ?? 0 };
  return offerChallenge(ctx, asked, {
    name: "PASSWORD_VERIFIER",
    parameters: (rowId) => ({
      SALT: toHex(salt),
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

/** In USER_SRP_AUTH the state travels in SECRET_BLOCK alone. */
const hasSession = (flow: Flow) => flow !== "USER_SRP_AUTH";

/**
 * The row that the answer's SECRET_BLOCK names, and where the flow has a Session, that as well. Throws
 * NotAuthorizedException when there is none that waits, InvalidParameterException without the Session.
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

/** Checks the client's proof. Throws NotAuthorizedException (wrong, late, used, locked). */
async function answer(ctx: Ctx, signIn: SignIn, responses: Given): Promise<SignIn> {
  const { pool, user, row } = signIn;
  const claimed = fromBase64(required(responses, "PASSWORD_CLAIM_SIGNATURE"));
  const timestamp = required(responses, "TIMESTAMP");
  const block = fromBase64(required(responses, "PASSWORD_CLAIM_SECRET_BLOCK"));
  const { srp, subject } = row?.state ?? {};
  if (row === undefined || srp === undefined || block === undefined) return wrongPassword("no SRP state");
  const guess = await admitGuess(ctx, subject ?? subjectOf(ctx, pool, user, signIn.submitted), "password");
  // Consumed before the proof is looked at: of parallel answers one is checked.
  if (!(await takeSignIn(ctx.db, row))) return wrongPassword("secret block used");
  const sessionKey = fromBase64(srp.sessionKey)!;
  const expected = signature(sessionKey, srpPoolName(pool), srp.identity, block, timestamp);
  const credential = await readCredential(ctx.db, pool.id, user?.id);
  const right =
    claimed !== undefined &&
    equalBytes(claimed, expected) &&
    isTimely(ctx, signIn.client, timestamp) &&
    credential?.srp !== undefined &&
    credential.version === signIn.credentialVersion;
  await settleGuess(ctx, guess, right);
  if (!right) return wrongPassword();
  const remember = !guess.caller.fresh;
  return { ...signIn, row: undefined, proven: [...signIn.proven, "password"], remember };
}

/** What a user who does not exist is answered from: stable for the name, and like a real one's in every part. */
function fakeCredential(
  pool: Pool,
  name: string,
): { salt: Uint8Array; verifier: Uint8Array; identity: string } {
  const key = loginNameKey(pool, name);
  const derive = (what: string) => hmacSha256(pool.fakeSecret, what, "\0", key);
  const wide = Buffer.concat(Array.from({ length: 12 }, (_, part) => derive(`verifier ${part}`)));
  return {
    salt: derive("salt").subarray(0, 16),
    verifier: pad((BigInt(`0x${wide.toString("hex")}`) % (N - 3n)) + 2n),
    identity: hasGeneratedUsernames(pool, name) ? uuidOf(derive("identity")) : key,
  };
}

/** Where real users of such a name have a UUID for username; elsewhere a UUID would give the fake away. */
function hasGeneratedUsernames(pool: Pool, name: string): boolean {
  if ((pool.document.UsernameAttributes ?? []).length > 0) return true;
  const aliases = pool.document.AliasAttributes ?? [];
  return (
    (aliases.includes("email") && name.includes("@")) ||
    (aliases.includes("phone_number") && name.startsWith("+"))
  );
}

function uuidOf(bytes: Uint8Array): string {
  const hex = toHex(bytes);
  const variant = ((Number.parseInt(hex[16]!, 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
