/** Addresses: one spelling each, and what a subscriber has. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalAddress, hopAddress, networkOf } from "../../src/lib/network.ts";

test("an address has one spelling", () => {
  const cases: [string, string | undefined][] = [
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["::FFFF:192.0.2.7", "192.0.2.7"],
    ["::ffff:c000:207", "192.0.2.7"],
    ["0:0:0:0:0:ffff:c000:0207", "192.0.2.7"],
    ["2001:DB8::1", "2001:db8:0:0:0:0:0:1"],
    ["2001:db8:0:0:0:0:0:1", "2001:db8:0:0:0:0:0:1"],
    ["2001:0db8:0000::0001", "2001:db8:0:0:0:0:0:1"],
    ["fe80::1%eth0", "fe80:0:0:0:0:0:0:1"],
    ["::", "0:0:0:0:0:0:0:0"],
    ["1::", "1:0:0:0:0:0:0:0"],
    ["::192.0.2.7", "0:0:0:0:0:0:c000:207"],
    ["64:ff9b::192.0.2.7", "64:ff9b:0:0:0:0:c000:207"],
    ["192.0.2", undefined],
    ["192.0.2.256", undefined],
    ["192.000.002.007", undefined],
    ["2001:db8::1::", undefined],
    ["unknown", undefined],
    ["", undefined],
  ];
  for (const [text, expected] of cases) assert.equal(canonicalAddress(text), expected, text);
});

test("the network is the IPv4 address, or 64 bits of an IPv6 one", () => {
  const cases: [string, string][] = [
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["2001:db8:1:3::", "2001:db8:1:3::/64"],
    ["::1", "0:0:0:0::/64"],
    ["nothing", "nothing"],
  ];
  for (const [address, network] of cases) assert.equal(networkOf(address), network, address);
});

test("hops come with ports and brackets, or are no addresses", () => {
  const cases: [string, string | undefined][] = [
    [" 192.0.2.7 ", "192.0.2.7"],
    ["192.0.2.7:4711", "192.0.2.7"],
    ["[2001:db8::1]", "2001:db8:0:0:0:0:0:1"],
    ["[2001:db8::1]:443", "2001:db8:0:0:0:0:0:1"],
    ["2001:db8::1", "2001:db8:0:0:0:0:0:1"],
    ["[192.0.2.7]", undefined],
    ["192.0.2.7:", undefined],
    ["192.0.2.7:123456", undefined],
    ["for=192.0.2.7", undefined],
    ["_hidden", undefined],
    ["", undefined],
  ];
  for (const [hop, address] of cases) assert.equal(hopAddress(hop), address, hop);
});
