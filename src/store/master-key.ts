/**
 * Where the master key comes from: configured, or with the embedded store a file which the first start makes.
 * The file lies under `<data>/secrets/`, apart from `<data>/db/`, so that a backup of the one is of no use alone.
 */
import fs from "node:fs";
import { join } from "node:path";
import { fromBase64, toBase64, toHex } from "../lib/bytes.ts";
import type { Random } from "../lib/seal.ts";
import type { DatabaseKind } from "./sql.ts";
import { makePrivateFolder } from "./sqlite-file.ts";
import { syncFolder } from "./wal-sync.ts";

export interface MasterKeySource {
  readonly kind: DatabaseKind;
  /** Base64 of 32 bytes (POOLHOUSE_MASTER_KEY). */
  readonly configured?: string | undefined;
  /** `<data>/secrets` of the embedded store. */
  readonly secretsFolder?: string | undefined;
  /** The database file is there already: a missing key is then lost, and a new one would not help. */
  readonly databaseExists: boolean;
  readonly random: Random;
}

const hint = "Make one with: head -c 32 /dev/urandom | base64";

export function masterKey(source: MasterKeySource): Uint8Array {
  if (source.configured !== undefined) return decode(source.configured, "The configured master key");
  if (source.kind === "postgres") {
    throw new Error(
      "With PostgreSQL a master key must be configured, the same for every server (POOLHOUSE_MASTER_KEY, base64 of " +
        `32 bytes). ${hint}`,
    );
  }
  if (source.secretsFolder === undefined)
    throw new Error("Neither a master key nor a folder for one is configured.");
  return fromFile(join(source.secretsFolder, "master-key"), source.secretsFolder, source);
}

function fromFile(path: string, folder: string, source: MasterKeySource): Uint8Array {
  const found = read(path);
  if (found !== undefined) return found;
  if (source.databaseExists) {
    throw new Error(
      `The master key ${path} is missing, but its database exists: put the file back, or configure the key ` +
        "(POOLHOUSE_MASTER_KEY). Without it the secrets in the database cannot be read.",
    );
  }
  create(path, folder, source.random);
  const created = read(path);
  if (created === undefined) throw new Error(`The master key ${path} could not be made.`);
  return created;
}

function read(path: string): Uint8Array | undefined {
  let text: string;
  try {
    text = fs.readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  if (process.platform !== "win32" && (fs.statSync(path).mode & 0o077) !== 0) {
    throw new Error(`The master key ${path} can be read by others: chmod 600 it.`);
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
  const draft = `${path}.${process.pid}.${toHex(random(6))}`;
  const descriptor = fs.openSync(draft, "wx", 0o600);
  try {
    fs.writeSync(descriptor, `${toBase64(random(32))}\n`);
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
  try {
    fs.linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    fs.unlinkSync(draft);
  }
  syncFolder(folder);
}
