/** The types of senders, each with a service for it that answers as a test wants: what test/mail/senders.test.ts goes through. */
import { createHmac } from "node:crypto";
import { userAgent } from "../../src/config/version.ts";
import type { Medium, SenderMeans } from "../../src/integrations/senders/sender.ts";
import { openSender } from "../../src/integrations/senders/senders.ts";
import type { SenderSettings } from "../../src/lib/sender-settings.ts";
import { wrongWith } from "./aws-door.ts";
import { openPostOffice } from "./post-office.ts";
import { type Answer, openHttpSink, type Taken } from "./sink.ts";

type Type = SenderSettings["type"];

/** How a service treats a message. */
export type Mood = "accepts" | "refuses for good" | "refuses for now" | "throttles" | "fails" | "denies";

/** A message as a service got it. */
export interface Arrived {
  readonly to: string;
  readonly text: string;
  /** What is the same in a repetition; undefined if the protocol has no room for it. */
  readonly id: string | undefined;
  /** Of Amazon SES. */
  readonly configurationSet?: string | undefined;
}

export interface Service {
  /** Where it listens, as the settings of the sender have it. */
  readonly port: number;
  readonly arrived: Arrived[];
  mood: Mood;
  /** Each message is answered when this has resolved. */
  until: Promise<unknown>;
  /** How many messages have begun to arrive. */
  begun: number;
  close(): Promise<unknown>;
}

export interface Kind {
  readonly medium: Medium;
  readonly settings: (port: number) => SenderSettings;
  readonly open: () => Promise<Service>;
  /** Whether the service can say how long it wants to be left alone. */
  readonly saysHowLong: boolean;
}

/** All credentials contain this word, which no error may have. */
export const hush = "hush";
/** The access key of the account to which the services of AWS belong, and their region. */
export const awsKey = { accessKeyId: "AKIDhush", secretAccessKey: "hush-hush" };
export const awsRegion = "eu-west-1";
const from = { name: "House", address: "no-reply@house.example" };
const webhookSecret = Buffer.from("hush".repeat(8));
const url = (port: number) => `http://127.0.0.1:${port}`;
const aws = (port: number) => ({ region: awsRegion, endpoint: url(port), key: awsKey });

/** What an unkind service quotes in its errors. */
const quoted = "alice@mail.example +15550100 123456 hush";

/**
 * A service that speaks HTTP.
 * @param refusal what it answers to whom it does not let in; undefined lets them in
 */
async function httpService(
  answers: Readonly<Record<Mood, Answer>>,
  arrivedAs: (request: Taken) => Arrived,
  refusal: (request: Taken, mood: Mood) => Answer | undefined = () => undefined,
): Promise<Service> {
  const sink = await openHttpSink(async (request) => {
    service.begun += 1;
    await service.until;
    const refused = refusal(request, service.mood);
    if (refused !== undefined) return refused;
    if (service.mood === "accepts" && request.method === "POST") service.arrived.push(arrivedAs(request));
    return answers[service.mood];
  });
  const service: Service = {
    port: Number(new URL(sink.url).port),
    ...{ arrived: [], mood: "accepts", until: Promise.resolve(), begun: 0, close: sink.close },
  };
  return service;
}

const later = { "retry-after": "7" };
const sesError = (status: number, name: string, headers = {}) => ({
  status,
  headers: { "content-type": "application/json", "x-amzn-errortype": name, ...headers },
  body: JSON.stringify({ message: quoted }),
});
const snsError = (status: number, code: string, headers = {}) => ({
  status,
  headers: { "content-type": "text/xml", ...headers },
  body: `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${quoted}</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
});
/** Lets in who signs with the account's key; where the service denies, that key has another secret. */
const awsDoor =
  (service: "ses" | "sns", error: (status: number, name: string) => Answer) =>
  (request: Taken, mood: Mood) => {
    const key = mood === "denies" ? { ...awsKey, secretAccessKey: "another" } : awsKey;
    const wrong = wrongWith(request, { service, region: awsRegion, key });
    return wrong && error(403, wrong.code);
  };
/** The services number all requests. */
const numbered = { "x-amzn-requestid": "1" };
const sesAccepts = {
  status: 200,
  headers: { "content-type": "application/json", ...numbered },
  body: '{"MessageId":"1"}',
};
const snsAccepts = {
  status: 200,
  headers: { "content-type": "text/xml", ...numbered },
  body: '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>',
};
const twilioError = (status: number, code: number, headers = {}) => ({
  status,
  headers,
  body: JSON.stringify({ code, message: quoted, status }),
});
const plain = (status: number, headers = {}) => ({ status, headers, body: quoted });

/** The Message-ID and the text of a mail in base64. */
function mailIn({ body }: Taken): Arrived {
  const { Content, Destination, EmailTags, ConfigurationSetName } = JSON.parse(body) as {
    Content: { Raw: { Data: string } };
    Destination: { ToAddresses: string[] };
    EmailTags: { Value: string }[];
    ConfigurationSetName?: string;
  };
  const raw = Buffer.from(Content.Raw.Data, "base64").toString();
  const messageId = /^Message-ID: <(.*)@/im.exec(raw)?.[1];
  const id = `${EmailTags[0]?.Value} ${messageId}`;
  return { to: Destination.ToAddresses.join(), text: raw, id, configurationSet: ConfigurationSetName };
}

export const kinds: Readonly<Record<Type, Kind>> = {
  smtp: {
    medium: "EMAIL",
    saysHowLong: false,
    settings: (port) => ({
      ...{ name: "s", type: "smtp", host: "127.0.0.1", port, secure: false, from, mustEncrypt: false },
      ...{ auth: { user: "hush", pass: "hush" }, ca: undefined },
    }),
    open: async () => {
      const answers: Readonly<Record<Mood, string | undefined>> = {
        ...{
          accepts: undefined,
          denies: undefined,
          throttles: "421 4.7.0 too much",
          fails: "451 4.3.0 error",
        },
        ...{ "refuses for good": "550 5.1.1 unknown", "refuses for now": "450 4.2.1 later" },
      };
      const office = await openPostOffice({
        onRcptTo: (_address, _session, done) => {
          service.begun += 1;
          void service.until.then(() => {
            const [, code, words] = /^(\d{3}) (.*)$/.exec(answers[service.mood] ?? "") ?? [];
            if (code === undefined) done();
            else done(Object.assign(new Error(`${words} ${quoted}`), { responseCode: Number(code) }));
          });
        },
      });
      const service: Service = {
        ...{ port: office.port, mood: "accepts", until: Promise.resolve(), begun: 0, close: office.close },
        get arrived() {
          return office.mails.map((mail) => ({
            ...{ to: mail.to.join(), text: mail.text, id: mail.headers.get("message-id") },
          }));
        },
      };
      Object.defineProperty(office, "user", {
        get: () => ({ name: "hush", password: service.mood === "denies" ? "other" : "hush" }),
      });
      return service;
    },
  },
  ses: {
    medium: "EMAIL",
    saysHowLong: true,
    settings: (port) => ({ name: "s", type: "ses", ...aws(port), from, configurationSet: undefined }),
    open: () =>
      httpService(
        {
          accepts: sesAccepts,
          "refuses for good": sesError(400, "MessageRejected"),
          "refuses for now": sesError(400, "SendingPausedException"),
          throttles: sesError(429, "TooManyRequestsException", later),
          fails: plain(500),
          denies: sesAccepts,
        },
        mailIn,
        awsDoor("ses", sesError),
      ),
  },
  sns: {
    medium: "SMS",
    saysHowLong: true,
    settings: (port) => ({
      ...{ name: "s", type: "sns", ...aws(port), senderId: "House", maxPrice: "0.5" },
      ...{ entityId: undefined, templateId: "T1" },
    }),
    open: () =>
      httpService(
        {
          accepts: snsAccepts,
          "refuses for good": snsError(400, "InvalidParameter"),
          "refuses for now": snsError(403, "AuthorizationError"),
          throttles: snsError(400, "Throttled", later),
          fails: plain(500),
          denies: snsAccepts,
        },
        ({ body }) => {
          const form = new URLSearchParams(body);
          return { to: form.get("PhoneNumber") ?? "", text: body, id: undefined };
        },
        awsDoor("sns", snsError),
      ),
  },
  twilio: {
    medium: "SMS",
    saysHowLong: true,
    settings: (port) => ({
      ...{ name: "s", type: "twilio", url: url(port), accountSid: "AC1", user: "AC1", password: "hush" },
      by: { From: "+15550199" },
    }),
    open: () =>
      httpService(
        {
          accepts: { status: 201, body: '{"sid":"SM1"}' },
          "refuses for good": twilioError(400, 21610),
          "refuses for now": twilioError(400, 21408),
          throttles: twilioError(429, 20429, later),
          fails: plain(500),
          denies: twilioError(401, 20003),
        },
        ({ body }) => {
          const form = new URLSearchParams(body);
          return { to: form.get("To") ?? "", text: form.get("Body") ?? "", id: undefined };
        },
      ),
  },
  http: {
    medium: "EMAIL",
    saysHowLong: true,
    settings: (port) => ({ name: "s", type: "http", url: url(port), secret: webhookSecret, from }),
    open: () =>
      httpService(
        {
          accepts: { status: 202 },
          "refuses for good": plain(422),
          "refuses for now": plain(404),
          throttles: plain(429, later),
          fails: plain(500),
          denies: plain(401),
        },
        ({ body, headers }) => {
          const id = String(headers["webhook-id"]);
          const signed = `${id}.${String(headers["webhook-timestamp"])}.${body}`;
          const mac = createHmac("sha256", webhookSecret).update(signed).digest("base64");
          if (headers["webhook-signature"] !== `v1,${mac}`) return { to: "", text: "forged", id: undefined };
          const document = JSON.parse(body) as { to: string; text: string; id: string };
          return { to: document.to, text: document.text, id: `${document.id} ${id}` };
        },
      ),
  },
};

/** Opens the sender of a type for a service at a port. */
export const senderFor = (type: Type, port: number, means: Partial<SenderMeans> = {}) =>
  openSender(kinds[type].settings(port), { userAgent, ...means });
