/** The secrets of a gateway: from the environment, the file, or files of their own. */
import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { suggestion } from "../lib/closest.ts";
import { gatewayKeys } from "./gateway-keys.ts";
import { ConfigError, type Entry, textAt } from "./section.ts";
import { secretIn } from "./values.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

interface Secret {
  readonly text: string;
  /** Refuses it, and names where it is from. @param wrong to follow the name */
  fail(wrong: string): never;
}

export interface Secrets {
  /**
   * @param at where it may be: the environment variable that goes first, and how its text is read if the file has it
   * @param isSecret whether others may not read it
   */
  read(
    entry: Entry,
    key: string,
    at: {
      readonly env: string;
      readonly text?: typeof textAt;
      readonly isSecret?: (text: string) => boolean;
    },
  ): Secret | undefined;
  /** Secrets that others can read, in words. */
  warnings(): readonly string[];
}

const prefix = "POOLHOUSE_GATEWAY_";

const variables = Object.values(gatewayKeys).flatMap((keys) =>
  Object.values(keys).flatMap((key) => ("env" in key ? [key.env] : [])),
);

/** @param path of the gateway's file. Throws ConfigError if the environment has a variable that nobody knows */
export function secretsOf(path: string, env: Environment): Secrets {
  const folder = dirname(resolve(path));
  const unknown = Object.keys(env).find((name) => name.startsWith(prefix) && !isVariable(name));
  if (unknown !== undefined)
    throw new ConfigError(
      `Unknown environment variable ${unknown}.${suggestion(unknown, variables) || ` There are ${variables.join(", ")}.`}`,
    );
  const open = new Set<string>();
  return {
    read(entry, key, { env: variable, text: read = textAt, isSecret = () => true }) {
      const given = env[variable]?.trim();
      if (given)
        return {
          text: given,
          fail: (wrong) => {
            throw new ConfigError(`The environment variable ${variable} ${wrong}.`);
          },
        };
      const file = textAt(entry, `${key}-file`);
      const text = file === undefined ? read(entry, key) : secretIn(folder)(entry, key);
      if (text === undefined) return undefined;
      const from = file === undefined ? path : resolve(folder, file);
      if (isSecret(text) && isOpen(from)) open.add(from);
      return { text, fail: (wrong) => entry.fail(file === undefined ? key : `${key}-file`, wrong) };
    },
    warnings: () =>
      [...open].map(
        (one) => `every account of this machine can read ${one}, which has secrets: chmod o-r ${one}`,
      ),
  };
}

const isVariable = (name: string) => variables.some((one) => one === name);

const isOpen = (path: string) => process.platform !== "win32" && (statSync(path).mode & 0o004) !== 0;
