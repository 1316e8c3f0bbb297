/** The SMTP sender against a real server: encryption, who is let in, what is refused for good, what a mail looks like. */
import assert from "node:assert/strict";
import { hostname } from "node:os";
import { after, test } from "node:test";
import { type OutgoingMessage, type Sender, Undeliverable } from "../../src/integrations/senders/sender.ts";
import { smtpSender } from "../../src/integrations/senders/smtp.ts";
import { describeError } from "../../src/lib/describe-error.ts";
import type { SmtpSender } from "../../src/lib/sender-settings.ts";
import { localhostPem, openPostOffice, type PostOffice } from "./post-office.ts";

const open: (PostOffice | Sender)[] = [];
after(() => Promise.all(open.map((one) => one.close())));

async function office(...options: Parameters<typeof openPostOffice>): Promise<PostOffice> {
  const opened = await openPostOffice(...options);
  open.push(opened);
  return opened;
}

function sender({ port }: PostOffice, config: Partial<SmtpSender> = {}): Sender {
  const made = smtpSender({
    host: "127.0.0.1",
    port,
    secure: false,
    auth: undefined,
    from: { name: "Poolhouse", address: "no-reply@house.example" },
    mustEncrypt: true,
    ca: localhostPem,
    ...config,
  });
  open.push(made);
  return made;
}

let count = 0;
const message = (change: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  id: `message-${++count}`,
  poolId: "us-east-1_POOL",
  kind: "sign-up",
  medium: "EMAIL",
  destination: "alice@mail.example",
  subject: "Your code",
  text: "Your code is 123456",
  html: "<p>Your code is 123456</p>",
  from: undefined,
  replyTo: undefined,
  createdAt: Date.UTC(2026, 0, 2, 3, 4, 5),
  ...change,
});

/** What the caller is told holds neither an address nor the message. */
async function failsWith(sending: Promise<unknown>, pattern: RegExp, final = false): Promise<void> {
  await assert.rejects(sending, (error: Error) => {
    assert.match(error.message, pattern);
    assert.equal(error instanceof Undeliverable, final, error.message);
    assert.doesNotMatch(JSON.stringify(describeError(error)), /alice|123456|secret/);
    return true;
  });
}

test("a machine without a domain name introduces itself by that of the public URL, or by an address", async () => {
  const post = await office();
  for (const [clientName, otherwise] of [
    ["id.example.com", "id.example.com"],
    [undefined, "[127.0.0.1]"],
  ] as const) {
    await sender(post, { ...(clientName && { clientName }) }).send(message());
    const name = hostname().includes(".") ? hostname() : otherwise;
    assert.equal(post.mails.at(-1)?.client, name);
  }
});

test("a mail is encrypted, says who sent it when, and is there as text and as HTML", async () => {
  const post = await office();
  await sender(post).send(
    message({
      id: "0123abcd",
      subject: "Ihr Bestätigungscode für „Übung“ ✉",
      text: "Grüße, Zoë & Co.\nCode: 123456\nHier (https://x.example/?a=1&b=2)",
      html: '<p>Grüße, <b>Zoë</b> &amp; Co.</p>Code: 123456<br><a href="https://x.example/?a=1&amp;b=2">Hier</a>',
      from: { name: "Übungs-Pool, GmbH", address: "pool@other.example" },
      replyTo: "help@other.example",
    }),
  );
  const [mail = assert.fail("no mail"), ...more] = post.mails;
  assert.equal(more.length, 0);
  assert.equal(mail.encrypted, true);
  assert.equal(mail.from, "pool@other.example");
  assert.deepEqual(mail.to, ["alice@mail.example"]);
  assert.equal(mail.headers.get("subject"), "Ihr Bestätigungscode für „Übung“ ✉");
  assert.match(mail.headers.get("from") ?? "", /^"?Übungs-Pool, GmbH"? <pool@other\.example>$/);
  assert.equal(mail.headers.get("to"), "alice@mail.example");
  assert.equal(mail.headers.get("reply-to"), "help@other.example");
  assert.equal(mail.headers.get("message-id"), "<0123abcd@other.example>");
  assert.equal(mail.headers.get("date"), "Fri, 02 Jan 2026 03:04:05 +0000");
  assert.equal(mail.headers.get("auto-submitted"), "auto-generated");
  assert.match(mail.headers.get("content-type") ?? "", /^multipart\/alternative/);
  assert.equal(mail.text, "Grüße, Zoë & Co.\nCode: 123456\nHier (https://x.example/?a=1&b=2)");
  assert.match(mail.html, /^<p>Grüße, <b>Zoë<\/b>/);
});

test("a server that offers no encryption gets nothing, unless that is allowed", async () => {
  const post = await office({ disabledCommands: ["STARTTLS"] });
  await failsWith(sender(post).send(message()), /SMTP server/);
  assert.equal(post.mails.length, 0);
  await sender(post, { mustEncrypt: false, ca: undefined }).send(message());
  assert.equal(post.mails[0]?.encrypted, false);
});

test("a certificate that proves nothing is refused, unless plain text would do as well", async () => {
  const post = await office();
  await failsWith(sender(post, { ca: undefined }).send(message()), /ETLS|ESOCKET|CERT/);
  assert.equal(post.mails.length, 0);
  await sender(post, { mustEncrypt: false, ca: undefined }).send(message());
  assert.equal(post.mails[0]?.encrypted, true);
});

test("smtps is TLS from the start", async () => {
  const post = await office({ secure: true });
  await sender(post, { secure: true, host: "localhost" }).send(message());
  assert.equal(post.mails[0]?.encrypted, true);
  await failsWith(sender(post, { secure: true, ca: undefined }).send(message()), /SMTP server/);
});

test("a wrong password is no fault of the message", async () => {
  const post = await office();
  post.user = { name: "poolhouse", password: "secret 1" };
  const wrong = sender(post, { auth: { user: "poolhouse", pass: "secret 2" } });
  await failsWith(wrong.send(message()), /answered 535 5\.7\.8 to AUTH/);
  await failsWith(wrong.verify(), /answered 535/);
  await failsWith(sender(post).send(message()), /answered 530 5\.7\.0 to MAIL FROM/);
  const right = sender(post, { auth: { user: "poolhouse", pass: "secret 1" } });
  await right.verify();
  await right.send(message());
  assert.equal(post.mails.length, 1);
});

test("4xx may be tried again, and so may 5xx of the sender; 5xx of the recipient or the content never", async () => {
  const post = await office();
  const by = sender(post);
  post.answer = () => "451 4.3.0 later";
  await failsWith(by.send(message()), /answered 451 4\.3\.0 to RCPT TO/);
  post.answer = () => "550 5.1.1 no such user";
  await failsWith(by.send(message()), /answered 550 5\.1\.1 to RCPT TO/, true);
  // What Postfix holds against a sender it says of the recipient.
  for (const answer of [
    "553 5.7.1 Sender address rejected",
    "554 5.7.1 Relay access denied",
    "550 5.1.8 no domain",
  ]) {
    post.answer = () => answer;
    await failsWith(by.send(message()), new RegExp(`answered ${answer.slice(0, 9)} to RCPT TO`));
  }
  post.answer = () => undefined;
  await by.send(message());
  assert.equal(post.mails.length, 1);
});

test("what would be a line of the protocol or a header of its own goes nowhere", async () => {
  const post = await office();
  const by = sender(post);
  for (const destination of [
    "alice@mail.example\r\nRCPT TO:<bob@mail.example>",
    "alice@mail.example, bob@mail.example",
    "<alice@mail.example>",
    "Alice <alice@mail.example>",
    "alice@mail.example\0",
    "alice",
  ]) {
    await failsWith(by.send(message({ destination })), /malformed/, true);
  }
  assert.equal(post.connections, 0);
  await by.send(
    message({
      subject: "a\r\nBcc: bob@mail.example\r\n\r\nbody",
      from: { name: "x\r\nBcc: bob@mail.example", address: "pool@other.example" },
      replyTo: "help@other.example\r\nBcc: bob@mail.example",
    }),
  );
  const [mail = assert.fail("no mail")] = post.mails;
  assert.deepEqual(mail.to, ["alice@mail.example"]);
  assert.ok(!mail.headers.has("bcc"));
  assert.ok(!mail.headers.has("reply-to"));
  assert.doesNotMatch(mail.raw, /^bcc:/im);
});

test("a subject keeps the characters that join emoji and letters", async () => {
  const post = await office();
  const subject = "Code \u{1f469}\u200d\u{1f4bb} می\u200cخواهم";
  await sender(post).send(message({ subject }));
  assert.equal(post.mails[0]?.headers.get("subject"), subject);
});

test("addresses may be international", async () => {
  const post = await office();
  await sender(post).send(message({ destination: "zoë@bücher.example" }));
  assert.match(post.mails[0]?.to[0] ?? "", /^zoë@(?:bücher|xn--bcher-kva)\.example$/);
});

test("text messages have no sender", async () => {
  const post = await office();
  await failsWith(sender(post).send(message({ medium: "SMS", destination: "+15550100" })), /SMS/, true);
  assert.equal(post.connections, 0);
});

test("a connection serves several messages, and one that broke is replaced", async () => {
  const post = await office();
  const by = sender(post);
  await by.send(message());
  await by.send(message());
  assert.equal(post.connections, 1);
  await post.close();
  await failsWith(by.send(message()), /ECONNREFUSED|ESOCKET|ECONNECTION/);
  await post.open();
  await by.send(message());
  assert.equal(post.mails.length, 3);
});
