/**
 * signup: people create and confirm their own users ("Signing up and confirming user accounts",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html).
 */
import type { Ctx, Place } from "../../app.ts";
import type { Refusal } from "../../lib/refusal.ts";
import type { Db } from "../../store/db.ts";
import type { User } from "../../store/users.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { type Attempt, beginAttempt, concluded, learn } from "../audit/attempt.ts";
import { checkPassword, makeCredential } from "../credentials/password.ts";
import { countSignUp } from "../credentials/request-limits.ts";
import { rememberCallerSource, subjectOf, turnOf } from "../credentials/subjects.ts";
import { type LinkTarget, sendsLink } from "../messages/compose.ts";
import { deliverQueued } from "../messages/deliver.ts";
import { type Delivery, deliveryTo } from "../messages/delivery.ts";
import type { DeliveredBy } from "../messages/queue.ts";
import type { MessageOccasion } from "../triggers/custom-message.ts";
import { postConfirmation, preSignUp, type SignUpData, type SignUpDecision } from "../triggers/sign-up.ts";
import { hasTrigger } from "../triggers/trigger.ts";
import { hidesUsers } from "../user-pools/clients.ts";
import { pagesBase } from "../user-pools/domains.ts";
import { type Client, cachedSettings, type Pool } from "../user-pools/load-pool.ts";
import { isPasswordless } from "../users/admin-create-user.ts";
import { type Attributes, assertWritable, contactAttributes, firstAttributes } from "../users/attributes.ts";
import { namesOf, takenName } from "../users/change-user.ts";
import { type PreparedCode, prepareCode, simulatedPlace, storeCode } from "../users/codes.ts";
import { newSub, newUser, refuseProvidersName, simulateNewUser, storeNewUser } from "../users/new-user.ts";
import { nameNewUser, nameTaken } from "../users/username.ts";

export interface SignUpRequest extends SignUpData {
  readonly username: string;
  readonly password: string | undefined;
  readonly attributes: Attributes;
}

/**
 * Creates an unconfirmed user and sends the confirmation code, unless the pool's PreSignUp function confirms the user.
 * The function is asked before the name is looked up, so that it hears of taken names, too. Throws UsernameExistsException whoever asks: only
 * AliasAttributes keep it secret which addresses are taken, until the address is confirmed. A taken name costs the same
 * work, for applications that do not pass the answer on; if the client hides who exists, the worker delivers. Throws
 * TooManyRequestsException and LimitExceededException (limits by address and destination).
 */
export function signUp(
  ctx: Ctx,
  pool: Pool,
  client: Client,
  request: SignUpRequest,
): Promise<{ user: User; delivery: Delivery | undefined }> {
  const attempt = beginAttempt(ctx, "SignUp");
  return concluded(ctx, attempt, makeUser(ctx, pool, client, { ...request, attempt }));
}

/**
 * A place for the hash of a sign-up's password, or the refusal if there is none, before its client is loaded; undefined unless
 * client and pool are cached and users sign up there. No place is kept while a function may take its time.
 */
export function signUpPlace(
  ctx: Ctx,
  clientId: string,
  { password }: Pick<SignUpRequest, "password">,
): Refusal | Place | undefined {
  const pool = password ? cachedSettings(ctx, clientId)?.pool : undefined;
  if (pool === undefined || !usersSignUp(pool)) return undefined;
  const mayWait = hasTrigger(pool, "PreSignUp");
  return ctx.app.passwordHasher[mayWait ? "refusal" : "reserve"](turnOf(ctx, pool));
}

/** Whether anybody may sign up. */
function usersSignUp(pool: Pool): boolean {
  return pool.document.AdminCreateUserConfig?.AllowAdminCreateUserOnly !== true;
}

async function makeUser(
  ctx: Ctx,
  pool: Pool,
  client: Client,
  request: SignUpRequest & { readonly attempt: Attempt },
): Promise<{ user: User; delivery: Delivery | undefined }> {
  const asked = wantedUser(ctx, pool, client, request);
  await refuseProvidersName(ctx, pool, asked.username);
  await countSignUp(ctx, pool, confirmationDelivery(pool, asked.attributes)?.destination);
  const decision = await preSignUp(ctx, pool, client, { ...request, ...asked, userName: asked.username });
  const taken = await takenName(ctx, pool, namesOf(pool, asked), asked.id);
  const { password } = request;
  const credential = password ? await makeCredential(ctx, pool, asked, password) : undefined;
  const user = decided(asked, decision);
  const delivery = decision.confirmed ? undefined : confirmationDelivery(pool, asked.attributes);
  const link = delivery && (await confirmationLink(ctx, pool, client, user.username));
  if (taken !== undefined) {
    const subject = subjectOf(ctx, pool, undefined, request.username);
    const place = simulatedPlace(subject);
    const simulated =
      delivery && signUpCode(ctx, pool, place, { delivery, link, by: "nobody", occasion: undefined });
    await simulateNewUser(ctx, pool, asked, { credential, also: (tx) => storeIfAny(tx, simulated) });
    return nameTaken(taken);
  }
  const by = hidesUsers(client) ? "worker" : "now";
  const { clientMetadata } = request;
  const occasion = { user, clientId: client.id, clientMetadata };
  const prepared = delivery && signUpCode(ctx, pool, user, { delivery, link, by, occasion });
  await storeNewUser(ctx, pool, user, {
    credential,
    // An address that the function vouches for is as good as one whose code was entered.
    takeAliases: decision.verified.length > 0 ? "ConfirmSignUp" : undefined,
    also: async (tx) => {
      await storeIfAny(tx, prepared);
      await rememberCallerSource(tx, ctx, user);
    },
    taken: nameTaken,
  });
  learn(request.attempt, { user });
  if (prepared) await deliverQueued(ctx, [prepared.queued]);
  if (decision.confirmed)
    await postConfirmation(ctx, pool, { user, by: "ConfirmSignUp", client, clientMetadata });
  return { user, delivery };
}

/** The user whom somebody asks for, unconfirmed. Throws what is wrong with it. */
function wantedUser(ctx: Ctx, pool: Pool, client: Client, request: SignUpRequest): User {
  if (!usersSignUp(pool)) refuseFor("noSignUp");
  if (request.password) ctx.app.passwordHasher.assertRoom(turnOf(ctx, pool));
  assertWritable(pool, client, Object.keys(request.attributes));
  refuseAliasAtSignUp(pool, request.attributes);
  const sub = newSub(ctx.random);
  const named = nameNewUser(pool, request.username, request.attributes, sub);
  const attributes = unverified(firstAttributes(pool, named.attributes, { required: true }));
  const { password } = request;
  if (password) checkPassword(pool, password, "user");
  else if (!isPasswordless(pool)) refusePasswordless();
  return newUser(ctx, pool, { sub, username: named.username, attributes, status: "UNCONFIRMED" });
}

/** The user as the PreSignUp function decided. */
function decided(user: User, { confirmed, verified }: SignUpDecision): User {
  const flags = Object.fromEntries(verified.map((contact) => [`${contact}_verified`, "true"]));
  const status = confirmed ? "CONFIRMED" : user.status;
  return { ...user, status, attributes: { ...user.attributes, ...flags } };
}

function signUpCode(
  ctx: Ctx,
  pool: Pool,
  user: { id: string },
  sending: {
    delivery: Delivery;
    link: LinkTarget | undefined;
    by: DeliveredBy;
    occasion: MessageOccasion | undefined;
  },
) {
  return prepareCode(ctx, pool, { user, purpose: "sign-up", kind: "sign-up", ...sending });
}

/**
 * The link that confirms a user, if the pool's e-mails have one (DefaultEmailOption). It carries the six digits that a
 * message without a link has, under the same limits; its host comes from the configuration, never from a request.
 */
export async function confirmationLink(
  ctx: Ctx,
  pool: Pool,
  client: Client,
  username: string,
): Promise<LinkTarget | undefined> {
  if (!sendsLink(pool.document, "EMAIL")) return undefined;
  return { base: await pagesBase(ctx, pool), clientId: client.id, username };
}

async function storeIfAny(tx: Db, prepared: PreparedCode | undefined): Promise<void> {
  if (prepared) await storeCode(tx, prepared);
}

/** "You can't set preferred_username when you sign up a new user": only confirmed users can have it as an alias. */
function refuseAliasAtSignUp(pool: Pool, attributes: Attributes): void {
  if (!attributes["preferred_username"]) return;
  if (!pool.document.AliasAttributes?.includes("preferred_username")) return;
  refuse("InvalidParameterException", "preferred_username cannot be set at sign-up while it is an alias.");
}

function refusePasswordless(): never {
  return refuseFor("passwordMissing", { names: ["password"] });
}

/** Marks the addresses that a new user gives as unverified. */
function unverified(attributes: Attributes): Attributes {
  const flags = contactAttributes
    .filter((contact) => attributes[contact])
    .map((name) => [`${name}_verified`, "false"]);
  return { ...attributes, ...Object.fromEntries(flags) };
}

/**
 * Where the sign-up code is sent: to an auto-verified attribute that the user has; "if a user signs up with both a
 * phone number and an email address, a verification code is sent to the phone number". If there is none, only
 * administrators can confirm the user.
 */
export function confirmationDelivery(
  pool: Pick<Pool, "document">,
  attributes: Attributes,
): Delivery | undefined {
  const auto = pool.document.AutoVerifiedAttributes ?? [];
  for (const contact of ["phone_number", "email"] as const) {
    const value = attributes[contact];
    if (value && auto.includes(contact)) return deliveryTo(contact, value);
  }
  return undefined;
}
