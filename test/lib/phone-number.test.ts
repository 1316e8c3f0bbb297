import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isAmong, phoneFacts, phoneNumberAt } from "../../src/lib/phone-number.ts";

describe("phone numbers", () => {
  test("lead to the country that their first digits tell, or to those that share the calling code", async () => {
    for (const [number, callingCode, country, range] of [
      ["+4915112345678", "49", "DE", "+49151"],
      ["+12025550123", "1", "US", "+1202"],
      ["+18765550123", "1", "JM", "+1876"],
      ["+77012345678", "7", "KZ", "+7701"],
    ] as const) {
      const facts = await phoneFacts(number);
      assert.deepEqual(facts, { callingCode, number, countries: [country], possible: true, range });
    }
    const fictional = await phoneFacts("+15555550100");
    assert.equal(fictional.possible, true);
    assert.ok(["US", "CA", "JM"].every((country) => fictional.countries.includes(country)));
  });

  test("have one form without what is only dialed inside their country", async () => {
    for (const [written, number, range] of [
      ["+4407911123456", "+447911123456", "+44791"],
      ["+49015112345678", "+4915112345678", "+49151"],
      ["+112025550123", "+12025550123", "+1202"],
      ["+5501511961234567", "+5511961234567", "+55119"],
    ] as const) {
      const facts = await phoneFacts(written);
      assert.deepEqual([facts.number, facts.range], [number, range], written);
    }
  });

  test("are impossible if no country has such", async () => {
    for (const number of ["+155555501001", "+999123456", "+12", "+49", "+0000000000", "+1"])
      assert.equal((await phoneFacts(number)).possible, false, number);
    assert.equal((await phoneFacts("+999123456")).callingCode, undefined);
  });

  test("are among listed countries, or among all if none is listed", async () => {
    const german = await phoneFacts("+4915112345678");
    const unknown = await phoneFacts("+999123456");
    assert.equal(isAmong(german, ["AT", "DE"]), true);
    assert.equal(isAmong(german, ["AT"]), false);
    assert.equal(isAmong(unknown, ["AT"]), false);
    assert.equal(isAmong(unknown, []), true);
  });

  test("as written at home get the calling code of the country, if it has such numbers", async () => {
    for (const [typed, country, number] of [
      ["0151 123-45678", "DE", "+4915112345678"],
      ["0049 151 12345678", "DE", "+4915112345678"],
      ["(202) 555-0123", "US", "+12025550123"],
      ["090-1234-5678", "JP", "+819012345678"],
      ["07911 123456", "US", undefined],
      ["12", "DE", undefined],
      ["ann", "DE", undefined],
      ["0151 12345678", "XX", undefined],
    ] as const)
      assert.equal(await phoneNumberAt(typed, country), number, typed);
  });
});
