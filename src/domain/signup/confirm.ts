/** Confirms users who signed up: by the code that they were sent, or by an administrator. */
import type { Ctx } from "../../app.ts";
import { deleteCodes } from "../../store/codes.ts";
import type { User } from "../../store/users.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { type Attempt, beginAttempt, concluded, learn } from "../audit/attempt.ts";
import { admitMessage } from "../credentials/request-limits.ts";
import { subjectOf } from "../credentials/subjects.ts";
import { type ContactAttribute, type Delivery, simulatedDelivery } from "../messages/delivery.ts";
import { postConfirmation } from "../triggers/sign-up.ts";
import type { Metadata } from "../triggers/trigger.ts";
import { hidesUsers } from "../user-pools/clients.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { type Attributes, contactAttributes } from "../users/attributes.ts";
import { changeUser } from "../users/change-user.ts";
import { changeByCode, proof } from "../users/codes.ts";
import { requireCodeOf, sendCodeOf } from "../users/codes-by-name.ts";
import { findUser, noSuchUserOfClient } from "../users/find-user.ts";
import { confirmationDelivery, confirmationLink } from "./sign-up.ts";

const purpose = "sign-up";

function cannotBeConfirmed(user: User): never {
  if (user.status === "CONFIRMED") return refuseFor("confirmedBefore");
  return refuseFor("statusForbidsConfirmation", { status: user.status });
}

/**
 * ConfirmSignUp: confirms the user and verifies the address that the code was sent to; an address that is an alias
 * becomes this user's. If that fails with AliasExistsException, the code stays valid, so that the caller may retry with
 * ForceAliasCreation. Returns the user, and the address that the code was sent to if it is still theirs.
 */
export async function confirmSignUp(
  ctx: Ctx,
  pool: Pool,
  client: Client,
  request: {
    username: string;
    code: string;
    forceAliasCreation: boolean;
    clientMetadata?: Metadata | undefined;
  },
): Promise<{ user: User; contact: ContactAttribute | undefined }> {
  const { username, code } = request;
  const { user, held } = await requireCodeOf(
    ctx,
    { pool, client },
    {
      username,
      code,
      purpose,
      limit: "confirm-sign-up",
      assertUsable(found) {
        if (!found.enabled) refuseFor("disabled");
        if (found.status !== "UNCONFIRMED") cannotBeConfirmed(found);
      },
    },
  );
  const confirmed = await changeByCode(ctx, pool, user, held, {
    operation: "ConfirmSignUp",
    takeAliases: request.forceAliasCreation,
    decide: (fresh) => {
      if (fresh.status !== "UNCONFIRMED") cannotBeConfirmed(fresh);
      return { status: "CONFIRMED", attributes: withProven(fresh.attributes, held.proves) };
    },
  });
  const { clientMetadata } = request;
  await postConfirmation(ctx, pool, { user: confirmed, by: "ConfirmSignUp", client, clientMetadata });
  return { user: confirmed, contact: provenContact(confirmed.attributes, held.proves) };
}

function provenContact(attributes: Attributes, proven: string): ContactAttribute | undefined {
  return contactAttributes.find((name) => proof(name, attributes[name] ?? "") === proven);
}

/** Marks the proven address as verified, unless it was replaced after the code had been sent. */
function withProven(attributes: Attributes, proven: string): Attributes {
  const contact = provenContact(attributes, proven);
  return contact === undefined ? attributes : { ...attributes, [`${contact}_verified`]: "true" };
}

/** AdminConfirmSignUp: confirms a user without a code, and verifies no address. Throws as `postConfirmation` does. */
export async function adminConfirmSignUp(
  ctx: Ctx,
  pool: Pool,
  user: User,
  clientMetadata: Metadata | undefined,
): Promise<void> {
  const confirmed = await changeUser(
    ctx,
    pool,
    user,
    (fresh) => {
      if (fresh.status !== "UNCONFIRMED") cannotBeConfirmed(fresh);
      return { status: "CONFIRMED" };
    },
    { operation: "AdminConfirmSignUp", also: (tx) => deleteCodes(tx, pool.id, user.id, [purpose]) },
  );
  const whom = { user: confirmed ?? user, by: "ConfirmSignUp", client: undefined } as const;
  await postConfirmation(ctx, pool, { ...whom, clientMetadata });
}

/**
 * ResendConfirmationCode. If the client hides who exists, everybody gets an answer of the same form after the same
 * work, and the worker delivers.
 */
export function resendConfirmationCode(
  ctx: Ctx,
  pool: Pool,
  client: Client,
  username: string,
  clientMetadata?: Metadata,
): Promise<Delivery> {
  const attempt = beginAttempt(ctx, "ResendCode");
  return concluded(ctx, attempt, resendCode(ctx, pool, client, { username, attempt, clientMetadata }));
}

async function resendCode(
  ctx: Ctx,
  pool: Pool,
  client: Client,
  request: { username: string; attempt: Attempt; clientMetadata: Metadata | undefined },
): Promise<Delivery> {
  const { username, attempt, clientMetadata } = request;
  const likely = likelyContact(pool);
  const hides = hidesUsers(client);
  const user = await findUser(ctx, pool, username);
  learn(attempt, { user });
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
  const receiver = { user: delivery === undefined ? undefined : user, delivery: to, proven: false };
  const asking = { subject, caller, hides };
  await sendCodeOf(ctx, pool, asking, {
    ...receiver,
    purpose,
    kind: "resend-code",
    link,
    client,
    clientMetadata,
  });
  return to;
}

/**
 * The kind of address that sign-up codes of the pool go to. Throws if there is none, which is the same for every user.
 */
function likelyContact(pool: Pool): ContactAttribute {
  const auto = pool.document.AutoVerifiedAttributes ?? [];
  if (auto.length === 0) noWhereToSend();
  return auto.includes("email") ? "email" : "phone_number";
}

function noWhereToSend(): never {
  return refuse("InvalidParameterException", "Cannot resend codes. Auto verification not turned on.");
}
