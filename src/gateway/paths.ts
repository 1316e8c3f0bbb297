/**
 * Paths, so that the gateway and the application behind it cannot take one for two different things. Servers differ in
 * what they make of `..`, `//`, `\`, encoded slashes and the like; a path that any of them could change is refused.
 */
import type { GatewayPaths } from "../lib/gateway-settings.ts";
import { splitTarget } from "./asked.ts";

/** Percent-encoded characters that some servers decode before, and others after they have divided the path. */
const divided = /%(?:2f|5c|00|2e|3b|3f|23)/i;

/** What may stand in a path unencoded (RFC 3986 section 3.3). */
const pathCharacters = /^\/(?:[\w.~!$&'()*+,;=:@/-]|%[\da-f]{2})*$/i;

/**
 * The path with its percent-encoding decoded, which all servers understand alike. Undefined if they might not: dot
 * segments, empty segments, backslashes, encoded slashes and dots, control characters, or bytes that are not UTF-8.
 */
export function plainPath(path: string): string | undefined {
  if (!pathCharacters.test(path) || divided.test(path)) return undefined;
  if (/\/\/|\/\.{1,2}(?:[/;]|$)/.test(path)) return undefined;
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return undefined;
  }
  // An encoded percent sign could be decoded once more by somebody.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return /[\u0000-\u001f\u007f\\]|%[\da-f]{2}/i.test(decoded) ? undefined : decoded;
}

/** Whether a request is a proxy's question, which may look like the request that it is about: a WebSocket, too. */
export function isCheck({ check }: Pick<GatewayPaths, "check">, target = ""): boolean {
  if (!target.startsWith(check)) return false;
  const { path } = splitTarget(target);
  return path === check || path.startsWith(`${check}/`);
}
