/** Values that entries of several sections have: URLs, access keys, and secrets in files of their own. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileProblem } from "../lib/file-problem.ts";
import type { FunctionKey } from "../lib/function-settings.ts";
import { isLoopback } from "../lib/host-name.ts";
import { type Entry, isTrue, textAt } from "./section.ts";
import { settings } from "./settings.ts";

/** The keys of an access key. */
export const ofKey = ["access-key-id", "secret-access-key"] as const;

/** What a secret of Standard Webhooks must be, as the end of a sentence. */
export const secretForm = "must be whsec_ followed by base64 of 24 to 64 bytes";

/** The id of an access key, which is sent in a header. Fails if it cannot be one, such as the `AKIA…` of an example. */
export function keyIdAt(entry: Entry, key: string, read = textAt): string | undefined {
  const id = read(entry, key);
  const wrong = id === undefined ? undefined : settings.rootAccessKeyId.wrong(id);
  return wrong === undefined ? id : entry.fail(key, wrong);
}

/**
 * The access key of an entry; undefined if it has none. Refuses half of one.
 * @param read reads the text of a key
 */
export function accessKeyAt(entry: Entry, read: typeof textAt): FunctionKey | undefined {
  const [accessKeyId, secretAccessKey] = [keyIdAt(entry, ofKey[0], read), read(entry, ofKey[1])];
  if (accessKeyId !== undefined && secretAccessKey !== undefined) return { accessKeyId, secretAccessKey };
  const missing = accessKeyId === undefined ? ofKey[0] : ofKey[1];
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  const given = [ofKey[0], ofKey[1], `${ofKey[1]}-file`].find((one) => entry.value(one) !== undefined);
  return entry.fail(given, `needs ${missing} with it`);
}

/**
 * A URL, by https unless this machine answers or `allow-plaintext` is set; undefined if the key is absent.
 * @param query whether it may have one
 * @param why the reason to encrypt, to follow a colon
 */
export function urlAt(
  entry: Entry,
  key: string,
  { query, why }: { readonly query: boolean; readonly why: string },
): string | undefined {
  const text = textAt(entry, key);
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain =
    url?.username === "" && url.password === "" && url.hash === "" && (query || url.search === "");
  if (url === undefined || !/^https?:$/.test(url.protocol) || !plain)
    return entry.fail(key, `must be an http or https URL without ${query ? "" : "query, "}fragment or user`);
  const loopback = isLoopback(url.hostname.replace(/^\[|\]$/g, ""));
  const allowed = isTrue(entry, "allow-plaintext");
  if (url.protocol === "https:" || loopback || allowed) return text;
  return entry.fail(
    key,
    `must begin with https: ${why}. allow-plaintext: true permits http in a network that is trusted`,
  );
}

/**
 * Reads secrets: the text of a key, or the content of the file that `<key>-file` names, without the line's end.
 * @param folder of the configuration file, from which paths lead
 */
export const secretIn =
  (folder: string): typeof textAt =>
  (entry, key) => {
    const [text, file] = [textAt(entry, key), textAt(entry, `${key}-file`)];
    if (file === undefined) return text;
    if (text !== undefined) return entry.fail(`${key}-file`, `is given with ${key}: leave one of them out`);
    const content = fileText(entry, `${key}-file`, resolve(folder, file)).trim();
    return content === "" ? entry.fail(`${key}-file`, `is empty: ${file}`) : content;
  };

/** The text of a file that a key names. */
export function fileText(entry: Entry, key: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    return entry.fail(key, `cannot be read: ${fileProblem(error)}`);
  }
}
