/** Mail addresses with a name, as people write them (a single mailbox of RFC 5322 section 3.4, with RFC 6532's UTF-8). */
import { foldHostName } from "./host-name.ts";

export interface MailAddress {
  /** Empty when there is none. */
  readonly name: string;
  readonly address: string;
}

/** One `@`, something on both sides, nothing that means something in a protocol line; mail servers decide the rest. */
const address = /^[^\s@<>()[\]\\,;:"\p{C}]{1,64}@[^\s@<>()[\]\\,;:"\p{C}]{1,255}$/u;

/** `a@b.example`, `Name <a@b.example>` or `"Name, Inc." <a@b.example>`; undefined when it is none of them. */
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

/** Whether text is one bare address. */
export function isMailAddress(text: string): boolean {
  return address.test(text);
}

function unquoted(name: string): string | undefined {
  const [, quoted] = /^"((?:[^"\\]|\\.)*)"$/.exec(name) ?? [];
  if (quoted !== undefined) return quoted.replace(/\\(.)/g, "$1");
  return /["<>]/.test(name) ? undefined : name;
}

/** The domain of a mail address as it is compared: lower case, ASCII. Undefined for what is no address. */
export function domainOfSender(from: string): string | undefined {
  const domain = parseMailAddress(from)?.address.split("@")[1];
  return domain === undefined ? undefined : (foldHostName(domain) ?? domain.toLowerCase());
}
