/**
 * An account is a record here and a user in the pool. It takes several steps to make one, any of which can fail, and this
 * process can end between any two. The record comes first and says what was begun; whoever asks again with the same address
 * continues from there.
 */
import {
  AliasExistsException,
  InvalidParameterException,
  InvalidPasswordException,
  NotAuthorizedException,
  PasswordResetRequiredException,
  UserNotFoundException,
  UsernameExistsException,
} from "@aws-sdk/client-cognito-identity-provider";
import * as pool from "./pool.ts";
import type { Account } from "./records.ts";
import * as records from "./records.ts";

export interface Wanted {
  readonly name: string;
  readonly email: string;
  readonly password: string;
}

/** What the caller must be told, with its HTTP status. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const taken = () => new Refusal(409, "There is already an account with this email address.");

/** The last creation that was begun for an address. */
const underway = new Map<string, Promise<Account>>();

/**
 * Creates an account, or finishes one. For an account that is ready it gives the same answer again if the password is
 * right, since the caller may have missed the first. Throws a Refusal if that is the answer; after any other error the
 * caller may repeat the request.
 */
export function createAccount(wanted: Wanted): Promise<Account> {
  const before = underway.get(wanted.email);
  const create = () => createNow(wanted);
  // What a creation before this one was refused for is not this one's matter; a pool that did not answer is.
  const createDespite = (error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
    return create();
  };
  const creation = before === undefined ? create() : before.then(create, createDespite);
  underway.set(wanted.email, creation);
  const done = () => {
    if (underway.get(wanted.email) === creation) underway.delete(wanted.email);
  };
  creation.then(done, done);
  return creation;
}

async function createNow(wanted: Wanted): Promise<Account> {
  const { name, email, password } = wanted;
  const known = records.findByEmail(email);
  if (known === undefined) {
    const begun = records.begin(name, email);
    await createUser(begun.id, wanted);
    return finish(begun, wanted);
  }
  const user = await pool.findUser(known.id);
  if (user !== undefined && user.email !== email) {
    // Its owner has another address now, and this one is free.
    records.settle(known.id, user.email);
    return createNow(wanted);
  }
  // Nobody has been told that the account exists, so until its password is permanent whoever asks last chooses both.
  if (known.state === "pending" && user?.mustChangePassword !== false) {
    records.rename(known.id, name);
    if (user === undefined) await createUser(known.id, wanted);
    else await refusing(pool.setTemporaryPassword(known.id, password));
  }
  return finish(known, wanted);
}

/** If the pool refuses for good, nothing is left. */
async function createUser(id: string, { email, password }: Wanted): Promise<void> {
  try {
    await refusing(pool.createUser(id, email, password));
  } catch (error) {
    // The user may be ours, if the answer to an earlier call was lost.
    if (isTaken(error) && (await pool.findUser(id)) !== undefined) return;
    if (error instanceof Refusal || isTaken(error)) records.remove(id);
    throw isTaken(error) ? taken() : error;
  }
}

/** Makes the password permanent, unless it is already, and the account ready. */
async function finish({ id, state }: Account, { email, password }: Wanted): Promise<Account> {
  const session = await pool.signIn(id, password).catch((error: unknown) => {
    throw isRefused(error) ? taken() : error;
  });
  if (session !== undefined && state === "pending") await pool.makePermanent(id, password, session);
  return records.settle(id, email);
}

const isRefused = (error: unknown) =>
  error instanceof NotAuthorizedException ||
  error instanceof PasswordResetRequiredException ||
  error instanceof UserNotFoundException;

const isTaken = (error: unknown) =>
  error instanceof UsernameExistsException || error instanceof AliasExistsException;

/** Passes on what the pool says against the password or the address. */
async function refusing(call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (error instanceof InvalidPasswordException || error instanceof InvalidParameterException) {
      const advice = "Please choose another password. $1.";
      throw new Refusal(400, error.message.replace(/^.* policy: (.*)$/, advice));
    }
    // Text that the pool cannot take at all, such as one with a NUL character.
    if (error instanceof Error && error.name === "SerializationException")
      throw new Refusal(400, "The address or the password contains characters that cannot be used.");
    throw error;
  }
}

/**
 * The account of a user who has signed in; undefined if there is none, or no longer. The page changes the email address in
 * the pool, which checks it; the record follows here, so that nothing is out of step for longer than nobody looks. A user
 * who could sign in also has the password, whatever became of the request that set it.
 */
export async function accountOf(id: string): Promise<Account | undefined> {
  const user = await pool.findUser(id);
  if (!user?.isEnabled || records.find(id) === undefined) return undefined;
  return records.settle(id, user.email);
}
