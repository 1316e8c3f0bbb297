/** What each service gets besides the message: attributes, credentials, pictures. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { userAgent } from "../../src/config/version.ts";
import type { OutgoingMessage } from "../../src/integrations/senders/sender.ts";
import { openSender } from "../../src/integrations/senders/senders.ts";
import type { SenderSettings } from "../../src/lib/sender-settings.ts";
import { kinds } from "./senders.ts";
import { type Answer, openHttpSink, type Taken } from "./sink.ts";

const open: { close(): Promise<unknown> }[] = [];
after(() => Promise.all(open.map((one) => one.close())));

const picture = Buffer.from("a picture").toString("base64");

const message = (medium: "EMAIL" | "SMS"): OutgoingMessage => ({
  ...{ id: "0123abcd", poolId: "us-east-1_POOL", kind: "sign-up", medium, text: "Your code is 123456" },
  destination: medium === "EMAIL" ? "alice@mail.example" : "+15550100",
  subject: medium === "EMAIL" ? "Grüße" : "",
  html: medium === "EMAIL" ? '<img src="cid:logo">' : undefined,
  ...(medium === "EMAIL" && {
    images: [{ id: "logo", type: "image/png", bytes: Buffer.from("a picture") }],
  }),
  ...{ from: undefined, replyTo: "help@house.example", createdAt: Date.UTC(2026, 0, 2, 3, 4, 5) },
});

/** What a service that answers so gets from a sender. */
async function requestOf(type: keyof typeof kinds, answer: Answer, change: object = {}): Promise<Taken> {
  const { sink, sender } = await openAt(type, answer, change);
  await sender.send(message(kinds[type].medium));
  return sink.taken[0] ?? assert.fail("nothing was sent");
}

async function openAt(type: keyof typeof kinds, answer: Answer, change: object = {}) {
  const sink = await openHttpSink(() => answer);
  const settings = { ...kinds[type].settings(Number(new URL(sink.url).port)), ...change };
  const sender = openSender(settings as SenderSettings, { userAgent });
  open.push(sink, sender);
  return { sink, sender };
}

test("Amazon SES gets the whole mail, with its pictures, signed for the region", async () => {
  const answer = { status: 200, body: '{"MessageId":"1"}' };
  const taken = await requestOf("ses", answer, { configurationSet: "of-the-server" });
  assert.equal(taken.path, "/v2/email/outbound-emails");
  assert.match(
    taken.headers.authorization ?? "",
    /^AWS4-HMAC-SHA256 Credential=AKIDhush\/\d{8}\/eu-west-1\/ses\/aws4_request,/,
  );
  const input = JSON.parse(taken.body) as Record<string, unknown>;
  assert.equal(input["ConfigurationSetName"], "of-the-server");
  assert.equal(input["FromEmailAddress"], "no-reply@house.example");
  const { Data } = (input["Content"] as { Raw: { Data: string } }).Raw;
  const mail = Buffer.from(Data, "base64").toString();
  assert.match(mail, /^Reply-To: help@house\.example\r$/m);
  assert.match(mail, /^Auto-Submitted: auto-generated\r$/m);
  assert.match(mail, /^Content-Type: multipart\/related/m);
  assert.match(mail, /^Content-Id: <logo>\r$/im);
  assert.ok(mail.includes(picture));
});

test("Amazon SES gets international domains in Punycode, in the call as in the headers", async () => {
  const { sink, sender } = await openAt("ses", { status: 200, body: '{"MessageId":"1"}' });
  const from = { name: "", address: "post@häuser.example" };
  await sender.send({ ...message("EMAIL"), from, destination: "alice@büro.example" });
  const input = JSON.parse(sink.taken[0]?.body ?? "") as Record<string, unknown>;
  assert.equal(input["FromEmailAddress"], "post@xn--huser-gra.example");
  assert.deepEqual(input["Destination"], { ToAddresses: ["alice@xn--bro-hoa.example"] });
  const { Data } = (input["Content"] as { Raw: { Data: string } }).Raw;
  const mail = Buffer.from(Data, "base64").toString();
  assert.match(mail, /^From: post@xn--huser-gra\.example\r$/m);
  assert.match(mail, /^To: alice@xn--bro-hoa\.example\r$/m);
});

test("Amazon SNS gets the attributes of a text message", async () => {
  const body =
    '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>';
  const taken = await requestOf("sns", { status: 200, headers: { "content-type": "text/xml" }, body });
  const form = [...new URLSearchParams(taken.body)];
  const value = (name: string) => {
    const at = form.find(([, text]) => text === name)?.[0]?.replace(/Name$/, "Value.StringValue");
    return form.find(([key]) => key === at)?.[1];
  };
  const names = [
    "AWS.SNS.SMS.SMSType",
    "AWS.SNS.SMS.SenderID",
    "AWS.SNS.SMS.MaxPrice",
    "AWS.MM.SMS.TemplateId",
  ];
  assert.deepEqual(names.map(value), ["Transactional", "House", "0.5", "T1"]);
  assert.equal(value("AWS.MM.SMS.EntityId"), undefined);
});

test("Twilio gets who sends, and the credentials of the account or of an API key", async () => {
  const accepted = { status: 201, body: '{"sid":"SM1"}' };
  const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
  const first = await requestOf("twilio", accepted);
  assert.equal(first.path, "/2010-04-01/Accounts/AC1/Messages.json");
  assert.equal(first.headers.authorization, basic("AC1:hush"));
  assert.deepEqual(Object.fromEntries(new URLSearchParams(first.body)), {
    ...{ To: "+15550100", From: "+15550199", Body: "Your code is 123456" },
  });
  const second = await requestOf("twilio", accepted, {
    ...{ user: "SK1", password: "hush 2", by: { MessagingServiceSid: "MG1" } },
  });
  assert.equal(second.path, "/2010-04-01/Accounts/AC1/Messages.json");
  assert.equal(second.headers.authorization, basic("SK1:hush 2"));
  assert.equal(new URLSearchParams(second.body).get("MessagingServiceSid"), "MG1");
});

test("receivers by HTTP and Twilio are told which program calls", async () => {
  assert.match(userAgent, /^poolhouse\/\d+\.\d+\.\d+\S*$/);
  for (const [type, answer] of [
    ["http", { status: 204 }],
    ["twilio", { status: 201, body: '{"sid":"SM1"}' }],
  ] as const)
    assert.equal((await requestOf(type, answer)).headers["user-agent"], userAgent, type);
});

test("a receiver by HTTP gets the whole message, with its pictures", async () => {
  const taken = await requestOf("http", { status: 204 });
  assert.equal(taken.headers["content-type"], "application/json");
  assert.deepEqual(JSON.parse(taken.body), {
    ...{ id: "0123abcd", userPoolId: "us-east-1_POOL", kind: "sign-up", medium: "EMAIL" },
    ...{ to: "alice@mail.example", subject: "Grüße", text: "Your code is 123456" },
    html: '<img src="cid:logo">',
    images: [{ id: "logo", type: "image/png", content: picture }],
    from: { name: "House", address: "no-reply@house.example" },
    replyTo: "help@house.example",
    createdAt: "2026-01-02T03:04:05.000Z",
  });
});

test("an answer that is not the service's own is no success", async () => {
  for (const [type, answer] of [
    ["twilio", { status: 200, body: "<html>Please sign in</html>" }],
    ["ses", { status: 200, body: "<html>Please sign in</html>" }],
    ["ses", { status: 200, body: "{}" }],
    ["ses", { status: 200 }],
    ["sns", { status: 200, body: "<html>Please sign in</html>" }],
    ["sns", { status: 200, body: "<PublishResponse><PublishResult/></PublishResponse>" }],
    ["sns", { status: 200 }],
    ["http", { status: 302, headers: { location: "https://elsewhere.example/" } }],
  ] as const)
    await assert.rejects(requestOf(type, answer), { name: "Error" }, `${type}: ${answer.body}`);
});

test("whoever answers like nobody in particular does not let this server in", async () => {
  const page = { status: 200, body: "<html>Please sign in</html>" };
  for (const [type, answer] of [
    ["twilio", page],
    ["ses", page],
    ["ses", { status: 200, body: "{}" }],
    ["sns", page],
    ["sns", { status: 200 }],
  ] as const) {
    const { sender } = await openAt(type, answer);
    await assert.rejects(sender.verify(), /something else may have answered/, type);
  }
  // What speaks the same API need not number its requests as AWS does.
  for (const [type, body] of [
    ["ses", '{"SendingEnabled":true}'],
    [
      "sns",
      "<GetSMSAttributesResponse><GetSMSAttributesResult><attributes/></GetSMSAttributesResult></GetSMSAttributesResponse>",
    ],
  ] as const)
    await (await openAt(type, { status: 200, body })).sender.verify();
});
