/** IP addresses as text: their canonical spelling, the network that one subscriber has, and ranges. */
import { BlockList, isIP, isIPv4 } from "node:net";

/**
 * The canonical spelling of an address. IPv4 mapped into IPv6 (`::ffff:10.0.0.1`, however spelled) becomes IPv4; IPv6
 * gets all eight groups in lower case, without a zone. Undefined if the text is not an address.
 */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (isIP(text) === 0) return undefined;
  const groups = groupsOf(text.replace(/%.*$/s, "").toLowerCase());
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (!isMapped) return groups.map((group) => group.toString(16)).join(":");
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 255])
    .join(".");
}

/** The eight 16-bit groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const [head = "", tail] = address.split("::") as [string, string | undefined];
  const before = parseGroups(head);
  const after = parseGroups(tail ?? "");
  const gap = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...new Array<number>(gap).fill(0), ...after];
}

function parseGroups(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((part) => {
    if (!part.includes(".")) return [Number.parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split(".").map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

/**
 * The network that rate limits count: an IPv4 address, or the first 64 bits of an IPv6 one, since a subscriber has
 * every address of such a network. Anything else is returned as it is.
 */
export function networkOf(address: string): string {
  const canonical = canonicalAddress(address);
  if (canonical === undefined || isIPv4(canonical)) return canonical ?? address;
  return `${canonical.split(":").slice(0, 4).join(":")}::/64`;
}

/** The address in an entry of X-Forwarded-For; some proxies add a port, and brackets around IPv6. */
export function hopAddress(text: string): string | undefined {
  const hop = text.trim();
  const [, bracketed] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(hop) ?? [];
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? canonicalAddress(bracketed) : undefined;
  const [, v4] = /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(hop) ?? [];
  return canonicalAddress(v4 ?? hop);
}

/** The addresses of CIDR ranges, or of single addresses. */
export function addressRanges(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    list.addSubnet(address, bits === undefined ? (family === "ipv6" ? 128 : 32) : Number(bits), family);
  }
  return list;
}

/** Whether an address, in its canonical spelling, is in one of the ranges; false for a text that is no address. */
export function isAmong(ranges: BlockList, address: string): boolean {
  return isIP(address) !== 0 && ranges.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

/** The 16-bit groups of an address: two of IPv4, also where it is mapped into IPv6; eight of IPv6. */
export function addressGroups(text: string): readonly number[] | undefined {
  if (isIPv4(text)) return parseGroups(text);
  const canonical = canonicalAddress(text);
  if (canonical === undefined) return undefined;
  return isIPv4(canonical) ? parseGroups(canonical) : groupsOf(canonical);
}

/**
 * A test of whether an address, as its groups, is in a network in CIDR notation or is the one given. Undefined if the
 * text is no network; those of IPv4 mapped into IPv6 are none.
 */
export function parseNetwork(text: string): ((groups: readonly number[]) => boolean) | undefined {
  const [address = "", length, ...more] = text.split("/");
  const wanted = address.includes("%") ? undefined : addressGroups(address);
  if (wanted === undefined || more.length > 0 || (wanted.length === 2 && address.includes(":")))
    return undefined;
  const bits = wanted.length * 16;
  const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : bits + 1;
  if (prefix > bits) return undefined;
  const masks = wanted.map((_, at) => 0xffff & ~(0xffff >> Math.min(16, Math.max(0, prefix - 16 * at))));
  return (groups) =>
    groups.length === wanted.length &&
    groups.every((group, at) => ((group ^ wanted[at]!) & masks[at]!) === 0);
}
