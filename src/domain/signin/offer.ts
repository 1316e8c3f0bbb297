/** A challenge that has a Session: what the sign-in waits for is written down, and the client gets the way back to it. */
import { randomUUID } from "node:crypto";
import type { Ctx } from "../../app.ts";
import { type Db, inTransaction } from "../../store/db.ts";
import { deleteSignIn, insertSignIn, type SignInRow } from "../../store/sign-ins.ts";
import type { Pool } from "../user-pools/load-pool.ts";
import { loginNameKey } from "../user-pools/login-names.ts";
import { sessionText } from "./session.ts";
import { type Outcome, type SignIn, type SignInState, sessionLifetime } from "./sign-in.ts";
import type { FirstFactor, Step } from "./steps.ts";

/** What it costs to begin a sign-in that waits for this before anything is proven. */
type Cost = "nothing" | "exchange" | "message";

export interface Offer {
  readonly name: Step;
  /** Of the id of the row, where they name it. */
  readonly parameters:
    | Readonly<Record<string, string>>
    | ((rowId: string) => Readonly<Record<string, string>>);
  readonly available?: readonly FirstFactor[] | undefined;
  /** What the answer will be held against. */
  readonly state?: Pick<SignInState, "code" | "passkeyChallenge" | "srp" | "subject">;
  readonly cost?: Cost | undefined;
  /** The Session of this row, which was used up, is the new one's as well. */
  readonly under?: SignInRow<SignInState> | undefined;
  /** The way back is in the parameters, not in a Session. */
  readonly withoutSession?: boolean;
  /** Store calls of the same transaction. */
  readonly also?: ((tx: Db) => Promise<void>) | undefined;
}

/** The state of a sign-in that waits for a step. */
function stateOf(signIn: SignIn, { name, state }: Offer): SignInState {
  const { flow, proven, chosen, enrolling, addresses, deviceKey, submitted } = signIn;
  const { credentialVersion, signOuts } = signIn;
  const what = { flow, proven, chosen, enrolling, addresses, deviceKey };
  const kept = { ...what, submitted, credentialVersion, signOuts };
  const { known, eventId } = signIn.attempt;
  return { awaiting: name, ...kept, event: known.continues ?? eventId, ...state };
}

/** Stores a new row; whatever the sign-in waited for before was used up by its answer. */
export async function offerChallenge(ctx: Ctx, signIn: SignIn, offer: Offer): Promise<Outcome> {
  const { name, parameters, available, under, cost } = offer;
  const fresh = newRow(ctx, signIn, signIn.user?.id, stateOf(signIn, offer));
  const row = under ? { ...fresh, id: under.id, version: under.version, expiresAt: under.expiresAt } : fresh;
  await storeRow(ctx, signIn.pool, row, { cost, also: offer.also });
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
 * Writes the row of a sign-in that waits. Of an address so many wait at once, beyond which the oldest is void; but none is
 * void for what was cheaper to begin. Those in which something was proven, those that an SRP exchange was computed for
 * and those that cost nothing have places of their own; a code was sent under the limits of messages, and waits until it
 * expires.
 */
export async function storeRow(
  ctx: Ctx,
  pool: Pool,
  row: SignInRow<SignInState>,
  { cost = "nothing", also }: Pick<Offer, "cost" | "also"> = {},
): Promise<void> {
  const oldest = oneTooMany(ctx, pool, row, cost);
  const write = async (db: Db) => {
    await insertSignIn(db, row);
    if (oldest !== undefined) await deleteSignIn(db, pool.id, oldest);
    await also?.(db);
  };
  await (also === undefined ? write(ctx.db) : inTransaction(ctx.db, write));
}

/** By the name that was given, not by the user: else it would tell which names are one user's. */
function oneTooMany(
  ctx: Ctx,
  pool: Pool,
  { id, userId, state, expiresAt }: SignInRow<SignInState>,
  beginning: Cost,
): string | undefined {
  const { network } = ctx;
  // A back end that does not say where its users are.
  if (network === undefined) return undefined;
  const { waitingSignIns, config } = ctx.app;
  const cost = state.proven.length > 0 ? "proof" : beginning;
  if (cost === "message") return undefined;
  const place = [pool.id, network, cost];
  const who = cost === "proof" ? userId : loginNameKey(pool, state.submitted);
  const ofName = [JSON.stringify([...place, who]), config.limits["waiting-sign-ins"]] as const;
  const ofAddress = [JSON.stringify(place), config.limits["waiting-sign-ins-per-address"]] as const;
  // Whoever is at the owner's address would have as many exchanges computed before the owner's proof is there.
  const shares = cost === "exchange" ? [ofAddress] : [ofName, ofAddress];
  return waitingSignIns.add(id, shares, { now: ctx.now, until: expiresAt });
}
