/** The confirmation of users who signed up: by the code they were sent, or by an administrator. */
import type { Ctx } from "../../app.ts";
import { deleteCodes } from "../../store/codes.ts";
import type { User } from "../../store/users.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { type Attempt, attempted } from "../audit/attempt.ts";
import { admitCode, admitMessage, countMessage, limitExceeded } from "../credentials/request-limits.ts";
import { subjectOf } from "../credentials/subjects.ts";
import { type ContactAttribute, type Delivery, simulatedDelivery } from "../messages/delivery.ts";
import type { DeliveredBy } from "../messages/queue.ts";
import { refuseTriggers } from "../triggers/unavailable.ts";
import { hidesUsers } from "../user-pools/clients.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { type Attributes, contactAttributes } from "../users/attributes.ts";
import { changeUser } from "../users/change-user.ts";
import {
  changeByCode,
  prepareCode,
  proof,
  refuseCode,
  requireCode,
  sendCode,
  simulatedPlace,
} from "../users/codes.ts";
import { findUser, noSuchUserOfClient } from "../users/find-user.ts";
import { confirmationDelivery, confirmationLink } from "./sign-up.ts";

const purpose = "sign-up";

function cannotBeConfirmed(user: User): never {
  if (user.status === "CONFIRMED") return refuseFor("confirmedBefore");
  return refuseFor("statusForbidsConfirmation", { status: user.status });
}

/**
 * ConfirmSignUp: the user is confirmed and the address the code went to is verified; where it is an alias it becomes
 * this user's. The code stays good when that fails with AliasExistsException, so that the caller may come again with
 * ForceAliasCreation. Answers the user, and which of their addresses the code had gone to, if it still is theirs.
 */
export async function confirmSignUp(
  ctx: Ctx,
  pool: Pool,
  client: Client,
  request: { username: string; code: string; forceAliasCreation: boolean },
): Promise<{ user: User; contact: ContactAttribute | undefined }> {
  refuseTriggers(pool, "PostConfirmation");
  const hides = hidesUsers(client);
  const user = await findUser(ctx, pool, request.username);
  if (user === undefined && !hides) noSuchUserOfClient();
  const subject = subjectOf(ctx, pool, user, request.username);
  const caller = await admitCode(ctx, subject, "confirm-sign-up");
  if (user !== undefined && !hides) {
    if (!user.enabled) refuseFor("disabled");
    if (user.status !== "UNCONFIRMED") cannotBeConfirmed(user);
  }
  const place = { poolId: pool.id, userId: (user ?? simulatedPlace(subject)).id, purpose } as const;
  const held = await requireCode(ctx, place, request.code, { hides, caller });
  if (user === undefined || !user.enabled) return refuseCode("wrong", hides);
  const confirmed = await changeByCode(ctx, pool, user, held, {
    operation: "ConfirmSignUp",
    takeAliases: request.forceAliasCreation,
    decide: (fresh) => {
      if (fresh.status !== "UNCONFIRMED") cannotBeConfirmed(fresh);
      return { status: "CONFIRMED", attributes: withProven(fresh.attributes, held.proves) };
    },
  });
  return { user: confirmed, contact: provenContact(confirmed.attributes, held.proves) };
}

function provenContact(attributes: Attributes, proven: string): ContactAttribute | undefined {
  return contactAttributes.find((name) => proof(name, attributes[name] ?? "") === proven);
}

/** An address that was replaced after the code had been sent to it is not verified by it. */
function withProven(attributes: Attributes, proven: string): Attributes {
  const contact = provenContact(attributes, proven);
  return contact === undefined ? attributes : { ...attributes, [`${contact}_verified`]: "true" };
}

/** AdminConfirmSignUp: confirmed without a code, and no address verified. */
export async function adminConfirmSignUp(ctx: Ctx, pool: Pool, user: User): Promise<void> {
  refuseTriggers(pool, "PostConfirmation");
  await changeUser(
    ctx,
    pool,
    user,
    (fresh) => {
      if (fresh.status !== "UNCONFIRMED") cannotBeConfirmed(fresh);
      return { status: "CONFIRMED" };
    },
    { operation: "AdminConfirmSignUp", also: (tx) => deleteCodes(tx, pool.id, user.id, [purpose]) },
  );
}

/**
 * ResendConfirmationCode. With a client that hides who exists, everybody gets an answer of the same form after the
 * same work, and delivery is left to the worker.
 */
export function resendConfirmationCode(
  ctx: Ctx,
  pool: Pool,
  client: Client,
  username: string,
): Promise<Delivery> {
  return attempted(ctx, "ResendCode", (attempt) => resendCode(ctx, pool, client, { username, attempt }));
}

async function resendCode(
  ctx: Ctx,
  pool: Pool,
  client: Client,
  { username, attempt }: { username: string; attempt: Attempt },
): Promise<Delivery> {
  const likely = likelyContact(pool);
  const hides = hidesUsers(client);
  const user = await findUser(ctx, pool, username);
  attempt.user = user;
  if (user === undefined && !hides) noSuchUserOfClient();
  const subject = subjectOf(ctx, pool, user, username);
  const caller = await admitMessage(ctx, subject, "resend-confirmation-code");
  if (user !== undefined && !hides) {
    if (!user.enabled) refuseFor("disabled");
    if (user.status !== "UNCONFIRMED") refuseFor("alreadyConfirmed");
  }
  const waits = user?.enabled === true && user.status === "UNCONFIRMED";
  const delivery = waits ? confirmationDelivery(pool, user.attributes) : undefined;
  if (delivery === undefined && !hides) noWhereToSend();
  const to = delivery ?? simulatedDelivery(pool, username, likely, pool.document.AutoVerifiedAttributes);
  const link = await confirmationLink(ctx, pool, client, user?.username ?? username);
  const receiver = { destination: to.destination, proven: false, silent: hides };
  const mayBeSent = await countMessage(ctx, caller, receiver);
  if (!mayBeSent && !hides) limitExceeded();
  // As in ForgotPassword: a flooded mailbox must not tell whose else it is.
  const sends = user !== undefined && delivery !== undefined && mayBeSent;
  const by: DeliveredBy = sends ? (hides ? "worker" : "now") : "nobody";
  const place = sends ? user : simulatedPlace(subject);
  await sendCode(
    ctx,
    prepareCode(ctx, pool, { user: place, purpose, kind: "resend-code", delivery: to, by, link }),
  );
  return to;
}

/** Which address sign-up codes of the pool go to. Throws when they go nowhere: that is the same for every user. */
function likelyContact(pool: Pool): ContactAttribute {
  const auto = pool.document.AutoVerifiedAttributes ?? [];
  if (auto.length === 0) noWhereToSend();
  return auto.includes("email") ? "email" : "phone_number";
}

function noWhereToSend(): never {
  return refuse("InvalidParameterException", "Cannot resend codes. Auto verification not turned on.");
}
