/**
 * Where the master key comes from: configured, or with the embedded store a file which the first start makes.
 * The file lies under `<data>/secrets/`, apart from `<data>/db/`, so that a backup of the one is of no use alone.
 *
 * The file is changed in three steps, each of which a crash may follow: the new key is staged beside it
 * (`master-key.next`), the data keys are wrapped under it in one transaction, and it takes the file's name. Whoever
 * opens the database between the last two finishes the change.
 */
import fs from "node:fs";
import { join } from "node:path";
import { fromBase64, toBase64, toHex } from "../../lib/bytes.ts";
import type { Random } from "../../lib/seal.ts";
import type { DatabaseKind } from "../engine/sql.ts";
import { makePrivateFolder } from "../engine/sqlite/file.ts";
import { syncFolder } from "../engine/sqlite/wal-sync.ts";
import type { MasterKeys } from "./data-keys.ts";

export interface MasterKeySource {
  readonly kind: DatabaseKind;
  /** Base64 of 32 bytes (POOLHOUSE_MASTER_KEY). */
  readonly configured?: string | undefined;
  /** Base64 of 32 bytes (POOLHOUSE_PREVIOUS_MASTER_KEY): unwraps what the configured one does not yet. */
  readonly previous?: string | undefined;
  /** `<data>/secrets` of the embedded store. */
  readonly secretsFolder?: string | undefined;
  /** The database file is there already: a missing key is then lost, and a new one would not help. */
  readonly databaseExists: boolean;
  readonly random: Random;
}

/** Master keys, and where they are kept: only those of a file can be changed by us. */
export interface MasterKeySet extends MasterKeys {
  readonly folder: string | undefined;
}

const hint = "Make one with: head -c 32 /dev/urandom | base64";
const fileName = "master-key";
const stagedName = "master-key.next";

export function masterKeys(source: MasterKeySource): MasterKeySet {
  if (source.configured !== undefined) {
    const configured = [decode(source.configured, "The configured master key")];
    if (source.previous !== undefined)
      configured.push(decode(source.previous, "The configured previous master key"));
    return { folder: undefined, all: () => configured };
  }
  if (source.previous !== undefined) {
    throw new Error(
      "POOLHOUSE_PREVIOUS_MASTER_KEY goes with POOLHOUSE_MASTER_KEY, which takes its place; that one is missing.",
    );
  }
  if (source.kind === "postgres") {
    throw new Error(
      "With PostgreSQL a master key must be configured, the same for every server (POOLHOUSE_MASTER_KEY, base64 of " +
        `32 bytes). ${hint}`,
    );
  }
  if (source.secretsFolder === undefined)
    throw new Error("Neither a master key nor a folder for one is configured.");
  const folder = source.secretsFolder;
  if (read(join(folder, fileName)) === undefined) makeFirst(join(folder, fileName), folder, source);
  return { folder, all: () => fromFiles(folder) };
}

/** The key of the file, and the staged one if there is one. */
function fromFiles(folder: string): Uint8Array[] {
  // In this order: a staged key that takes the file's name in between is then read twice rather than not at all.
  const staged = read(join(folder, stagedName));
  const key = read(join(folder, fileName));
  if (key === undefined) throw new Error(`The master key ${join(folder, fileName)} is missing.`);
  return staged === undefined ? [key] : [key, staged];
}

function makeFirst(path: string, folder: string, source: MasterKeySource): void {
  if (source.databaseExists) {
    throw new Error(
      `The master key ${path} is missing, but its database exists: put the file back, or configure the key ` +
        "(POOLHOUSE_MASTER_KEY). Without it the secrets in the database cannot be read.",
    );
  }
  create(path, folder, source.random);
}

/** Writes a new key beside the one in use. A key that an earlier attempt has staged and never used is replaced. */
export function stageMasterKey(folder: string, random: Random): Uint8Array {
  const draft = writeDraft(join(folder, stagedName), random);
  // The administrator who runs the command may be another user than the server's, which must read it.
  const { uid, gid } = fs.statSync(join(folder, fileName));
  if (uid !== fs.statSync(draft).uid) fs.chownSync(draft, uid, gid);
  fs.renameSync(draft, join(folder, stagedName));
  syncFolder(folder);
  return fromFiles(folder).at(-1)!;
}

/** Gives the staged key its name. Another process may have done so already. */
export function adoptStagedMasterKey(folder: string): void {
  try {
    fs.renameSync(join(folder, stagedName), join(folder, fileName));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  syncFolder(folder);
}

function read(path: string): Uint8Array | undefined {
  let text: string;
  try {
    text = fs.readFileSync(path, "utf8");
    if (process.platform !== "win32" && (fs.statSync(path).mode & 0o077) !== 0) {
      throw new Error(`The master key ${path} can be read by others: chmod 600 it.`);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return decode(text.trim(), `The master key in ${path}`);
}

function decode(text: string, what: string): Uint8Array {
  const key = fromBase64(text.trim());
  if (key?.length !== 32) throw new Error(`${what} is not base64 of 32 bytes. ${hint}`);
  return key;
}

/** Complete and on the disk before it has its name; whoever comes second leaves the first one's in place. */
function create(path: string, folder: string, random: Random): void {
  makePrivateFolder(folder);
  const draft = writeDraft(path, random);
  try {
    fs.linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    fs.unlinkSync(draft);
  }
  syncFolder(folder);
}

/** A new key in a file of another name, for the owner alone, on the disk. */
function writeDraft(path: string, random: Random): string {
  const draft = `${path}.${process.pid}.${toHex(random(6))}`;
  const descriptor = fs.openSync(draft, "wx", 0o600);
  try {
    fs.writeSync(descriptor, `${toBase64(random(32))}\n`);
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
  return draft;
}
