/** Sends text messages by Amazon SNS: Publish to a phone number. */
import type { SNSClient } from "@aws-sdk/client-sns";
import type { SnsSender } from "../../lib/sender-settings.ts";
import { awsCall, clientOptions, hasTaken, isAnswered } from "./aws.ts";
import { type Sender, type SenderMeans, Undeliverable } from "./sender.ts";
import { newSendings } from "./sendings.ts";

const service = "Amazon SNS";
/** What is wrong with the number or the text; anything else an operator can set right. */
const final = [
  ...["InvalidParameter", "InvalidParameterException", "InvalidParameterValue"],
  ...["InvalidParameterValueException", "OptedOut", "OptedOutException", "ValidationException"],
];

/** Opens a sender by Amazon SNS, or what speaks its API. */
export function snsSender(settings: SnsSender, means: SenderMeans): Sender {
  let opened: Promise<{ client: SNSClient; sdk: typeof import("@aws-sdk/client-sns") }> | undefined;
  const open = () => {
    opened ??= import("@aws-sdk/client-sns").then((sdk) => ({
      sdk,
      client: new sdk.SNSClient(clientOptions(settings)),
    }));
    return opened;
  };
  const { tell } = means;
  const sendings = newSendings(service, means);
  const place = settings.endpoint ?? `https://sns.${settings.region}.amazonaws.com`;
  const call = { service, final };
  return {
    kind: "sns",
    send: async (message) => {
      if (message.medium !== "SMS") throw new Undeliverable("Amazon SNS sends no e-mail.");
      const input = {
        PhoneNumber: message.destination,
        Message: message.text,
        MessageAttributes: attributesOf(settings),
      };
      await awsCall(
        { ...call, request: `POST ${place}/ Publish` },
        tell,
        () =>
          sendings.run(async (abortSignal) => {
            const { client, sdk } = await open();
            return await client.send(new sdk.PublishCommand(input), { abortSignal });
          }),
        hasTaken,
      );
    },
    verify: async () => {
      await awsCall(
        { ...call, request: `POST ${place}/ GetSMSAttributes` },
        tell,
        () =>
          sendings.run(async (abortSignal) => {
            const { client, sdk } = await open();
            return await client.send(new sdk.GetSMSAttributesCommand({}), { abortSignal });
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

/** The attributes of a text message ("Publishing to a mobile phone", Amazon SNS Developer Guide). */
function attributesOf({ senderId, maxPrice, entityId, templateId }: SnsSender) {
  const values = [
    ["AWS.SNS.SMS.SMSType", "String", "Transactional"],
    ["AWS.SNS.SMS.SenderID", "String", senderId],
    ["AWS.SNS.SMS.MaxPrice", "Number", maxPrice],
    ["AWS.MM.SMS.EntityId", "String", entityId],
    ["AWS.MM.SMS.TemplateId", "String", templateId],
  ] as const;
  return Object.fromEntries(
    values.flatMap(([name, DataType, StringValue]) =>
      StringValue === undefined ? [] : [[name, { DataType, StringValue }] as const],
    ),
  );
}
