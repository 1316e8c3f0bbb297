/**
 * Codes of somebody who is not signed in and gives a sign-in name: ConfirmSignUp and ConfirmForgotPassword take one,
 * ResendConfirmationCode and ForgotPassword send one. If the client hides who exists, a name without a user gets
 * the same answer, after the same work.
 */
import type { Ctx } from "../../app.ts";
import type { User } from "../../store/users.ts";
import { admitCode, type Caller, countMessage, limitExceeded } from "../credentials/request-limits.ts";
import { type Subject, subjectOf } from "../credentials/subjects.ts";
import type { Delivery } from "../messages/delivery.ts";
import type { DeliveredBy } from "../messages/queue.ts";
import type { Metadata } from "../triggers/trigger.ts";
import { hidesUsers } from "../user-pools/clients.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { type HeldCode, prepareCode, refuseCode, requireCode, sendCode, simulatedPlace } from "./codes.ts";
import { findUser, noSuchUserOfClient } from "./find-user.ts";

interface CodeByName {
  readonly username: string;
  readonly code: string;
  readonly purpose: "sign-up" | "forgot-password";
  readonly limit: Parameters<typeof admitCode>[2];
  /** Receives the user, or undefined if nobody has the name, before anything is refused. */
  readonly found?: (user: User | undefined) => void;
  /** Refuses users for whom the code can do nothing. Not called if the client hides who exists. */
  readonly assertUsable: (user: User) => void;
}

/**
 * The user of the name, if this is their code, which stays unused until `changeByCode`. Throws UserNotFoundException
 * (unless the client hides it), what `assertUsable` throws, CodeMismatchException and ExpiredCodeException.
 */
export async function requireCodeOf(
  ctx: Ctx,
  { pool, client }: { readonly pool: Pool; readonly client: Client },
  request: CodeByName,
): Promise<{ readonly user: User; readonly held: HeldCode }> {
  const { username, code, purpose } = request;
  const hides = hidesUsers(client);
  const user = await findUser(ctx, pool, username);
  request.found?.(user);
  if (user === undefined && !hides) noSuchUserOfClient();
  const subject = subjectOf(ctx, pool, user, username);
  const caller = await admitCode(ctx, subject, request.limit);
  if (user !== undefined && !hides) request.assertUsable(user);
  const place = { poolId: pool.id, userId: (user ?? simulatedPlace(subject)).id, purpose } as const;
  const held = await requireCode(ctx, place, code, { hides, caller });
  if (user === undefined || !user.enabled) return refuseCode("wrong", hides);
  return { user, held };
}

/** A request for a code by somebody who gives a sign-in name. */
interface Asking {
  readonly subject: Subject;
  readonly caller: Caller;
  /** The client hides who exists. */
  readonly hides: boolean;
}

interface CodeToSend extends Pick<Parameters<typeof prepareCode>[2], "purpose" | "kind" | "link"> {
  readonly client: Pick<Client, "id">;
  readonly clientMetadata: Metadata | undefined;
  /** The recipient. If undefined, the same work is done but nothing is sent. */
  readonly user: User | undefined;
  readonly delivery: Delivery;
  /** The user has proven that the address is theirs. */
  readonly proven: boolean;
}

/**
 * Sends the code, or does the same work without sending anything. A mailbox flooded for other accounts must not reveal
 * who else uses it, so that if the client hides who exists, the answer does not depend on it. Returns whether the code is
 * sent. Throws LimitExceededException (unless the client hides who exists) and CodeDeliveryFailureException.
 */
export async function sendCodeOf(
  ctx: Ctx,
  pool: Pool,
  { subject, caller, hides }: Asking,
  request: CodeToSend,
): Promise<boolean> {
  const { user, delivery, proven, client, clientMetadata, ...prepared } = request;
  const receiver = { destination: delivery.destination, proven, silent: hides };
  const mayBeSent = await countMessage(ctx, caller, receiver);
  if (!mayBeSent && !hides) limitExceeded();
  const sends = user !== undefined && mayBeSent;
  const by: DeliveredBy = sends ? (hides ? "worker" : "now") : "nobody";
  const place = sends ? user : simulatedPlace(subject);
  const occasion = user && { user, clientId: client.id, clientMetadata };
  await sendCode(ctx, prepareCode(ctx, pool, { ...prepared, user: place, delivery, by, occasion }));
  return sends;
}
