/** Reads the file of `--config`: settings by the names of their flags, and the sections. */
import { suggestion } from "../lib/closest.ts";
import type { FunctionSettings } from "../lib/function-settings.ts";
import { readFunctions } from "./functions.ts";
import { type MessagesOfFile, noMessages, readMessages } from "./messages.ts";
import { ConfigError, type ConfigFile, digitsOf, lineOfKey } from "./section.ts";
import { type Setting, settings } from "./settings.ts";
import { readYaml } from "./yaml-file.ts";

export type SettingName = keyof typeof settings;
export const settingNames = Object.keys(settings) as SettingName[];
export const setting = (name: SettingName): Setting => settings[name];

/**
 * Masks what may be a password in a refused text: the URL of a database or a mail server, for example, that was given
 * to the wrong setting. A password that is not percent-encoded may contain `/` and `@`.
 */
export function withoutPasswords(text: string): string {
  return text.replace(/(:\/{0,2}).*@/s, "$1…@").replace(/\b(password\s*=\s*)[^&\s]+/gi, "$1…");
}

/** What a configuration file contains. */
export interface FromFile {
  readonly values: ReadonlyMap<SettingName, string>;
  readonly functions: readonly FunctionSettings[];
  readonly messages: MessagesOfFile;
}

export const noFile: FromFile = { values: new Map(), functions: [], messages: noMessages };

/** The settings as a file names them. */
const keys = settingNames.filter((one) => one !== "config").map((one) => setting(one).flag);
/** Keys that are sections, not settings. */
const sections: readonly string[] = ["functions", "senders", "messages"];

export function readFile(path: string): FromFile {
  const file = readYaml(path);
  const document = file.value ?? {};
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new ConfigError(`The file ${path} of --config must hold settings by name.`);
  }
  const found = new Map<SettingName, string>();
  for (const [key, value] of Object.entries(document)) {
    if (sections.includes(key)) continue;
    const name = settingNames.find((one) => setting(one).flag === key && one !== "config");
    if (name === undefined) throw unknownKey(file, key);
    found.set(name, digitsOf(file, file.document.get(key, true)) ?? textOf(value));
  }
  return { values: found, functions: readFunctions(file), messages: readMessages(file) };
}

/** The refusal of a key at the top of the file that is neither a setting nor a section. */
function unknownKey(file: ConfigFile, key: string): ConfigError {
  const [name, line] = [withoutPasswords(key), lineOfKey(file, key)];
  const meant = suggestion(key, [...keys, ...sections]);
  return new ConfigError(
    `${file.path}, line ${line}: ${name} is neither a setting nor a section.${meant} ` +
      `The sections are ${sections.join(", ")}; \`poolhouse help\` lists the settings.`,
  );
}

/** A YAML value as a flag would spell it: lists and maps become comma-separated. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.join(",");
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map((pair) => pair.join("="))
    .join(",");
}
