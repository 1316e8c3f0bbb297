/**
 * The master key: configured, or with the embedded store a file that the first start creates. The file is under
 * `<data>/secrets/`, apart from `<data>/db/`, so that a backup of the database alone is useless.
 *
 * The file is replaced in three steps, and a crash may follow each: the new key is staged next to it
 * (`master-key.next`), the data keys are rewrapped under it in one transaction, and the new key gets the file's name.
 * If the last step is missing, the next process to open the database completes it.
 */
import fs from "node:fs";
import { join } from "node:path";
import { fromBase64, toBase64, toHex } from "../../lib/bytes.ts";
import { fileProblem } from "../../lib/file-problem.ts";
import { OperatorError } from "../../lib/operator-error.ts";
import type { Random } from "../../lib/seal.ts";
import type { DatabaseKind } from "../engine/sql.ts";
import { makePrivateFolder, unwritable } from "../engine/sqlite/file.ts";
import { syncFolder } from "../engine/sqlite/wal-sync.ts";
import type { MasterKeys } from "./data-keys.ts";

export interface MasterKeySource {
  readonly kind: DatabaseKind;
  /** Base64 of 32 bytes (POOLHOUSE_MASTER_KEY). */
  readonly configured?: string | undefined;
  /** Base64 of 32 bytes (POOLHOUSE_PREVIOUS_MASTER_KEY): unwraps what the configured key cannot yet. */
  readonly previous?: string | undefined;
  /** `<data>/secrets` of the embedded store. */
  readonly secretsFolder?: string | undefined;
  /** Whether the database file exists: a missing key is then lost, and a new one would not help. */
  readonly databaseExists: boolean;
  readonly random: Random;
}

/** Master keys and their folder, if they are in a file; only then can we change them. */
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
    throw new OperatorError(
      "POOLHOUSE_PREVIOUS_MASTER_KEY (or …_FILE) goes with POOLHOUSE_MASTER_KEY (or …_FILE), which takes its place; " +
        "that one is missing.",
    );
  }
  if (source.kind === "postgres") {
    throw new OperatorError(
      "With PostgreSQL a master key must be configured, the same for every server (POOLHOUSE_MASTER_KEY, base64 of " +
        `32 bytes, or POOLHOUSE_MASTER_KEY_FILE). ${hint}`,
    );
  }
  if (source.secretsFolder === undefined)
    throw new Error("Neither a master key nor a folder for one is configured.");
  const folder = source.secretsFolder;
  if (read(join(folder, fileName)) === undefined) makeFirst(join(folder, fileName), folder, source);
  return { folder, all: () => fromFiles(folder) };
}

/** The key in the file, and the staged key if there is one. */
function fromFiles(folder: string): Uint8Array[] {
  // In this order, a staged key that is put in place in between is read twice rather than not at all.
  const staged = read(join(folder, stagedName));
  const key = read(join(folder, fileName));
  if (key === undefined) throw new OperatorError(`The master key ${join(folder, fileName)} is missing.`);
  return staged === undefined ? [key] : [key, staged];
}

function makeFirst(path: string, folder: string, source: MasterKeySource): void {
  if (source.databaseExists) {
    throw new OperatorError(
      `The master key ${path} is missing, but its database exists: put the file back, or configure the key ` +
        "(POOLHOUSE_MASTER_KEY). Without it the secrets in the database cannot be read.",
    );
  }
  create(path, folder, source.random);
}

/** Writes a new key next to the current one. Replaces a key that an earlier attempt staged and never used. */
export function stageMasterKey(folder: string, random: Random): Uint8Array {
  const draft = writeDraft(join(folder, stagedName), random);
  // The administrator who runs the command may be another user than the server's, which must be able to read it.
  const { uid, gid } = fs.statSync(join(folder, fileName));
  if (uid !== fs.statSync(draft).uid) fs.chownSync(draft, uid, gid);
  fs.renameSync(draft, join(folder, stagedName));
  syncFolder(folder);
  return fromFiles(folder).at(-1)!;
}

/** Puts the staged key in place. Another process may have done so already. */
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
      throw new OperatorError(`The master key ${path} can be read by others: chmod 600 it.`);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(`The master key ${path} cannot be read: ${fileProblem(error)}.`, {
      cause: error,
    });
  }
  return decode(text.trim(), `The master key in ${path}`);
}

function decode(text: string, what: string): Uint8Array {
  const key = fromBase64(text.trim());
  if (key?.length !== 32) throw new OperatorError(`${what} is not base64 of 32 bytes. ${hint}`);
  return key;
}

/** Creates the key file atomically and durably; if another process was first, its key stays in place. */
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

function openDraft(draft: string): number {
  try {
    return fs.openSync(draft, "wx", 0o600);
  } catch (error) {
    throw unwritable("file", draft, error);
  }
}

/** Writes a new key durably to a file under another name, readable by its owner only. */
function writeDraft(path: string, random: Random): string {
  const draft = `${path}.${process.pid}.${toHex(random(6))}`;
  const descriptor = openDraft(draft);
  try {
    fs.writeSync(descriptor, `${toBase64(random(32))}\n`);
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
  return draft;
}
