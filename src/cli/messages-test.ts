/** `poolhouse messages test`: tries the configured senders. */
import { randomBytes } from "node:crypto";
import type { Config } from "../config/config.ts";
import { userAgent } from "../config/version.ts";
import { type Medium, type OutgoingMessage, Undeliverable } from "../integrations/senders/sender.ts";
import { openSender } from "../integrations/senders/senders.ts";
import { closest } from "../lib/closest.ts";
import { isMailAddress } from "../lib/mail-address.ts";
import { isAmong, phoneFacts } from "../lib/phone-number.ts";
import { type MessageSettings, mediaOf, type SenderSettings } from "../lib/sender-settings.ts";
import { CommandError } from "./command-error.ts";
import type { Given } from "./command-line.ts";
import { nameOf } from "./doctor-senders.ts";
import { wrongUsage } from "./usage.ts";

/** Sends one message by each sender that can, and prints what was said. */
export async function sendTest({ config, text }: Given): Promise<void> {
  const to = text("to");
  if (to === undefined) throw wrongUsage("messages", ["test"])("--to is missing.");
  const medium = mediumOf(to);
  const chosen = chosenSenders(config.messages, medium, { sender: text("sender"), pool: text("pool") });
  for (const note of await notesOn(config, to, text("pool"))) console.log(note);
  let failed = 0;
  for (const settings of chosen) {
    console.log(`${nameOf(settings)}:`);
    const problem = await tried(settings, testMessage(to, medium, text("pool")));
    console.log(problem === undefined ? "sent" : `FAILED: ${problem}`);
    if (problem !== undefined) failed += 1;
  }
  if (failed > 0) process.exitCode = 1;
}

/** Why the messages of a pool may go otherwise than this test. */
async function notesOn(
  { messages, smsCountries }: Config,
  to: string,
  pool: string | undefined,
): Promise<string[]> {
  const isLeftOut = mediumOf(to) === "SMS" && !isAmong(await phoneFacts(to), smsCountries);
  return [
    ...(pool !== undefined && !messages.pools.has(pool)
      ? [`messages.pools does not name ${pool}: this is how the server sends for it.`]
      : []),
    ...(isLeftOut
      ? ["sms-countries does not list the country of this number: users there get no text messages."]
      : []),
  ];
}

function mediumOf(to: string): Medium {
  if (/^\+\d{6,15}$/.test(to)) return "SMS";
  if (isMailAddress(to)) return "EMAIL";
  throw wrongUsage("messages", ["test"])("--to must be a mail address, or a number such as +15550100.");
}

function chosenSenders(
  messages: MessageSettings,
  medium: Medium,
  { sender, pool }: { readonly sender: string | undefined; readonly pool: string | undefined },
): readonly SenderSettings[] {
  const { senders } = messages;
  if (senders.length === 0) throw new CommandError("No sender is configured (docs/messages.md).");
  const fits = ({ type }: SenderSettings) => mediaOf[type].includes(medium);
  const what = medium === "EMAIL" ? "mail" : "text messages";
  if (sender !== undefined) {
    const found = senders.find(({ name }) => name === sender);
    if (found === undefined) throw new CommandError(unknownSender(sender, senders));
    if (!fits(found)) throw new CommandError(`The sender ${sender} does not send ${what}.`);
    return [found];
  }
  const own = pool === undefined ? undefined : (messages.pools.get(pool) ?? messages);
  const name = own && (medium === "EMAIL" ? own.email : own.sms);
  const found = senders.filter((one) => (own === undefined ? fits(one) : one.name === name));
  if (found.length > 0) return found;
  throw new CommandError(
    `No sender of ${what} is configured${pool === undefined ? "" : ` for the pool ${pool}`}.`,
  );
}

function unknownSender(given: string, senders: readonly SenderSettings[]): string {
  const names = senders.map(({ name }) => name);
  const meant = closest(given, names);
  return `There is no sender ${given}: ${meant ? `did you mean ${meant}?` : `there are ${names.join(", ")}.`}`;
}

const testMessage = (to: string, medium: Medium, poolId = "none"): OutgoingMessage => ({
  ...{ id: randomBytes(16).toString("hex"), poolId, kind: "test", medium, destination: to },
  subject: medium === "EMAIL" ? "A test of Poolhouse" : "",
  text: "This is a test of Poolhouse: messages arrive.",
  html: medium === "EMAIL" ? "<p>This is a test of Poolhouse: messages arrive.</p>" : undefined,
  ...{ from: undefined, replyTo: undefined, createdAt: Date.now() },
});

/** Sends a message and prints the conversation. Returns what went wrong. */
async function tried(settings: SenderSettings, message: OutgoingMessage): Promise<string | undefined> {
  const sender = openSender(settings, { userAgent, tell: (line) => console.log(`  ${line}`) });
  try {
    await sender.send(message);
    return undefined;
  } catch (error) {
    const final = error instanceof Undeliverable ? " No repetition would help." : "";
    return `${(error as Error).message}${final}`;
  } finally {
    await sender.close();
  }
}
