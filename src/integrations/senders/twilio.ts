/** Sends text messages by Twilio's REST API ("Create a Message", Twilio Docs). */
import type { TwilioSender } from "../../lib/sender-settings.ts";
import { type HttpAnswer, httpCall } from "./http-call.ts";
import { type Sender, type SenderMeans, Throttled, Undeliverable } from "./sender.ts";
import { newSendings } from "./sendings.ts";

const service = "Twilio";

/** Errors that no repetition avoids ("Error and Warning Dictionary", Twilio Docs): the number, or who it belongs to. */
const final: ReadonlySet<number> = new Set([
  21211, // not a phone number
  21214, // cannot be reached
  21217, // does not appear to be valid
  21610, // its owner has opted out
  21614, // not a mobile number
  21617, // the text is too long
  21635, // a landline
]);

/** Opens a sender by Twilio, or what speaks its API. */
export function twilioSender(settings: TwilioSender, means: SenderMeans): Sender {
  const { url, accountSid, user, password, by } = settings;
  const account = `${url}/2010-04-01/Accounts/${encodeURIComponent(accountSid)}`;
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  const { tell, userAgent } = means;
  const sendings = newSendings(service, means);
  const call = (path: string, form?: URLSearchParams) =>
    sendings.run((signal) =>
      httpCall(`${account}${path}`, {
        ...{ method: form === undefined ? "GET" : "POST", userAgent, signal, service, tell },
        headers: {
          authorization,
          ...(form !== undefined && { "content-type": "application/x-www-form-urlencoded" }),
        },
        ...(form !== undefined && { body: form.toString() }),
      }),
    );
  return {
    kind: "twilio",
    send: async (message) => {
      if (message.medium !== "SMS") throw new Undeliverable("Twilio sends no e-mail.");
      const form = new URLSearchParams({ To: message.destination, ...by, Body: message.text });
      judge(await call("/Messages.json", form), tell);
    },
    verify: async () => judge(await call(".json"), tell),
    close: sendings.close,
  };
}

/** Throws unless the answer is that of Twilio to a call that succeeded. */
function judge({ status, body, retryAfterMs }: HttpAnswer, tell: SenderMeans["tell"]): void {
  const { sid, code } = documentOf(body);
  const known = typeof code === "number" ? code : undefined;
  const answer = [status, known].filter((one) => one !== undefined).join(" ");
  tell?.(`< ${answer}`);
  if (status >= 200 && status < 300) {
    if (typeof sid === "string") return;
    throw new Error(`${service} answered ${answer} without an id: something else may have answered.`);
  }
  const text = `${service} answered ${answer}.`;
  if (status === 429 || known === 20429) throw new Throttled(text, retryAfterMs);
  throw known !== undefined && final.has(known) ? new Undeliverable(text) : new Error(text);
}

function documentOf(body: string): { readonly sid?: unknown; readonly code?: unknown } {
  try {
    const document: unknown = JSON.parse(body);
    return typeof document === "object" && document !== null ? document : {};
  } catch {
    return {};
  }
}
