/** Host names (RFC 1123 section 2.1; RFC 3490 for internationalized ones). */
import { domainToASCII } from "node:url";

const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const name = new RegExp(`^${label}(?:\\.${label})*$`);

/** Whether the text is a host name in canonical form: lower case, ASCII, no trailing dot, and not an IP address. */
export function isHostName(text: string): boolean {
  // A name whose last label is a number is read as an IPv4 address
  // (https://url.spec.whatwg.org/#ends-in-a-number-checker).
  return text.length <= 253 && name.test(text) && !/(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(text);
}

/** The canonical form of a host name (lower case, ASCII, no trailing dot); undefined if the text is not a host name. */
export function foldHostName(text: string): string | undefined {
  // domainToASCII stops at characters that would end the host of a URL.
  if (/[^A-Za-z0-9.\u0080-\u{10ffff}-]/u.test(text)) return undefined;
  const ascii = domainToASCII(text.replace(/\.$/, ""));
  return isHostName(ascii) ? ascii : undefined;
}

/** Whether a host, without brackets, is this machine's own: `localhost`, `::1`, or an IPv4 address of 127.0.0.0/8. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** The canonical form of the host in a Host header or URL, without its port. */
export function hostKey(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");
}
