/** A challenge that has a Session: what the sign-in waits for is written down, and the client gets the way back to it. */
import { randomUUID } from "node:crypto";
import type { Ctx } from "../../../app.ts";
import { type Db, inTransaction } from "../../../store/db.ts";
import { insertSignIn, type SignInRow } from "../../../store/sign-ins.ts";
import { type Outcome, type SignIn, type SignInState, sessionLifetime, sessionText } from "../sign-in.ts";
import type { FirstFactor, Step } from "../steps.ts";

export interface Offer {
  readonly name: Step;
  readonly parameters: Readonly<Record<string, string>>;
  readonly available?: readonly FirstFactor[] | undefined;
  /** What the answer will be held against. */
  readonly state?: Pick<SignInState, "code" | "passkeyChallenge" | "srp" | "subject">;
  /** The Session of this row, which was used up, is the new one's as well. */
  readonly under?: SignInRow<SignInState> | undefined;
  /** Store calls of the same transaction. */
  readonly also?: (tx: Db) => Promise<void>;
}

/** The state of a sign-in that waits for a step. */
export function stateOf(signIn: SignIn, awaiting: Step, more: Offer["state"] = {}): SignInState {
  const { flow, proven, chosen, enrolling, addresses, deviceKey, submitted } = signIn;
  const { credentialVersion, signOuts } = signIn;
  const what = { flow, proven, chosen, enrolling, addresses, deviceKey };
  const kept = { ...what, submitted, credentialVersion, signOuts };
  const { continues, eventId } = signIn.attempt;
  return { awaiting, ...kept, event: continues ?? eventId, ...more };
}

/** Stores a new row; whatever the sign-in waited for before was used up by its answer. */
export async function offerChallenge(ctx: Ctx, signIn: SignIn, offer: Offer): Promise<Outcome> {
  const fresh = newRow(ctx, signIn, signIn.user?.id, stateOf(signIn, offer.name, offer.state));
  const { under } = offer;
  const row = under ? { ...fresh, id: under.id, version: under.version, expiresAt: under.expiresAt } : fresh;
  const { also } = offer;
  if (also === undefined) await insertSignIn(ctx.db, row);
  else
    await inTransaction(ctx.db, async (tx) => {
      await insertSignIn(tx, row);
      await also(tx);
    });
  return {
    kind: "challenge",
    name: offer.name,
    parameters: offer.parameters,
    session: sessionText(ctx, row),
    ...(offer.available !== undefined && { available: offer.available }),
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
