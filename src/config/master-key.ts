/**
 * The master key, wherever the settings have it: as a value, in a file, or as a credential of systemd ("System and Service
 * Credentials", systemd.exec).
 */
import { readFileSync, statSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { fileProblem } from "../lib/file-problem.ts";
import { ConfigError } from "./section.ts";
import { type Setting, settings } from "./settings.ts";

/** A key and the ways to give it. */
const keys = {
  masterKey: { file: "masterKeyFile", credential: "master-key" },
  previousMasterKey: { file: "previousMasterKeyFile", credential: "previous-master-key" },
} as const;

type Key = keyof typeof keys;

export interface KeySources {
  /** The value of a setting; undefined if it is not set. */
  value(name: Key | (typeof keys)[Key]["file"]): string | undefined;
  /** `$CREDENTIALS_DIRECTORY`: where systemd puts the credentials of a unit. */
  readonly credentials: string | undefined;
}

/**
 * The key as base64; undefined if none is given. Throws ConfigError if it is given in more than one way, or if its file
 * cannot be read, can be read by others, or holds something else.
 */
export function readKey(key: Key, { value, credentials }: KeySources): string | undefined {
  const { file, credential } = keys[key];
  const path = value(file);
  const given = credentials === undefined ? undefined : join(credentials, credential);
  const sent = given !== undefined && isThere(given) ? given : undefined;
  const ways = [
    ...(value(key) === undefined ? [] : [settings[key].env]),
    ...(path === undefined ? [] : [settings[file].env]),
    // A unit may name the credential in the setting.
    ...(sent === undefined || sent === path ? [] : [`the credential ${credential} of systemd`]),
  ];
  if (ways.length > 1)
    throw new ConfigError(
      `The ${nameOf(key)} is given twice, by ${ways.join(" and ")}: leave one of them out.`,
    );
  const from = path ?? sent;
  if (from === undefined) return value(key);
  return read(from, { key, isCredential: credentials !== undefined && isBelow(from, credentials) });
}

const nameOf = (key: Key) => (key === "masterKey" ? "master key" : "previous master key");

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return !way.startsWith("..") && !isAbsolute(way);
}

function read(path: string, { key, isCredential }: { key: Key; isCredential: boolean }): string {
  const refuse = (problem: string): never => {
    throw new ConfigError(`The file of the ${nameOf(key)}, ${path}, ${problem}`);
  };
  let text: string;
  let mode: number;
  try {
    text = readFileSync(path, "utf8").trim();
    mode = statSync(path).mode;
  } catch (error) {
    return refuse(`cannot be read: ${fileProblem(error)}.`);
  }
  // systemd lets the unit's user alone read credentials, by an access control list that looks like rights of a group.
  if (process.platform !== "win32" && !isCredential && (mode & 0o037) !== 0)
    return refuse("can be read or written by others: chmod 600 it, or 640 for a group of its own.");
  const { wrong }: Setting = settings[key];
  const problem = wrong?.(text);
  return problem === undefined ? text : refuse(`${problem}.`);
}
