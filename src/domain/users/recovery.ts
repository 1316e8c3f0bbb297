/**
 * Forgotten passwords ("Account recovery",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/managing-users-passwords.html): who may recover by which
 * address, the code, and the new password.
 */
import type { Ctx } from "../../app.ts";
import { readCredential } from "../../store/credentials.ts";
import { revokeManyFamilies } from "../../store/token-families.ts";
import type { User } from "../../store/users.ts";
import { refuseFor } from "../../wire/refuse.ts";
import { type Attempt, beginAttempt, concluded, learn } from "../audit/attempt.ts";
import { checkPassword, makeCredential } from "../credentials/password.ts";
import { admitMessage } from "../credentials/request-limits.ts";
import { subjectOf } from "../credentials/subjects.ts";
import { deliverQueued } from "../messages/deliver.ts";
import { type ContactAttribute, type Delivery, deliveryTo, simulatedDelivery } from "../messages/delivery.ts";
import { factorContacts } from "../mfa/factors.ts";
import { postConfirmation } from "../triggers/sign-up.ts";
import type { Metadata } from "../triggers/trigger.ts";
import { hidesUsers } from "../user-pools/clients.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { isVerified } from "./attributes.ts";
import { changeUser } from "./change-user.ts";
import { changeByCode, prepareCode, proof, refuseCode, storeCode } from "./codes.ts";
import { requireCodeOf, sendCodeOf } from "./codes-by-name.ts";
import { findUser, noSuchUserOfClient } from "./find-user.ts";
import { migratesUsers, migrateToRecover } from "./migrate-user.ts";
import { endTrust, replacePassword } from "./passwords.ts";

const purpose = "forgot-password";

/**
 * The addresses that may recover a password, best first. In pools without AccountRecoverySetting, which are
 * older than its default, the phone number comes first. Throws NotAuthorizedException if only administrators reset passwords.
 */
function recoveryOrder(pool: Pick<Pool, "document">): ContactAttribute[] {
  const mechanisms = pool.document.AccountRecoverySetting?.RecoveryMechanisms ?? [];
  if (mechanisms.length === 0) return ["phone_number", "email"];
  if (mechanisms.some((mechanism) => mechanism.Name === "admin_only")) {
    refuseFor("recoveryByAdministrator");
  }
  return mechanisms
    .toSorted((a, b) => a.Priority - b.Priority)
    .map((mechanism) => (mechanism.Name === "verified_email" ? "email" : "phone_number"));
}

/**
 * Where codes to recover this user's password may be sent, best first: verified addresses that are not second factors,
 * since access to one address must not provide both factors. Throws as `recoveryOrder` does.
 */
export function recoveryDeliveries(
  pool: Pick<Pool, "document">,
  user: Pick<User, "attributes" | "mfa">,
): Delivery[] {
  const factors = factorContacts(pool, user);
  return verifiedDeliveries(pool, user).filter(({ attribute }) => !factors.includes(attribute));
}

/** Verified addresses for recovery, including those that are second factors. */
function verifiedDeliveries(pool: Pick<Pool, "document">, user: Pick<User, "attributes">): Delivery[] {
  return recoveryOrder(pool).flatMap((contact) => {
    const value = user.attributes[contact];
    return value && isVerified(user.attributes, contact) ? [deliveryTo(contact, value)] : [];
  });
}

/** Reasons for not sending a code, for the log only. */
const reasons = {
  "no user": "nobody has this name",
  disabled: "the user is disabled",
  state: "the user has a temporary password, or signs in elsewhere",
  unconfirmed: "the user is not confirmed",
  "nothing verified": "the user has no verified address that the pool recovers passwords by",
  "second factor": "the address is a second factor",
  "too many": "too many messages have gone to the address",
} as const;

type Reason = keyof typeof reasons;
type Obstacle = Exclude<Reason, "no user" | "too many">;

/** Why this user cannot recover the password by a code, if so. */
function obstacleOf(pool: Pool, user: User): Obstacle | undefined {
  if (!user.enabled) return "disabled";
  if (user.status === "FORCE_CHANGE_PASSWORD" || user.status === "EXTERNAL_PROVIDER") return "state";
  if (user.status === "UNCONFIRMED") return "unconfirmed";
  return noAddress(pool, user);
}

/** Why none of the user's addresses can recover the password, if so. */
function noAddress(pool: Pool, user: User): Obstacle | undefined {
  if (recoveryDeliveries(pool, user).length > 0) return undefined;
  return verifiedDeliveries(pool, user).length > 0 ? "second factor" : "nothing verified";
}

function refuseObstacle(obstacle: Obstacle): never {
  const detail = `nothing sent: ${reasons[obstacle]}`;
  switch (obstacle) {
    case "disabled":
      return refuseFor("disabled", { detail });
    case "state":
      return refuseFor("stateForbidsRecovery", { detail });
    case "unconfirmed":
    case "nothing verified":
    case "second factor":
      return refuseFor("nothingToRecoverBy", { detail });
  }
}

/**
 * ForgotPassword: sends a code and returns its destination. If the client hides who exists, everybody gets an answer of
 * the same form after the same work, and the worker delivers, whose time nobody can measure.
 */
export async function forgotPassword(
  ctx: Ctx,
  pool: Pool,
  client: Client,
  username: string,
  clientMetadata?: Metadata,
): Promise<Delivery> {
  const attempt = beginAttempt(ctx, "ForgotPassword");
  const sending = sendRecoveryCode(ctx, pool, client, { username, attempt, clientMetadata });
  const { to } = await concluded(ctx, attempt, sending, ({ sends }) => (sends ? "InProgress" : "Fail"));
  return to;
}

interface Forgetting {
  readonly username: string;
  readonly attempt: Attempt;
  readonly clientMetadata: Metadata | undefined;
}

async function sendRecoveryCode(
  ctx: Ctx,
  pool: Pool,
  client: Client,
  { username, attempt, clientMetadata }: Forgetting,
): Promise<{ readonly to: Delivery; readonly sends: boolean }> {
  const order = recoveryOrder(pool);
  const hides = hidesUsers(client);
  const moving = { pool, client, submitted: username, clientMetadata };
  const known = await findUser(ctx, pool, username);
  learn(attempt, { user: known });
  if (known === undefined && !hides && !migratesUsers(pool)) noSuchUserOfClient();
  const subject = subjectOf(ctx, pool, known, username);
  const caller = await admitMessage(ctx, subject, purpose);
  const user = known ?? (await migrateToRecover(ctx, moving));
  if (user === undefined && !hides) noSuchUserOfClient();
  learn(attempt, { user });
  const delivery = user && recoveryDeliveries(pool, user)[0];
  const obstacle = user && obstacleOf(pool, user);
  learn(attempt, { isOfUser: obstacle !== undefined });
  if (obstacle !== undefined && !hides) refuseObstacle(obstacle);
  const real = user !== undefined && delivery !== undefined && obstacle === undefined;
  const to = real ? delivery : simulatedDelivery(pool, username, likelyContact(pool, order), order);
  const receiver = { user: real ? user : undefined, delivery: to, proven: real };
  const asking = { subject, caller, hides };
  const sends = await sendCodeOf(ctx, pool, asking, {
    ...receiver,
    purpose,
    kind: purpose,
    client,
    clientMetadata,
  });
  // Logged for nonexistent users as well, since writing a line takes time.
  if (!sends) {
    const reason = reasons[user === undefined ? "no user" : (obstacle ?? "too many")];
    ctx.log.info({ poolId: pool.id, userId: user?.id, detail: `nothing sent: ${reason}` }, "ForgotPassword");
  }
  return { to, sends };
}

/** The address that most users of the pool can be reached at. */
function likelyContact(pool: Pool, order: readonly ContactAttribute[]): ContactAttribute {
  const verified = pool.document.AutoVerifiedAttributes ?? [];
  return order.find((contact) => verified.includes(contact)) ?? order[0] ?? "email";
}

/** ConfirmForgotPassword: sets a new password by a code. Revokes all existing tokens. */
export function confirmForgotPassword(
  ctx: Ctx,
  pool: Pool,
  client: Client,
  request: Recovery,
): Promise<void> {
  const attempt = beginAttempt(ctx, "ForgotPassword");
  return concluded(ctx, attempt, recover(ctx, pool, client, { ...request, attempt }));
}

interface Recovery {
  readonly username: string;
  readonly code: string;
  readonly password: string;
  readonly clientMetadata?: Metadata | undefined;
}

async function recover(
  ctx: Ctx,
  pool: Pool,
  client: Client,
  request: Recovery & { readonly attempt: Attempt },
): Promise<void> {
  checkPassword(pool, request.password, "user");
  // For everybody alike, before anybody is looked up.
  recoveryOrder(pool);
  const { username, code, attempt } = request;
  const { user, held } = await requireCodeOf(
    ctx,
    { pool, client },
    {
      username,
      code,
      purpose,
      limit: "confirm-forgot-password",
      found: (found) => learn(attempt, { user: found }),
      assertUsable(found) {
        if (!found.enabled) refuseObstacle("disabled");
        if (found.status === "UNCONFIRMED") refuseFor("notConfirmed");
      },
    },
  );
  const previous = await readCredential(ctx.db, pool.id, user.id);
  const credential = await makeCredential(ctx, pool, user, request.password, { previous });
  // The address that the code was sent to must still be allowed to recover: neither an abandoned mailbox nor one
  // that has become a second factor may.
  const mayRecover = (fresh: User) =>
    recoveryDeliveries(pool, fresh).some(
      ({ attribute, destination }) => proof(attribute, destination) === held.proves,
    ) &&
    fresh.enabled &&
    fresh.status !== "EXTERNAL_PROVIDER";
  if (mayRecover(user)) await revokeManyFamilies(ctx.db, pool.id, user.id, ctx.now);
  const recovered = await changeByCode(ctx, pool, user, held, {
    operation: "ConfirmForgotPassword",
    decide: (fresh) => {
      if (!mayRecover(fresh)) refuseCode("none", held.hides);
      return { status: "CONFIRMED" };
    },
    also: (tx) => replacePassword(tx, pool, user, credential, ctx.now),
  });
  const { clientMetadata } = request;
  await postConfirmation(ctx, pool, { user: recovered, by: "ConfirmForgotPassword", client, clientMetadata });
}

/**
 * AdminResetUserPassword: the user must choose a new password by a code sent now, and until then can neither sign in
 * nor use a token. Throws NotAuthorizedException and InvalidParameterException as ForgotPassword does.
 */
export function resetPassword(
  ctx: Ctx,
  pool: Pool,
  user: User,
  clientMetadata: Metadata | undefined,
): Promise<void> {
  const attempt = beginAttempt(ctx, "ForgotPassword", { user });
  return concluded(ctx, attempt, sendReset(ctx, pool, user, clientMetadata), () => "InProgress");
}

/** Whether an administrator can reset this user's password. Throws NotAuthorizedException. */
function assertResettable(user: Pick<User, "enabled" | "status">): void {
  if (!user.enabled) refuseObstacle("disabled");
  if (user.status !== "CONFIRMED" && user.status !== "RESET_REQUIRED") refuseObstacle("state");
}

async function sendReset(
  ctx: Ctx,
  pool: Pool,
  user: User,
  clientMetadata: Metadata | undefined,
): Promise<void> {
  recoveryOrder(pool);
  assertResettable(user);
  const [delivery = refuseObstacle(noAddress(pool, user) ?? "nothing verified")] = recoveryDeliveries(
    pool,
    user,
  );
  const prepared = prepareCode(ctx, pool, {
    user,
    purpose,
    kind: "admin-reset-password",
    delivery,
    by: "now",
    occasion: { user, clientMetadata },
  });
  await revokeManyFamilies(ctx.db, pool.id, user.id, ctx.now);
  await changeUser(
    ctx,
    pool,
    user,
    (fresh) => {
      assertResettable(fresh);
      return { status: "RESET_REQUIRED" };
    },
    {
      operation: "AdminResetUserPassword",
      also: async (tx) => {
        await endTrust(tx, pool, user, ctx.now);
        await storeCode(tx, prepared);
      },
    },
  );
  await deliverQueued(ctx, [prepared.queued]);
}
