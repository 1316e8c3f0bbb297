import assert from "node:assert/strict";
import { test } from "node:test";
import { assertReachable } from "../../src/domain/messages/reachable.ts";
import type { Sender } from "../../src/integrations/senders/sender.ts";

/** What keeps a text from being sent; undefined if nothing does. */
async function why(
  destination: string,
  by: Sender["kind"] | undefined,
  smsCountries: string[] = [],
): Promise<string | undefined> {
  const tried = assertReachable(destination, by, smsCountries);
  return tried.then(
    () => undefined,
    (error: Error) => `${error.name}: ${error.message}`,
  );
}

test("a text to a number that no plan has is not sent, unless it stays here or a function decides", async () => {
  const impossible = "+155555501001";
  assert.match((await why(impossible, "smtp")) ?? "", /^Undeliverable: The phone number is impossible/);
  assert.equal(await why(impossible, "inbox"), undefined);
  assert.equal(await why(impossible, undefined), undefined);
  assert.equal(await why("+15555550100", "smtp"), undefined);
});

test("a text to a country that is not listed is sent by nobody", async () => {
  for (const by of ["smtp", "inbox", undefined] as const) {
    assert.match((await why("+18765550123", by, ["US"])) ?? "", /^Undeliverable: .*sms-countries/);
    assert.equal(await why("+12025550123", by, ["US"]), undefined);
  }
});
