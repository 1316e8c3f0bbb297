/**
 * Users who move here one at a time ("Importing users with a user migration Lambda trigger", Amazon Cognito Developer
 * Guide): whoever signs in or has forgotten the password, and is unknown here, but not to the pool's UserMigration
 * function.
 */
import type { Ctx } from "../../app.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { User } from "../../store/users.ts";
import { isOfShape } from "../../wire/check.ts";
import { userPoolModel } from "../../wire/generated/user-pools.ts";
import { refuse } from "../../wire/refuse.ts";
import { makeCredential } from "../credentials/password.ts";
import { deliverQueued } from "../messages/deliver.ts";
import { queueMessage } from "../messages/queue.ts";
import { poolFactors, withFactor } from "../mfa/factors.ts";
import { hasTrigger, type Metadata } from "../triggers/trigger.ts";
import { type FoundUser, findElsewhere } from "../triggers/user-migration.ts";
import type { Client, Pool } from "../user-pools/load-pool.ts";
import { loginNameKey } from "../user-pools/login-names.ts";
import { type Attributes, contactAttributes, firstAttributes, isVerified } from "./attributes.ts";
import { findUser } from "./find-user.ts";
import { invitationDeliveries, invitations } from "./invitations.ts";
import { newSub, newUser, refuseProvidersName, storeNewUser } from "./new-user.ts";
import { nameNewUser, nameTaken } from "./username.ts";

interface Moving {
  readonly pool: Pool;
  readonly client: Client;
  /** The name as it was entered. */
  readonly submitted: string;
  readonly validationData?: Metadata | undefined;
  readonly clientMetadata?: Metadata | undefined;
}

/** Whether users of a pool may still be in another store. */
export const migratesUsers = (pool: Pool): boolean => hasTrigger(pool, "UserMigration");

/**
 * Creates the user whose name and password the function knows. Undefined if it does not, or if what it answers cannot
 * be a user here, which the log says. If the user appears here meanwhile, that is the answer; whether the password is
 * theirs is then still to be checked.
 */
export function migrateByPassword(ctx: Ctx, moving: Moving, password: string): Promise<User | undefined> {
  return migrate(ctx, moving, password);
}

/** As `migrateByPassword`, for somebody who has forgotten the password; needs a verified address to recover by. */
export function migrateToRecover(ctx: Ctx, moving: Moving): Promise<User | undefined> {
  return migrate(ctx, moving, undefined);
}

async function migrate(ctx: Ctx, moving: Moving, password: string | undefined): Promise<User | undefined> {
  const { pool, client, submitted: userName, ...data } = moving;
  if (!migratesUsers(pool)) return undefined;
  const found = await findElsewhere(ctx, pool, client, { userName, password, ...data });
  if (found === undefined) return undefined;
  try {
    return await create(ctx, moving, found, password);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // Somebody may have moved the same user at the same time.
    const present = await findUser(ctx, pool, userName);
    if (present !== undefined) return present;
    const detail = { poolId: pool.id, code: error.code, detail: error.detail ?? error.message };
    ctx.log.warn(detail, "UserMigration: the user that the function knows cannot be created");
    return undefined;
  }
}

async function create(
  ctx: Ctx,
  { pool, submitted }: Moving,
  found: FoundUser,
  password: string | undefined,
): Promise<User | undefined> {
  const { username: stated, ...given } = found.attributes;
  const sub = newSub(ctx.random);
  const name = namedBy(pool, { stated, submitted, given });
  // No request could name such a user again.
  if (!isOfShape(userPoolModel, "UsernameType", name))
    refuse("InvalidParameterException", "The name cannot be a username.");
  const named = nameNewUser(pool, name, given, sub);
  await refuseProvidersName(ctx, pool, named.username);
  const attributes = firstAttributes(pool, named.attributes, { required: false });
  const keeps = found.isConfirmed && password !== undefined;
  // A password that is forgotten is replaced by a code, for which there must be an address.
  if (password === undefined && !contactAttributes.some((contact) => isVerified(attributes, contact)))
    return undefined;
  const status = keeps ? "CONFIRMED" : "RESET_REQUIRED";
  const fresh = newUser(ctx, pool, { sub, username: named.username, attributes, status });
  const user = found.enablesSms ? withSms(pool, fresh) : fresh;
  // The other store has accepted the password: this pool's policy holds from the next one on.
  const credential = keeps ? await makeCredential(ctx, pool, user, password) : undefined;
  const welcomes = keeps && !found.isSilent;
  const deliveries = welcomes ? invitationDeliveries(attributes, found.mediums) : [];
  const messages = invitations(ctx, pool, user, {
    username: submitted,
    password: undefined,
    deliveries,
    until: undefined,
    clientMetadata: undefined,
  });
  await storeNewUser(ctx, pool, user, {
    credential,
    takeAliases: found.takesAliases ? "AdminCreateUser" : undefined,
    also: async (tx) => {
      for (const message of messages) await queueMessage(tx, message);
    },
    taken: nameTaken,
  });
  await deliverQueued(ctx, messages);
  return user;
}

/**
 * The name of the new user: the one that was entered. A username that the function states counts only where somebody has
 * entered an address that becomes the user's alias.
 */
function namedBy(
  pool: Pool,
  { stated, submitted, given }: { stated: string | undefined; submitted: string; given: Attributes },
): string {
  const entered = loginNameKey(pool, submitted);
  const isAlias = contactAttributes.some(
    (contact) =>
      pool.document.AliasAttributes?.includes(contact) &&
      isVerified(given, contact) &&
      loginNameKey(pool, given[contact] ?? "") === entered,
  );
  return isAlias && stated !== undefined ? stated : submitted;
}

/** Turns codes by text message on, where the pool has them and the user a number. */
function withSms(pool: Pool, user: User): User {
  const canHave = poolFactors(pool).includes("SMS_MFA") && user.attributes["phone_number"];
  return canHave ? { ...user, mfa: withFactor(user.mfa, "SMS_MFA") } : user;
}
