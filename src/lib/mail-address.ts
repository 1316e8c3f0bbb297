/**
 * Mail addresses with an optional display name (a single mailbox of RFC 5322 section 3.4, with UTF-8 as of RFC 6532).
 */
import { foldHostName } from "./host-name.ts";

export interface MailAddress {
  /** The display name; empty if there is none. */
  readonly name: string;
  readonly address: string;
}

/** One `@` with something on both sides, and no character with a meaning in SMTP; mail servers decide the rest. */
const address = /^[^\s@<>()[\]\\,;:"\p{C}]{1,64}@[^\s@<>()[\]\\,;:"\p{C}]{1,255}$/u;

/** Parses `a@b.example`, `Name <a@b.example>` or `"Name, Inc." <a@b.example>`; undefined for anything else. */
export function parseMailAddress(text: string): MailAddress | undefined {
  const trimmed = text.trim();
  if (/\p{C}/u.test(trimmed)) return undefined;
  const open = trimmed.lastIndexOf("<");
  if (open < 0) return address.test(trimmed) ? { name: "", address: trimmed } : undefined;
  if (!trimmed.endsWith(">")) return undefined;
  const inside = trimmed.slice(open + 1, -1);
  const name = unquoted(trimmed.slice(0, open).trim());
  return name !== undefined && address.test(inside) ? { name, address: inside } : undefined;
}

/** Whether the text is a single address without a display name. */
export function isMailAddress(text: string): boolean {
  return address.test(text);
}

function unquoted(name: string): string | undefined {
  const [, quoted] = /^"((?:[^"\\]|\\.)*)"$/.exec(name) ?? [];
  if (quoted !== undefined) return quoted.replace(/\\(.)/g, "$1");
  return /["<>]/.test(name) ? undefined : name;
}

/** The domain of a mail address in canonical form (lower case, ASCII); undefined if the text is not an address. */
export function domainOfSender(from: string): string | undefined {
  const domain = parseMailAddress(from)?.address.split("@")[1];
  return domain === undefined ? undefined : (foldHostName(domain) ?? domain.toLowerCase());
}

/** An address with its domain in ASCII (Punycode, RFC 3492); as it is if it is no address or its domain no host name. */
export function withAsciiDomain(mailbox: string): string {
  if (!isMailAddress(mailbox)) return mailbox;
  const [local = "", domain = ""] = mailbox.split("@");
  return `${local}@${foldHostName(domain) ?? domain}`;
}
