/**
 * Which addresses outgoing requests may connect to: those of the public internet, and private ones that the
 * configuration allows. The ranges are those of IANA's registries of special-purpose addresses (RFC 6890).
 */
import { isIPv4 } from "node:net";
import { isLoopback } from "../lib/host-name.ts";
import { addressRanges, canonicalAddress, isAmong } from "../lib/network.ts";

/** Addresses of networks and machines that have a place of their own behind a server. */
const privateRanges = [
  ...["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8"],
  ...["fc00::/7", "::1/128"],
];

/**
 * Where clouds keep the credentials of machines, inside these ranges (Alibaba Cloud, Amazon EC2 and EKS, Google Cloud); those of
 * IPv4 are mostly link-local.
 */
const credentials = addressRanges(["100.100.100.200", "fd00:ec2::/32", "fd20:ce::254"]);

/** All IPv4 addresses that are no address of a machine on the public internet. */
const notPublicIPv4 = addressRanges([
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"],
  ...["192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"],
  ...["192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"],
  // The host of a virtual machine in Azure.
  "168.63.129.16",
  // Multicast, reserved, and broadcast.
  ...["224.0.0.0/4", "240.0.0.0/4"],
]);

/** Global unicast addresses (RFC 4291 section 2.4), and what is set apart in them. */
const globalIPv6 = addressRanges(["2000::/3"]);
const notPublicIPv6 = addressRanges([
  // Protocol assignments (Teredo and others), documentation, 6to4, AS112.
  ...["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"],
]);

/** IPv4 addresses as NAT64 translates them (RFC 6052): the last 32 bits. */
const nat64 = addressRanges(["64:ff9b::/96"]);

export interface AddressRules {
  /**
   * Whether a request may connect to the address, however it is spelled. Plain http leads to private addresses only:
   * on the way through the internet anybody could answer.
   */
  allows(address: string, protocol: "http:" | "https:"): boolean;
  /** Whether some private address is allowed. */
  readonly somePrivate: boolean;
  /** Whether one of another machine is. */
  readonly someOther: boolean;
}

/**
 * @param allowed CIDR ranges of private addresses; `any` stands for all of RFC 1918, RFC 4193, RFC 6598 and loopback, but not for
 * where clouds keep credentials
 * @param loopback whether this machine's own addresses are allowed, too
 */
export function addressRules(allowed: readonly string[], loopback: boolean): AddressRules {
  const named = allowed.filter((range) => range !== "any");
  const listed = addressRanges([...named, ...(loopback ? ["127.0.0.0/8", "::1/128"] : [])]);
  const any = addressRanges(named.length < allowed.length ? privateRanges : []);
  const isPermitted = (address: string) =>
    isAmong(listed, address) || (isAmong(any, address) && !isAmong(credentials, address));
  return {
    somePrivate: allowed.length > 0 || loopback,
    someOther: allowed.length > 0,
    allows: (address, protocol) => {
      const canonical = canonicalAddress(address);
      if (canonical === undefined) return false;
      const reached = embedded(canonical) ?? canonical;
      if (isPermitted(reached) || isPermitted(canonical)) return true;
      return protocol === "https:" && isPublic(reached);
    },
  };
}

function isPublic(address: string): boolean {
  if (isIPv4(address)) return !isAmong(notPublicIPv4, address);
  return isAmong(globalIPv6, address) && !isAmong(notPublicIPv6, address);
}

/** The IPv4 address that an address of NAT64 leads to. */
function embedded(address: string): string | undefined {
  if (!isAmong(nat64, address)) return undefined;
  const [high = 0, low = 0] = address
    .split(":")
    .slice(6)
    .map((group) => Number.parseInt(group, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** Whether a host name, without brackets, is this machine's by its name. */
export const isOwnName = (hostname: string): boolean =>
  isLoopback(hostname.replace(/\.$/, "")) || /\.localhost\.?$/.test(hostname);
