/** Offers a challenge: stores what the sign-in waits for, and gives the client a Session to return with. */
import { randomUUID } from "node:crypto";
import type { Ctx } from "../../app.ts";
import { type Db, inTransaction } from "../../store/db.ts";
import { deleteSignIn, insertSignIn, type SignInRow } from "../../store/sign-ins.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { loginNameKey } from "../user-pools/login-names.ts";
import { sessionText } from "./session.ts";
import { type Outcome, type SignIn, type SignInState, sessionLifetime } from "./sign-in.ts";
import type { FirstFactor, Step } from "./steps.ts";

/** What it cost the server to start a sign-in in which nothing is proven yet. */
type Cost = "nothing" | "exchange" | "message";

export interface Offer {
  readonly name: Step;
  /** ChallengeParameters, or a function of the row's id where they contain it. */
  readonly parameters:
    | Readonly<Record<string, string>>
    | ((rowId: string) => Readonly<Record<string, string>>);
  readonly available?: readonly FirstFactor[] | undefined;
  /** What the answer will be checked against. */
  readonly state?: Pick<SignInState, "code" | "passkeyChallenge" | "srp" | "subject">;
  readonly cost?: Cost | undefined;
  /** A row already used up, whose Session remains valid for the new one. */
  readonly under?: SignInRow<SignInState> | undefined;
  /** Whether the client returns by the parameters (SECRET_BLOCK) instead of a Session. */
  readonly withoutSession?: boolean;
  /** A second id by which the row is found if the answer comes without its Session. */
  readonly alias?: string | undefined;
  /** Further store calls in the same transaction. */
  readonly also?: ((tx: Db) => Promise<void>) | undefined;
}

/** The state to store for a sign-in that waits for the offered step. */
function stateOf(signIn: SignIn, { name, state }: Offer): SignInState {
  const { flow, proven, chosen, enrolling, addresses, deviceKey, submitted, custom } = signIn;
  const { credentialVersion, signOuts } = signIn;
  const what = { flow, proven, chosen, enrolling, addresses, deviceKey, ...(custom && { custom }) };
  const kept = { ...what, submitted, credentialVersion, signOuts };
  const { known, eventId } = signIn.attempt;
  return { awaiting: name, ...kept, event: known.continues ?? eventId, ...state };
}

/** Stores a new row and returns the challenge. The row of the previous challenge was used up by its answer. */
export async function offerChallenge(ctx: Ctx, signIn: SignIn, offer: Offer): Promise<Outcome> {
  const { name, parameters, available, under, cost } = offer;
  const fresh = newRow(ctx, signIn, signIn.user?.id, stateOf(signIn, offer));
  const row = under ? { ...fresh, id: under.id, version: under.version, expiresAt: under.expiresAt } : fresh;
  await storeRow(ctx, signIn.pool, row, { cost, also: offer.also, alias: offer.alias });
  return {
    kind: "challenge",
    name,
    parameters: typeof parameters === "function" ? parameters(row.id) : parameters,
    ...(offer.withoutSession !== true && { session: sessionText(ctx, row) }),
    ...(available !== undefined && { available }),
  };
}

export function newRow(
  ctx: Ctx,
  { pool, client }: Pick<SignIn, "pool" | "client">,
  userId: string | undefined,
  state: SignInState,
): SignInRow<SignInState> {
  return {
    poolId: pool.id,
    id: randomUUID(),
    clientId: client.id,
    userId,
    version: 1,
    state,
    createdAt: ctx.now,
    expiresAt: ctx.now + sessionLifetime(client),
  };
}

/**
 * Stores the row of a waiting sign-in. The number that may wait per network address, and per name at an address, is
 * limited; beyond it the oldest becomes invalid, but never in favor of one that was cheaper to start. Sign-ins with a
 * proof, those with an SRP exchange and those that cost nothing have separate limits. Sign-ins that sent a code are
 * bounded by the limits on messages, and wait until they expire.
 */
export async function storeRow(
  ctx: Ctx,
  pool: Pool,
  row: SignInRow<SignInState>,
  { cost = "nothing", also, alias }: Pick<Offer, "cost" | "also" | "alias"> = {},
): Promise<void> {
  const oldest = oneTooMany(ctx, pool, row, cost);
  const write = async (db: Db) => {
    await insertSignIn(db, row, alias);
    if (oldest !== undefined) await deleteSignIn(db, pool.id, oldest);
    await also?.(db);
  };
  await (also === undefined ? write(ctx.db) : inTransaction(ctx.db, write));
}

/**
 * Adds a row to the waiting ones; returns the id of the one that it displaces, if any. Before anything is proven,
 * sign-ins are counted by the submitted name rather than by the user, since otherwise the limit would reveal which
 * names belong to the same user.
 */
function oneTooMany(
  ctx: Ctx,
  pool: Pool,
  { id, userId, state, expiresAt }: SignInRow<SignInState>,
  beginning: Cost,
): string | undefined {
  const { network } = ctx;
  // The request comes from a back end that does not pass on its users' addresses.
  if (network === undefined) return undefined;
  const { waitingSignIns, config } = ctx.app;
  const cost = state.proven.length > 0 ? "proof" : beginning;
  if (cost === "message") return undefined;
  const place = [pool.id, network, cost];
  const who = cost === "proof" ? userId : loginNameKey(pool, state.submitted);
  const ofName = [JSON.stringify([...place, who]), config.limits["waiting-sign-ins"]] as const;
  const ofAddress = [JSON.stringify(place), config.limits["waiting-sign-ins-per-address"]] as const;
  // Not limited by name: others at the owner's address could start exchanges and displace the owner's.
  const shares = cost === "exchange" ? [ofAddress] : [ofName, ofAddress];
  return waitingSignIns.add(id, shares, { now: ctx.now, until: expiresAt });
}
