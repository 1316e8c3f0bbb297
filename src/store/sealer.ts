/**
 * Secrets at rest. Data keys live in the database, wrapped by the master key, which does not; sealed values carry the
 * id of their data key, so that several can be in use while one replaces another. Two purposes:
 * `seal` keys seal values, and the `mac` key, which no rotation of the master key changes, makes the codes' HMACs
 * (its clear form is in no database, so a copy of the tables does not allow short codes to be guessed).
 */
import { hkdfSync } from "node:crypto";
import type { Kysely } from "kysely";
import { equalBytes, fromBase64, hmacSha256, toBase64, toHex, utf8 } from "../lib/bytes.ts";
import { open, type Random, SealError, seal, sealedKeyId, unwrapKey, wrapKey } from "../lib/seal.ts";
import { runTransaction } from "./db.ts";
import type { Schema } from "./schema.ts";

/** Where a sealed value stands, `table:column:row`: it opens nowhere else. */
export type Place = `${string}:${string}:${string}`;

export interface Sealer {
  seal(place: Place, plaintext: Uint8Array | string): Uint8Array;
  open(place: Place, sealed: Uint8Array): Uint8Array;
  openText(place: Place, sealed: Uint8Array): string;
  /** HMAC-SHA256 under a key of its own for each purpose. Parts are told apart by length, not run together. */
  mac(purpose: string, ...parts: readonly (Uint8Array | string)[]): Uint8Array;
}

/** A sealer that can learn the data keys which another server has added since. */
export interface KeyRing extends Sealer {
  refresh(): Promise<void>;
}

export interface KeyOptions {
  readonly masterKey: Uint8Array;
  readonly random: Random;
  readonly now: () => number;
}

type Purpose = "seal" | "mac";

interface Keys {
  readonly byId: ReadonlyMap<string, Uint8Array>;
  readonly current: { readonly id: string; readonly key: Uint8Array };
  readonly mac: Uint8Array;
}

const checkPlace: Place = "poolhouse_meta:value:key_check";
const checkValue = utf8("This master key fits.");

/** Reads the data keys, makes the first ones in an empty database, and refuses a master key that does not fit. */
export async function loadSealer(kysely: Kysely<Schema>, options: KeyOptions): Promise<KeyRing> {
  let keys = (await readKeys(kysely, options.masterKey)) ?? undefined;
  if (keys === undefined) {
    await createKeys(kysely, options);
    keys = await readKeys(kysely, options.masterKey);
  }
  if (keys === undefined) throw new Error("The database has no data keys, although they were just made.");
  await checkMasterKey(kysely, keys);
  return ring(keys, options.random, async () => await readKeys(kysely, options.masterKey));
}

function ring(first: Keys, random: Random, read: () => Promise<Keys | undefined>): KeyRing {
  let keys = first;
  const macKeys = new Map<string, Uint8Array>();
  const openSealed = (place: Place, sealed: Uint8Array) => openWith(keys, place, sealed);
  return {
    seal: (place, plaintext) => sealWith(keys, place, plaintext, random),
    open: openSealed,
    openText: (place, sealed) => Buffer.from(openSealed(place, sealed)).toString("utf8"),
    mac(purpose, ...parts) {
      // Purposes are words in our code, so the map stays small.
      let key = macKeys.get(purpose);
      if (key === undefined) {
        key = new Uint8Array(hkdfSync("sha256", keys.mac, new Uint8Array(), `poolhouse mac ${purpose}`, 32));
        macKeys.set(purpose, key);
      }
      return hmacSha256(key, ...parts.flatMap(framed));
    },
    async refresh() {
      keys = (await read()) ?? keys;
    },
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

function openWith(keys: Keys, place: Place, sealed: Uint8Array): Uint8Array {
  const dataKey = keys.byId.get(sealedKeyId(sealed));
  if (dataKey === undefined)
    throw new SealError("a value is sealed under a data key which this server does not know");
  return open({ dataKey, associated: place, sealed });
}

function framed(part: Uint8Array | string): Uint8Array[] {
  const bytes = typeof part === "string" ? utf8(part) : part;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return [length, bytes];
}

async function readKeys(kysely: Kysely<Schema>, masterKey: Uint8Array): Promise<Keys | undefined> {
  const rows = await kysely
    .selectFrom("data_keys")
    .selectAll()
    .orderBy("created_at")
    .orderBy("key_id")
    .execute();
  if (rows.length === 0) return undefined;
  const byId = new Map<string, Uint8Array>();
  for (const row of rows) byId.set(row.key_id, unwrap(masterKey, row.key_id, row.wrapped));
  const inUse = (purpose: Purpose) =>
    rows.find((row) => row.purpose === purpose && row.retired_at === null)?.key_id;
  const sealId = inUse("seal");
  const macId = inUse("mac");
  if (sealId === undefined || macId === undefined)
    throw new Error("The table data_keys lacks a key that is in use.");
  return { byId, current: { id: sealId, key: byId.get(sealId)! }, mac: byId.get(macId)! };
}

function unwrap(masterKey: Uint8Array, dataKeyId: string, wrapped: Uint8Array): Uint8Array {
  try {
    return unwrapKey({ masterKey, dataKeyId, wrapped });
  } catch (error) {
    if (error instanceof SealError) throw wrongMasterKey();
    throw error;
  }
}

function wrongMasterKey(): Error {
  return new Error(
    "The master key does not fit this database: it was set up with another one. " +
      "Configure that key (POOLHOUSE_MASTER_KEY, or the file secrets/master-key of the data folder).",
  );
}

/**
 * Makes the first keys. Of two servers that start at once, one inserts and the other's inserts find the unique index
 * on the purpose; all rows come in one transaction, so whoever reads afterwards sees one server's keys and check.
 */
async function createKeys(kysely: Kysely<Schema>, options: KeyOptions): Promise<void> {
  const made = { seal: newKey("seal", options), mac: newKey("mac", options) };
  const check = seal({
    dataKeyId: made.seal.row.key_id,
    dataKey: made.seal.key,
    associated: checkPlace,
    plaintext: checkValue,
    random: options.random,
  });
  await runTransaction(kysely, async (tx) => {
    const inserted = await tx
      .insertInto("data_keys")
      .values(made.seal.row)
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (inserted.numInsertedOrUpdatedRows !== 1n) return;
    await tx.insertInto("data_keys").values(made.mac.row).execute();
    await tx
      .insertInto("poolhouse_meta")
      .values({ key: "key_check", value: toBase64(check) })
      .execute();
  });
}

function newKey(purpose: Purpose, { masterKey, random, now }: KeyOptions) {
  const key = random(32);
  const keyId = toHex(random(8));
  const wrapped = wrapKey({ masterKey, dataKeyId: keyId, dataKey: key, random });
  return { key, row: { key_id: keyId, purpose, wrapped, created_at: now(), retired_at: null } };
}

/** Unwrapping has proven the key already; this also notices tables that were put together from two databases. */
async function checkMasterKey(kysely: Kysely<Schema>, keys: Keys): Promise<void> {
  const row = await kysely
    .selectFrom("poolhouse_meta")
    .select("value")
    .where("key", "=", "key_check")
    .executeTakeFirst();
  const sealed = row && fromBase64(row.value);
  if (sealed === undefined) throw new Error("The database lacks its key check: it is not complete.");
  try {
    if (equalBytes(openWith(keys, checkPlace, sealed), checkValue)) return;
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
  }
  throw wrongMasterKey();
}
