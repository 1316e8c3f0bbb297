/**
 * The means by which a client returns to a waiting sign-in: a Session, or the SECRET_BLOCK of SRP. Both are sealed, so
 * that clients can neither read nor forge them.
 */
import type { Ctx } from "../../app.ts";
import { fromBase64url, toBase64, toBase64url } from "../../lib/bytes.ts";
import { openWords, sealWords } from "../../store/keys/sealed-words.ts";
import { readSignIn, type SignInRow, takeSignIn } from "../../store/sign-ins.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { expiredSession, invalidSession, noSession, required, usedSession } from "./refusals.ts";
import type { SignIn, SignInState } from "./sign-in.ts";

const sessionPlace = "sign_ins:session:token";
const blockPlace = "sign_ins:secret_block:token";

/** The Session of a row, base64url. */
export function sessionText(ctx: Ctx, row: SignInRow<SignInState>): string {
  const words = [row.poolId, row.id, row.version, row.expiresAt];
  return toBase64url(sealWords(ctx.db.sealer, sessionPlace, words));
}

interface SessionParts {
  readonly poolId: string;
  readonly id: string;
  readonly version: number;
  readonly expiresAt: number;
}

/** Opens a Session. Throws NotAuthorizedException if this server did not seal it. */
function readSession(ctx: Ctx, text: string): SessionParts {
  const words = openWords(ctx.db.sealer, sessionPlace, fromBase64url(text)) ?? invalidSession();
  const [poolId, id, version, expiresAt] = words;
  return { poolId: poolId!, id: id!, version: Number(version), expiresAt: Number(expiresAt) };
}

/**
 * The row of a Session. Throws NotAuthorizedException if the Session is forged, expired or used. The caller checks to
 * whom the row belongs.
 */
export async function findRow(ctx: Ctx, text: string): Promise<SignInRow<SignInState>> {
  const session = readSession(ctx, text);
  if (session.expiresAt <= ctx.now) return expiredSession();
  const row = await readSignIn<SignInState>(ctx.db, session.poolId, session.id);
  if (row === undefined || row.version !== session.version) return usedSession();
  return row;
}

/** The parts of an answer that identify the stored sign-in to which it belongs. */
export interface Answering {
  readonly pool: Pool;
  readonly client: Client;
  readonly session: string | undefined;
  readonly responses: Readonly<Record<string, string>>;
}

/**
 * The row of a Session of this client. Throws InvalidParameterException if there is no Session, and
 * NotAuthorizedException.
 */
export async function findBySession(
  ctx: Ctx,
  { pool, client, session }: Answering,
): Promise<SignInRow<SignInState>> {
  const row = await findRow(ctx, session ?? noSession());
  return row.poolId === pool.id && row.clientId === client.id ? row : invalidSession();
}

/** Uses up the row that was answered: of parallel answers only one continues. Throws NotAuthorizedException. */
export async function useRow(ctx: Ctx, signIn: SignIn): Promise<SignIn> {
  const { row } = signIn;
  if (row === undefined || !(await takeSignIn(ctx.db, row))) return usedSession();
  return { ...signIn, row: undefined };
}

/**
 * Answers a challenge by requiring a member of ChallengeResponses that `proceed` passes on to the next step. Throws
 * InvalidParameterException and NotAuthorizedException.
 */
export function answerWith(member: "PASSWORD" | "SRP_A") {
  return (ctx: Ctx, signIn: SignIn, responses: Answering["responses"]): Promise<SignIn> => {
    required(responses, member);
    return useRow(ctx, signIn);
  };
}

/** SECRET_BLOCK: the sealed id of the row, which is also an input of the client's SRP signature. Base64. */
export function secretBlock(ctx: Ctx, poolId: string, id: string): string {
  return toBase64(sealWords(ctx.db.sealer, blockPlace, [poolId, id]));
}

/** The row that a SECRET_BLOCK names; undefined if this server did not seal it. */
export function readSecretBlock(ctx: Ctx, block: Uint8Array): { poolId: string; id: string } | undefined {
  const [poolId, id] = openWords(ctx.db.sealer, blockPlace, block) ?? [];
  return poolId !== undefined && id !== undefined ? { poolId, id } : undefined;
}
