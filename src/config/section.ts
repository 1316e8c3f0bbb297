/** Reads the values of one entry of a section of the configuration file, and refuses with file, line and key. */
import type { Document, LineCounter, Node } from "yaml";
import { closest } from "../lib/closest.ts";
import { OperatorError } from "../lib/operator-error.ts";

/** A setting is invalid; the message names it. */
export class ConfigError extends OperatorError {
  override name = "ConfigError";
}

/** A configuration file that was parsed. */
export interface ConfigFile {
  readonly path: string;
  readonly yaml: typeof import("yaml");
  readonly document: Document;
  readonly lineCounter: LineCounter;
}

/** Values by key, and where they are. */
export interface Entry {
  /** `file, line n`. */
  readonly where: string;
  /** The value as JSON has it; undefined if the key is absent. */
  value(key: string): unknown;
  /** What the file has for a number, with leading zeros and all digits, which its value may lack; else undefined. */
  digits(key: string): string | undefined;
  /** What the file has for each item of a list that is a number, as it is written; undefined for other items. */
  digitsOfItems(key: string): readonly (string | undefined)[];
  /** The entry below a key, which must be a map. */
  below(key: string): Entry;
  /** The entries of a list of maps below a key; none if the key is absent. */
  items(key: string): readonly Entry[];
  keys(): readonly string[];
  /** Refuses to start. @param wrong what is wrong, to follow the key */
  fail(key: string | undefined, wrong: string): never;
}

/** The path of the entry that is the whole file. */
export const wholeFile = "the file";

/**
 * @param path the keys that lead to the entry, joined by dots; `wholeFile` for the file's own
 * @param key where it is reported to be; by default where its values begin
 */
export function readEntry(file: ConfigFile, node: unknown, path: string, key: unknown = node): Entry {
  const { yaml, document, lineCounter } = file;
  const resolved = yaml.isAlias(node) ? node.resolve(document) : (node as Node | undefined);
  const lineOf = (at: unknown) => {
    const [start = 0] = [at, key].flatMap((one) => (yaml.isNode(one) ? (one.range ?? []) : []));
    return `${file.path}, line ${lineCounter.linePos(start).line}`;
  };
  const refuse = (at: unknown, message: string): never => {
    throw new ConfigError(`${lineOf(at)}: ${message}${message.endsWith("?") ? "" : "."}`);
  };
  if (!yaml.isMap(resolved)) return refuse(key, `${path} must hold values by name`);
  const pathOf = (name: string) => (path === wholeFile ? name : `${path}.${name}`);
  const pairs = new Map(resolved.items.map((pair) => [String(pair.key), pair]));
  const listAt = (name: string) => {
    const value = pairs.get(name)?.value;
    return yaml.isAlias(value) ? value.resolve(document) : value;
  };
  return {
    where: lineOf(key),
    value: (name) => {
      const value = pairs.get(name)?.value;
      return yaml.isNode(value) ? (value.toJS(document) as unknown) : undefined;
    },
    digits: (name) => digitsOf(file, pairs.get(name)?.value),
    digitsOfItems: (name) => {
      const list = listAt(name);
      return yaml.isSeq(list) ? list.items.map((item) => digitsOf(file, item)) : [];
    },
    below: (name) => readEntry(file, pairs.get(name)?.value, pathOf(name), pairs.get(name)?.key),
    items: (name) => {
      const list = listAt(name);
      if (list === undefined) return [];
      if (!yaml.isSeq(list)) return refuse(pairs.get(name)?.key, `${pathOf(name)} must be a list`);
      return list.items.map((item, index) => readEntry(file, item, `${pathOf(name)}[${index}]`, item));
    },
    keys: () => [...pairs.keys()],
    fail: (name, wrong) => {
      const at = name === undefined ? key : pairs.get(name)?.key;
      return refuse(at, `${name === undefined ? path : pathOf(name)} ${wrong}`);
    },
  };
}

/** The line of a key at the top of the file; 1 if the file has no such key. */
export function lineOfKey({ yaml, document, lineCounter }: ConfigFile, key: string): number {
  const items = yaml.isMap(document.contents) ? document.contents.items : [];
  const found = items.map((pair) => pair.key).find((one) => String(one) === key);
  return lineCounter.linePos(yaml.isNode(found) ? (found.range?.[0] ?? 0) : 0).line;
}

/** What the file has for a number, with leading zeros and all digits; undefined for anything else. */
export function digitsOf(
  { yaml, document }: Pick<ConfigFile, "yaml" | "document">,
  node: unknown,
): string | undefined {
  const value = yaml.isAlias(node) ? node.resolve(document) : node;
  return yaml.isScalar(value) && typeof value.value === "number" ? value.source : undefined;
}

/** Refuses keys that nobody knows, and suggests the ones meant. */
export function onlyKeys(entry: Entry, known: readonly string[]): void {
  for (const key of entry.keys()) {
    if (known.includes(key)) continue;
    const meant = closest(key, known);
    entry.fail(key, `is unknown: ${meant ? `did you mean ${meant}?` : `there are ${known.join(", ")}`}`);
  }
}

/** The text of a key, which may be a number, as it is written, or a boolean. */
export function textAt(entry: Entry, key: string): string | undefined {
  const value = entry.value(key);
  if (value === undefined) return undefined;
  if (value === null || value === "") return entry.fail(key, "has no value");
  if (typeof value === "object") return entry.fail(key, "must be a text");
  return entry.digits(key) ?? String(value);
}

export function requiredAt(entry: Entry, key: string): string {
  return textAt(entry, key) ?? entry.fail(undefined, `needs ${key}`);
}

/** A list of texts, which may be numbers, as they are written, or booleans, or one alone; undefined if the key is absent. */
export function textsAt(entry: Entry, key: string): readonly string[] | undefined {
  const value = entry.value(key);
  if (!Array.isArray(value)) {
    const text = textAt(entry, key);
    return text === undefined ? undefined : [text];
  }
  const fits = value.every((one) => ["string", "number", "boolean"].includes(typeof one) && one !== "");
  if (!fits) return entry.fail(key, "must be a list of texts");
  const digits = entry.digitsOfItems(key);
  return value.map((one, index) => digits[index] ?? String(one));
}

/** One of some words. */
export function wordAt<Word extends string>(
  entry: Entry,
  key: string,
  words: readonly Word[],
): Word | undefined {
  const text = textAt(entry, key);
  if (text === undefined || words.includes(text as Word)) return text as Word | undefined;
  return entry.fail(key, `must be one of ${words.join(", ")}, not ${JSON.stringify(text)}`);
}

/** A key that is true or false, which it is by default. */
export const isTrue = (entry: Entry, key: string) => wordAt(entry, key, ["true", "false"]) === "true";

/** @param range the smallest and the largest value, and what it is if it is absent */
export function numberAt(
  entry: Entry,
  key: string,
  range: { readonly from: number; readonly to: number; readonly fallback: number; readonly fractions?: true },
): number {
  const value = entry.value(key) ?? range.fallback;
  const fits = typeof value === "number" && value >= range.from && value <= range.to;
  if (fits && (range.fractions || Number.isInteger(value))) return value;
  return entry.fail(key, `must be a number from ${range.from} to ${range.to}`);
}
