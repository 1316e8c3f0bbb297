import assert from "node:assert/strict";
import { test } from "node:test";
import { sizeOfSms, smsOctets } from "../../src/lib/sms-size.ts";

test("a text message holds 160 characters of GSM's alphabet, or 70 of others", () => {
  for (const [text, octets] of [
    ["", 0],
    ["a".repeat(160), smsOctets],
    ["a".repeat(161), smsOctets + 1],
    ["€".repeat(80), smsOctets],
    ["@ñ\n", 3],
    ["ç", 2],
    ["я".repeat(70), smsOctets],
    ["я".repeat(71), smsOctets + 2],
    ["😀", 4],
  ] as const)
    assert.equal(sizeOfSms(text), octets, text);
});
