/** Names of hosts (RFC 1123 section 2.1; RFC 3490 for those beyond ASCII). */
import { domainToASCII } from "node:url";

const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const name = new RegExp(`^${label}(?:\\.${label})*$`);

/** Whether it is a host name as it is compared: lower case, ASCII, no dot at the end, and no address. */
export function isHostName(text: string): boolean {
  // What ends in a number is read as an IPv4 address (https://url.spec.whatwg.org/#ends-in-a-number-checker).
  return text.length <= 253 && name.test(text) && !/(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(text);
}

/** A host name in the form in which it is compared; undefined for what is none. */
export function foldHostName(text: string): string | undefined {
  // domainToASCII cuts off what would end the host of a URL.
  if (/[^A-Za-z0-9.\u0080-\u{10ffff}-]/u.test(text)) return undefined;
  const ascii = domainToASCII(text.replace(/\.$/, ""));
  return isHostName(ascii) ? ascii : undefined;
}

/** The host of a Host header or URL, without its port, in the form in which it is compared. */
export function hostKey(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");
}
