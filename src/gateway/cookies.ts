/** Cookies (RFC 6265bis): read so that none that somebody else set is trusted, and written. */
import { toBase64url } from "../lib/bytes.ts";

export interface CookieScope {
  /** Whether browsers reach us by https, which prefixes of names depend on (RFC 6265bis section 4.1.3). */
  readonly isSecure: boolean;
  /** The domain for which the cookie is set; undefined for the host alone. */
  readonly domain: string | undefined;
}

/** With the prefix that lets no plain connection, and without a domain no other host, set a cookie of this name. */
export function cookieName({ isSecure, domain }: CookieScope, name: string): string {
  if (!isSecure) return name;
  return `${domain === undefined ? "__Host-" : "__Secure-"}${name}`;
}

/** The values of the cookies of a name. A browser sends several if another host or path has set one, too. */
export function cookiesNamed(header: string | undefined, name: string): string[] {
  return pairs(header).flatMap(([key, value]) => (key === name ? [value] : []));
}

/** The names of cookies that begin in a certain way. */
export function cookieNames(header: string | undefined, start: string): string[] {
  return pairs(header).flatMap(([key]) => (key.startsWith(start) ? [key] : []));
}

function pairs(header: string | undefined): (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  for (const part of header?.split(";") ?? []) {
    const mark = part.indexOf("=");
    if (mark !== -1) found.push([part.slice(0, mark).trim(), part.slice(mark + 1).trim()]);
  }
  return found;
}

/** The request's cookies without those whose name fits, for an application that must not see them. */
export function withoutCookies(header: string, isOurs: (name: string) => boolean): string {
  const rest = header.split(";").filter((part) => !isOurs(part.split("=", 1)[0]!.trim()));
  return rest.join(";").trim();
}

/** A Set-Cookie header. @param maxAge seconds; 0 deletes the cookie */
export function setCookie(scope: CookieScope, name: string, value: string, maxAge: number): string {
  const domain = scope.domain === undefined ? "" : `; Domain=${scope.domain}`;
  const secure = scope.isSecure ? "; Secure" : "";
  return `${name}=${value}; Path=/${domain}; Max-Age=${maxAge}; HttpOnly${secure}; SameSite=Lax`;
}

/**
 * The name of the cookie that a Set-Cookie header sets (RFC 6265bis section 5.7). One without a name is sent back as its
 * value alone, so that what looks like a name in it counts as one.
 */
export function setCookieName(line: string): string {
  const [pair = ""] = line.split(";", 1);
  const [, name = ""] = /^[\s=]*([^=]*)/.exec(pair) ?? [];
  return name.trim();
}

/** Browsers keep no cookie beyond 4,096 bytes of name, value and attributes. */
const largestPart = 3800;
/** Servers refuse headers of more than 8 or 16 KB. */
const mostParts = 3;

/** A value does not fit into cookies. */
export class TooLarge extends Error {
  override name = "TooLarge";
}

/** Divides sealed bytes into the values of `<name>`, `<name>-1` … @throws TooLarge */
export function intoParts(name: string, bytes: Uint8Array): (readonly [name: string, value: string])[] {
  const text = toBase64url(bytes);
  const count = Math.ceil(text.length / largestPart);
  if (count > mostParts) throw new TooLarge(`${text.length} characters do not fit into cookies`);
  return Array.from({ length: count }, (_, index) => {
    const part = text.slice(index * largestPart, (index + 1) * largestPart);
    return index === 0 ? [name, `${count}.${part}`] : [`${name}-${index}`, part];
  });
}

/** The names of all parts that there can be. */
export function partNames(name: string): string[] {
  return Array.from({ length: mostParts }, (_, index) => (index === 0 ? name : `${name}-${index}`));
}

/** Puts the parts together again, as base64url. `ambiguous` if one is there twice; undefined if one is missing or none is there. */
export function fromParts(
  header: string | undefined,
  name: string,
): { readonly text: string } | "ambiguous" | undefined {
  const [first, ...others] = cookiesNamed(header, name);
  if (others.length > 0) return "ambiguous";
  const [, count = "", start = ""] = /^([1-9])\.([\w-]+)$/.exec(first ?? "") ?? [];
  if (Number(count) === 0 || Number(count) > mostParts) return undefined;
  const rest = partNames(name)
    .slice(1, Number(count))
    .map((one) => cookiesNamed(header, one));
  if (rest.some((values) => values.length > 1)) return "ambiguous";
  if (rest.some((values) => values.length === 0)) return undefined;
  return { text: start + rest.flat().join("") };
}

/** Set-Cookie headers without those whose cookie a later one sets. */
export function lastOfEach(lines: readonly string[]): readonly string[] {
  if (lines.length < 2) return lines;
  return [...new Map(lines.map((line) => [line.split("=", 1)[0], line])).values()];
}
