/**
 * Loads users in bulk into a database: SQLite's must not be open in a server, PostgreSQL's may be. The rows, their
 * sealing and their indexes are those of the store. All users have the same password hash; an SRP verifier is bound to
 * its user and costs 0.8 ms, so only a sample, spread evenly over the users, has one.
 */
import { randomBytes } from "node:crypto";
import { pino } from "pino";
import { createPasswordHasher } from "../../src/domain/credentials/hash-queue.ts";
import type { PoolDocument } from "../../src/domain/user-pools/load-pool.ts";
import { loginNameKey, loginNames } from "../../src/domain/user-pools/login-names.ts";
import { newSub } from "../../src/domain/users/new-user.ts";
import { OperatorError } from "../../src/lib/operator-error.ts";
import { makeVerifier } from "../../src/lib/srp.ts";
import { credentialRow, type NewCredential } from "../../src/store/credentials.ts";
import { type Db, inTransaction } from "../../src/store/db.ts";
import type { LoginName } from "../../src/store/login-names.ts";
import { type OpenOptions, openDatabase } from "../../src/store/open.ts";
import { storeVerifiedSeed } from "../../src/store/software-tokens.ts";
import { userNumbers } from "../../src/store/user-numbers.ts";
import { holdPool, readPool } from "../../src/store/user-pools.ts";
import { findUserByLoginName, noMfa, type User, type UserMfa, userRow } from "../../src/store/users.ts";
import { seedOf } from "./totp.ts";

/** The password of every loaded user. */
export const password = "Correct-Horse-1";

export interface Load {
  readonly database: Pick<OpenOptions, "url" | "masterKey" | "secretsFolder">;
  readonly poolId: string;
  readonly users: number;
  /** Approximately how many have an SRP verifier: those whose number is a multiple of `stride`. */
  readonly verifiers?: number;
  /** Whether every user has a software token turned on, with the seed of `seedOf`, and an unusable verifier. */
  readonly softwareTokens?: boolean;
  readonly progress?: (loaded: number) => void;
}

export interface Loaded {
  /** The sign-in names of the first and the last user. Those of an earlier load come before them. */
  readonly names: readonly [string, string];
  readonly stride: number;
  /** CPU time of this process in milliseconds. */
  readonly cpuMs: number;
}

const givenNames = [
  "Ada",
  "Björk",
  "Chidi",
  "Dolores",
  "Eun-ji",
  "Fatima",
  "Giulia",
  "Hans",
  "Ingrid",
  "José",
];
const familyNames = [
  "Nguyễn",
  "García",
  "Müller",
  "Smith",
  "Okafor",
  "Rossi",
  "Tanaka",
  "Andersson",
  "Novák",
];
const pick = (list: readonly string[], index: number) => list[index % list.length]!;

/** The username of a user, in pools whose users choose theirs. */
export const userName = (index: number): string => `user${String(index).padStart(7, "0")}`;

/** Attributes of a typical user. Deterministic, so that a scenario can search for them. */
export function userAttributes(index: number): Record<string, string> {
  const [given_name, family_name] = [pick(givenNames, index), pick(familyNames, index)];
  return {
    email: `${userName(index)}@example.com`,
    email_verified: "true",
    phone_number: `+4915${String(index).padStart(9, "0")}`,
    phone_number_verified: "false",
    name: `${given_name} ${family_name} ${index}`,
    given_name,
    family_name,
  };
}

/** Users per statement and transaction: 500 rows of 18 columns stay below SQLite's 32,766 parameters. */
const batchSize = 500;

export async function loadUsers(load: Load): Promise<Loaded> {
  const began = process.cpuUsage();
  const log = pino({ level: "error" });
  const opened = await openDatabase({ ...load.database, log });
  try {
    const pool = await readPool(opened.db, load.poolId);
    if (pool === undefined) throw new OperatorError(`There is no pool ${load.poolId}.`);
    const target = { id: load.poolId, document: pool.document as PoolDocument };
    const make = await maker(opened.db, target, load);
    const begin = await firstFree(opened.db, target);
    const stride = Math.max(1, Math.floor(load.users / (load.verifiers ?? 1_000)));
    for (let loaded = 0; loaded < load.users; loaded += batchSize) {
      const size = Math.min(batchSize, load.users - loaded);
      const first = begin + loaded;
      const batch = Array.from({ length: size }, (_, at) => make(first + at, (first + at) % stride === 0));
      await insert(opened.db, load.poolId, batch, first);
      load.progress?.(loaded + size);
    }
    const { user, system } = process.cpuUsage(began);
    const last = begin + load.users - 1;
    const names = [signInName(target, begin), signInName(target, last)] as const;
    return { names, stride, cpuMs: (user + system) / 1_000 };
  } finally {
    await opened.close();
  }
}

type Target = { readonly id: string; readonly document: PoolDocument };

const choosesName = (pool: Target) => !pool.document.UsernameAttributes?.length;

function signInName(pool: Target, index: number): string {
  const [kind] = pool.document.UsernameAttributes ?? [];
  return kind === undefined ? userName(index) : userAttributes(index)[kind]!;
}

/** The number after the last user of an earlier load. */
async function firstFree(db: Db, pool: Target): Promise<number> {
  const isThere = async (index: number) => {
    const key = loginNameKey(pool, signInName(pool, index));
    return (await findUserByLoginName(db, pool.id, key)) !== undefined;
  };
  if (!(await isThere(0))) return 0;
  let [there, free] = [0, 1];
  while (await isThere(free)) [there, free] = [free, 2 * free];
  while (free - there > 1) {
    const middle = Math.floor((there + free) / 2);
    if (await isThere(middle)) there = middle;
    else free = middle;
  }
  return free;
}

interface NewRow {
  readonly user: User;
  readonly names: readonly LoginName[];
  readonly credential: ReturnType<typeof credentialRow>;
}

const withToken: UserMfa = {
  enabled: ["SOFTWARE_TOKEN_MFA"],
  preferred: "SOFTWARE_TOKEN_MFA",
  softwareToken: "bench",
};

async function maker(db: Db, pool: Target, { softwareTokens = false }: Pick<Load, "softwareTokens">) {
  const hasher = await createPasswordHasher({ concurrency: 1, capacity: 1 });
  const phc = await hasher.hash(password, { pool: pool.id, address: "" });
  const group = pool.id.split("_")[1]!;
  return (index: number, withVerifier: boolean): NewRow => {
    const sub = newSub(randomBytes);
    const now = Date.now();
    const username = choosesName(pool) ? userName(index) : sub;
    const salt = randomBytes(16);
    const verifier = () => makeVerifier({ group, identity: username, password, salt });
    // Without one, the first password sign-in would create it. Users with software tokens do not sign in by SRP here.
    const srp = softwareTokens
      ? { salt, verifier: randomBytes(384) }
      : withVerifier
        ? { salt, verifier: verifier() }
        : undefined;
    const credential: NewCredential = { phc, srp, history: [], temporaryUntil: undefined };
    const user: User = {
      poolId: pool.id,
      id: sub,
      username,
      version: 1,
      status: "CONFIRMED",
      enabled: true,
      signOuts: 0,
      attributes: userAttributes(index),
      pendingAttributes: {},
      mfa: softwareTokens ? withToken : noMfa,
      createdAt: now,
      updatedAt: now,
    };
    return {
      user,
      names: loginNames(pool, username, user.attributes, { confirmed: true }),
      credential: credentialRow(db, pool.id, sub, credential, now),
    };
  };
}

/** @param first the index of the first user of the batch */
async function insert(db: Db, poolId: string, batch: readonly NewRow[], first: number): Promise<void> {
  await inTransaction(db, async (tx) => {
    if (!(await holdPool(tx, poolId))) throw new OperatorError(`There is no pool ${poolId}.`);
    const numbers = await userNumbers(tx, poolId, batch.length);
    const rows = batch.map((row, index) => ({ ...row, number: numbers[index]! }));
    await tx.kysely
      .insertInto("users")
      .values(rows.map(({ user, number }) => ({ ...userRow(user), number })))
      .execute();
    const names = rows.flatMap(({ number, names }) =>
      names.map(({ key, kind }) => ({ pool_id: poolId, name_key: key, kind, user_number: number })),
    );
    await tx.kysely.insertInto("login_names").values(names).execute();
    const credentials = rows.map(({ number, credential }) => ({
      pool_id: poolId,
      user_number: number,
      ...credential,
    }));
    await tx.kysely.insertInto("credentials").values(credentials).execute();
    for (const [at, { user }] of batch.entries()) {
      if (user.mfa.softwareToken === undefined) continue;
      const token = { seed: seedOf(first + at), step: 0, version: undefined, now: user.createdAt };
      await storeVerifiedSeed(tx, poolId, user.id, token);
    }
  });
}
