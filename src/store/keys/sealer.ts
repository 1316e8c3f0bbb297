/**
 * Secrets at rest. Data keys are stored in the database, wrapped by the master key, which is not. Sealed values carry
 * the id of their data key, so that several keys can be in use while one replaces another. There are two purposes:
 * `seal` keys seal values; the `mac` key, which no rotation changes, makes the HMACs of codes and everything else that
 * must stay the same. (No database has its clear form, so short codes cannot be guessed from a copy of the tables.)
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import type { Kysely } from "kysely";
import { equalBytes, fromBase64, hmacSha256, toBase64, utf8 } from "../../lib/bytes.ts";
import { OperatorError } from "../../lib/operator-error.ts";
import { open, type Random, SealError, seal, sealedKeyId } from "../../lib/seal.ts";
import { affected, runTransaction } from "../engine/transaction.ts";
import type { Schema } from "../schema/schema.ts";
import {
  type MasterKeys,
  makeDataKey,
  noteMasterKeySince,
  readDataKeys,
  unwrapDataKey,
  WrongMasterKey,
} from "./data-keys.ts";

/** Where a sealed value is stored, `table:column:row`; it cannot be opened anywhere else. */
export type Place = `${string}:${string}:${string}`;

export interface Sealer {
  /** The id of the data key that seals new values. */
  readonly currentKeyId: string;
  seal(place: Place, plaintext: Uint8Array | string): Uint8Array;
  open(place: Place, sealed: Uint8Array): Uint8Array;
  openText(place: Place, sealed: Uint8Array): string;
  /** HMAC-SHA256 under a separate key per purpose. Parts are delimited by their lengths rather than concatenated. */
  mac(purpose: string, ...parts: readonly (Uint8Array | string)[]): Uint8Array;
}

/** A sealer that can load data keys which another process has added. */
export interface KeyRing extends Sealer {
  refresh(): Promise<void>;
}

export interface KeyOptions {
  readonly masterKeys: MasterKeys;
  readonly random: Random;
  readonly now: () => number;
}

interface Keys {
  readonly byId: ReadonlyMap<string, Uint8Array>;
  readonly current: { readonly id: string; readonly key: Uint8Array };
  readonly mac: Uint8Array;
}

/** A sealed value in `poolhouse_meta`, in no `*_sealed` column; the rotation of data keys includes it separately. */
export const keyCheck = { key: "key_check", place: "poolhouse_meta:value:key_check" } as const;
const checkValue = utf8("This master key fits.");

/** Loads the data keys, creates the first ones in an empty database, and refuses a master key that does not fit. */
export async function loadSealer(kysely: Kysely<Schema>, options: KeyOptions): Promise<KeyRing> {
  const read = (known?: Keys) => readKeys(kysely, options.masterKeys, known);
  let keys = await read();
  if (keys === undefined) {
    await createKeys(kysely, options);
    keys = await read();
  }
  if (keys === undefined) throw new Error("The database has no data keys, although they were just made.");
  await checkMasterKey(kysely, keys);
  return ring(keys, options.random, read);
}

/**
 * The shortest interval at which values with an unknown data key cause a reload; anybody can make up such a value.
 * Milliseconds.
 */
const reloadEvery = 1_000;

function ring(first: Keys, random: Random, read: (known: Keys) => Promise<Keys | undefined>): KeyRing {
  let keys = first;
  const macKeys = new Map<string, KeyObject>();
  const refresh = async () => {
    keys = (await read(keys)) ?? keys;
  };
  // Outside the caller's transaction, in which reading would be refused.
  const outside = AsyncLocalStorage.snapshot();
  let reloadedAt = Number.NEGATIVE_INFINITY;
  const reload = () => {
    if (performance.now() - reloadedAt < reloadEvery) return;
    reloadedAt = performance.now();
    // The regular refresh reports failures.
    void outside(refresh).catch(() => {});
  };
  const openSealed = (place: Place, sealed: Uint8Array) => openWith(keys, place, sealed, reload);
  return {
    get currentKeyId() {
      return keys.current.id;
    },
    seal: (place, plaintext) => sealWith(keys, place, plaintext, random),
    open: openSealed,
    openText: (place, sealed) => Buffer.from(openSealed(place, sealed)).toString("utf8"),
    mac(purpose, ...parts) {
      // Purposes are constants in our code, so the map stays small.
      let key = macKeys.get(purpose);
      if (key === undefined) {
        const bytes = hkdfSync("sha256", keys.mac, new Uint8Array(), `poolhouse mac ${purpose}`, 32);
        key = createSecretKey(new Uint8Array(bytes));
        macKeys.set(purpose, key);
      }
      return hmacSha256(key, ...parts.flatMap(framed));
    },
    refresh,
  };
}

function sealWith(keys: Keys, place: Place, plaintext: Uint8Array | string, random: Random): Uint8Array {
  return seal({
    dataKeyId: keys.current.id,
    dataKey: keys.current.key,
    associated: place,
    plaintext: typeof plaintext === "string" ? utf8(plaintext) : plaintext,
    random,
  });
}

function openWith(keys: Keys, place: Place, sealed: Uint8Array, whenUnknown?: () => void): Uint8Array {
  const dataKey = keys.byId.get(sealedKeyId(sealed));
  if (dataKey === undefined) {
    whenUnknown?.();
    throw new SealError("a value is sealed under a data key which this server does not know");
  }
  return open({ dataKey, associated: place, sealed });
}

function framed(part: Uint8Array | string): Uint8Array[] {
  const bytes = typeof part === "string" ? utf8(part) : part;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return [length, bytes];
}

/** Loads the data keys. Known keys are not unwrapped again: a running server needs the master key only for new ones. */
async function readKeys(
  kysely: Kysely<Schema>,
  masterKeys: MasterKeys,
  known?: Keys,
): Promise<Keys | undefined> {
  const rows = await readDataKeys(kysely);
  if (rows.length === 0) return undefined;
  const byId = new Map<string, Uint8Array>();
  for (const row of rows)
    byId.set(row.key_id, known?.byId.get(row.key_id) ?? unwrapDataKey(masterKeys.all(), row));
  const inUse = (purpose: "seal" | "mac") =>
    rows.find((row) => row.purpose === purpose && row.retired_at === null)?.key_id;
  const sealId = inUse("seal");
  const macId = inUse("mac");
  if (sealId === undefined || macId === undefined)
    throw new OperatorError("The table data_keys lacks a key that is in use.");
  return { byId, current: { id: sealId, key: byId.get(sealId)! }, mac: byId.get(macId)! };
}

/**
 * Creates the first keys. If two servers start at once, one inserts and the other runs into the unique index on the
 * purpose; all rows are inserted in one transaction, so every later reader sees the keys and check value of one server.
 */
async function createKeys(kysely: Kysely<Schema>, options: KeyOptions): Promise<void> {
  const how = { masterKey: options.masterKeys.all()[0]!, random: options.random, now: options.now() };
  const made = { seal: makeDataKey("seal", how), mac: makeDataKey("mac", how) };
  const check = seal({
    dataKeyId: made.seal.row.key_id,
    dataKey: made.seal.key,
    associated: keyCheck.place,
    plaintext: checkValue,
    random: options.random,
  });
  await runTransaction(kysely, async (tx) => {
    const inserted = await tx
      .insertInto("data_keys")
      .values(made.seal.row)
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (affected(inserted) !== 1) return;
    await tx.insertInto("data_keys").values(made.mac.row).execute();
    await tx
      .insertInto("poolhouse_meta")
      .values({ key: keyCheck.key, value: toBase64(check) })
      .execute();
    await noteMasterKeySince(tx, how.now);
  });
}

/** Checks the master key. Unwrapping has already proven it; this also detects tables merged from two databases. */
async function checkMasterKey(kysely: Kysely<Schema>, keys: Keys): Promise<void> {
  const row = await kysely
    .selectFrom("poolhouse_meta")
    .select("value")
    .where("key", "=", keyCheck.key)
    .executeTakeFirst();
  const sealed = row && fromBase64(row.value);
  if (sealed === undefined) throw new OperatorError("The database lacks its key check: it is not complete.");
  try {
    if (equalBytes(openWith(keys, keyCheck.place, sealed), checkValue)) return;
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
  }
  throw new WrongMasterKey();
}
