/**
 * signup: people make their own users and confirm them (AWS: "Signing up and confirming user accounts",
 * https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html).
 */
import type { Ctx } from "../../app.ts";
import type { Db } from "../../store/db.ts";
import type { LoginName, User } from "../../store/users.ts";
import { refuse, refuseFor } from "../../wire/refuse.ts";
import { attempted } from "../audit/attempt.ts";
import { checkPassword, makeCredential } from "../credentials/password.ts";
import { countSignUp } from "../credentials/request-limits.ts";
import { rememberHere, subjectOf, turnOf } from "../credentials/subjects.ts";
import { type LinkTarget, sendsLink } from "../messages/compose.ts";
import { deliverQueued } from "../messages/deliver.ts";
import { type Delivery, deliveryTo } from "../messages/delivery.ts";
import type { DeliveredBy } from "../messages/queue.ts";
import { refuseTriggers } from "../triggers/unavailable.ts";
import { hidesUsers } from "../user-pools/clients.ts";
import { pagesBase } from "../user-pools/domains.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { isPasswordless } from "../users/admin-create-user.ts";
import { type Attributes, assertWritable, contactAttributes, firstAttributes } from "../users/attributes.ts";
import { namesOf, takenName } from "../users/change-user.ts";
import { type PreparedCode, prepareCode, simulatedPlace, storeCode } from "../users/codes.ts";
import { newSub, newUser, simulateNewUser, storeNewUser } from "../users/new-user.ts";
import { nameNewUser, takenReasons } from "../users/username.ts";

export interface SignUpRequest {
  readonly username: string;
  readonly password: string | undefined;
  readonly attributes: Attributes;
}

/**
 * Makes an unconfirmed user and sends the code that confirms it. Throws UsernameExistsException, whoever asks: only
 * AliasAttributes keep to themselves which addresses are known, until the address is confirmed. A taken name costs the
 * same work, for applications that do not pass the answer on; with a client that hides who exists the worker delivers.
 * Throws TooManyRequestsException and LimitExceededException (limits by address and destination).
 */
export function signUp(
  ctx: Ctx,
  pool: Pool,
  client: Client,
  request: SignUpRequest,
): Promise<{ user: User; delivery: Delivery | undefined }> {
  return attempted(ctx, "SignUp", async (attempt) => {
    const made = await makeUser(ctx, pool, client, request);
    attempt.user = made.user;
    return made;
  });
}

async function makeUser(
  ctx: Ctx,
  pool: Pool,
  client: Client,
  request: SignUpRequest,
): Promise<{ user: User; delivery: Delivery | undefined }> {
  if (pool.document.AdminCreateUserConfig?.AllowAdminCreateUserOnly === true) {
    refuseFor("noSignUp");
  }
  refuseTriggers(pool, "PreSignUp");
  if (request.password) ctx.app.passwordHasher.assertRoom(turnOf(ctx, pool));
  assertWritable(pool, client, Object.keys(request.attributes));
  refuseAliasAtSignUp(pool, request.attributes);
  const sub = newSub(ctx.random);
  const named = nameNewUser(pool, request.username, request.attributes, sub);
  const attributes = unverified(firstAttributes(pool, named.attributes, { required: true }));
  const { password } = request;
  if (password) checkPassword(pool, password, "user");
  else if (!isPasswordless(pool)) refusePasswordless();
  const delivery = confirmationDelivery(pool, attributes);
  const user = newUser(ctx, pool, { sub, username: named.username, attributes, status: "UNCONFIRMED" });
  const link = await confirmationLink(ctx, pool, client, user.username);
  await countSignUp(ctx, pool, delivery?.destination);
  const taken = await takenName(ctx, pool, namesOf(pool, user), user.id);
  const credential = password ? await makeCredential(ctx, pool, user, password) : undefined;
  if (taken !== undefined) {
    const subject = subjectOf(ctx, pool, undefined, request.username);
    const place = simulatedPlace(subject);
    const simulated = delivery && signUpCode(ctx, pool, place, { delivery, link, by: "nobody" });
    await simulateNewUser(ctx, pool, user, { credential, also: (tx) => storeIfAny(tx, simulated) });
    return nameTaken(taken);
  }
  const by = hidesUsers(client) ? "worker" : "now";
  const prepared = delivery && signUpCode(ctx, pool, user, { delivery, link, by });
  await storeNewUser(ctx, pool, user, {
    credential,
    also: async (tx) => {
      await storeIfAny(tx, prepared);
      await rememberHere(tx, ctx, user);
    },
    taken: nameTaken,
  });
  if (prepared) await deliverQueued(ctx, [prepared.queued]);
  return { user, delivery };
}

function signUpCode(
  ctx: Ctx,
  pool: Pool,
  user: { id: string },
  sending: { delivery: Delivery; link: LinkTarget | undefined; by: DeliveredBy },
) {
  return prepareCode(ctx, pool, { user, purpose: "sign-up", kind: "sign-up", ...sending });
}

/**
 * Where a link leads that confirms a user, if the pool's e-mails have one (DefaultEmailOption). It carries the six digits
 * that a message without link has, under the same limits; the host is one of the configuration, never that of a request.
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

/** "You can't set preferred_username when you sign up a new user": it becomes an alias only of confirmed users. */
function refuseAliasAtSignUp(pool: Pool, attributes: Attributes): void {
  if (!attributes["preferred_username"]) return;
  if (!pool.document.AliasAttributes?.includes("preferred_username")) return;
  refuse("InvalidParameterException", "preferred_username cannot be set at sign-up while it is an alias.");
}

function refusePasswordless(): never {
  return refuseFor("passwordMissing", { names: ["password"] });
}

/** What a new user says of itself is not verified. */
function unverified(attributes: Attributes): Attributes {
  const flags = contactAttributes
    .filter((contact) => attributes[contact])
    .map((name) => [`${name}_verified`, "false"]);
  return { ...attributes, ...Object.fromEntries(flags) };
}

/**
 * Where the sign-up code goes: to an auto-verified attribute the user has; "if a user signs up with both a phone number
 * and an email address, a verification code is sent to the phone number". None: only administrators can confirm.
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

function nameTaken(name: LoginName | undefined): never {
  return refuseFor(takenReasons.name[name?.kind ?? "username"]);
}
