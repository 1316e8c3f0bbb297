/** Keeps text messages from being sent where they cannot arrive or may not go. */
import { type Sender, Undeliverable } from "../../integrations/senders/sender.ts";
import { isAmong, phoneFacts } from "../../lib/phone-number.ts";

/**
 * Throws Undeliverable for a number in a country that sms-countries leaves out, and for one that no numbering plan has,
 * unless the development inbox or a function of the pool gets the message: made-up numbers are common in tests.
 * @param by undefined for a function
 */
export async function assertReachable(
  destination: string,
  by: Sender["kind"] | undefined,
  smsCountries: readonly string[],
): Promise<void> {
  const facts = await phoneFacts(destination);
  if (!isAmong(facts, smsCountries))
    throw new Undeliverable("The phone number is in a country that sms-countries does not list.");
  if (!facts.possible && by !== undefined && by !== "inbox")
    throw new Undeliverable("The phone number is impossible: no country has numbers of this length.");
}
