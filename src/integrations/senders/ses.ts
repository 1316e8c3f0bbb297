/** Sends mail by Amazon SES: SendEmail of version 2 of its API, with the mail as nodemailer writes it. */
import type { SESv2Client } from "@aws-sdk/client-sesv2";
import { withAsciiDomain } from "../../lib/mail-address.ts";
import type { SesSender } from "../../lib/sender-settings.ts";
import { awsCall, clientOptions, hasTaken, isAnswered } from "./aws.ts";
import { mailOf, mimeOf } from "./mime.ts";
import { type OutgoingMessage, type Sender, type SenderMeans, Undeliverable } from "./sender.ts";
import { newSendings } from "./sendings.ts";

const service = "Amazon SES";
/** What is wrong with the message itself; anything else an operator can set right. */
const final = ["MessageRejected", "BadRequestException"];

/** Opens a sender by Amazon SES, or what speaks its API. */
export function sesSender(settings: SesSender, means: SenderMeans): Sender {
  let opened: Promise<{ client: SESv2Client; sdk: typeof import("@aws-sdk/client-sesv2") }> | undefined;
  const open = () => {
    opened ??= import("@aws-sdk/client-sesv2").then((sdk) => ({
      sdk,
      client: new sdk.SESv2Client(clientOptions(settings)),
    }));
    return opened;
  };
  const { tell } = means;
  const sendings = newSendings(service, means);
  const place = settings.endpoint ?? `https://email.${settings.region}.amazonaws.com`;
  const call = { service, final };
  return {
    kind: "ses",
    send: async (message) => {
      if (message.medium !== "EMAIL") throw new Undeliverable("Amazon SES sends no SMS.");
      const input = await inputOf(settings, message);
      const request = `POST ${place}/v2/email/outbound-emails`;
      await awsCall(
        { ...call, request },
        tell,
        () =>
          sendings.run(async (abortSignal) => {
            const { client, sdk } = await open();
            return await client.send(new sdk.SendEmailCommand(input), { abortSignal });
          }),
        hasTaken,
      );
    },
    verify: async () => {
      await awsCall(
        { ...call, request: `GET ${place}/v2/email/account` },
        tell,
        () =>
          sendings.run(async (abortSignal) => {
            const { client, sdk } = await open();
            return await client.send(new sdk.GetAccountCommand({}), { abortSignal });
          }),
        isAnswered,
      );
    },
    close: async () => {
      await sendings.close();
      (await opened)?.client.destroy();
    },
  };
}

async function inputOf({ from, configurationSet }: SesSender, message: OutgoingMessage) {
  const mail = mailOf(from, message);
  const { envelope } = mail;
  const raw = await mimeOf(mail);
  const set = message.configurationSet ?? configurationSet;
  return {
    // Amazon SES takes no international domains but in Punycode, as the headers have them ("Destination", API Reference).
    FromEmailAddress: withAsciiDomain(envelope.from),
    Destination: { ToAddresses: envelope.to.map(withAsciiDomain) },
    Content: { Raw: { Data: raw } },
    // Amazon SES replaces the Message-ID: the events of a configuration set carry the tag.
    EmailTags: [{ Name: "poolhouse-message", Value: message.id }],
    ...(set !== undefined && { ConfigurationSetName: set }),
  };
}
