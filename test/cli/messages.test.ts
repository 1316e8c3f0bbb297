/** The sections `senders` and `messages`: what docs/messages.md shows starts, what is wrong is named; `messages test` and doctor. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash, createVerify, generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { ConfigError, loadConfig } from "../../src/config/config.ts";
import { startServer } from "../../src/server.ts";
import { main } from "../kit/child.ts";
import { compileCache } from "../kit/compile-cache.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { watchErrors } from "../kit/declared-errors.ts";
import { besideTests } from "../kit/server.ts";
import { localhostPem, openPostOffice } from "../mail/post-office.ts";
import { openHttpSink } from "../mail/sink.ts";

const rsa = (modulusLength: number) =>
  generateKeyPairSync("rsa", {
    modulusLength,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
const { privateKey: dkimKey, publicKey: dkimPublicKey } = rsa(2048);
const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

/** A folder with what the examples name. */
function folderWith(section: string): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "secrets"));
  const files = {
    ...{ "smtp-password": "hush 1\n", "dkim.pem": dkimKey, "ses-key": "hush", "sns-key": "hush" },
    ...{ twilio: "hush", messages: secret, empty: "\n" },
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, "secrets", name), content);
  writeFileSync(join(folder, "secrets", "small.pem"), rsa(1024).privateKey);
  writeFileSync(
    join(folder, "secrets", "ed25519.pem"),
    generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }),
  );
  writeFileSync(join(folder, "authorities.pem"), localhostPem);
  const file = join(folder, "poolhouse.yaml");
  writeFileSync(file, section);
  return file;
}

const load = (file: string, env: Readonly<Record<string, string>> = {}) =>
  loadConfig(["--config", file], { PATH: "/bin", ...env });

const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "messages.md"), "utf8");
const examples = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => text!);

test("docs/messages.md has an example of each type of sender", () => {
  const types = examples.flatMap((text) => load(folderWith(text)).messages.senders.map(({ type }) => type));
  assert.deepEqual([...new Set(types)].sort(), ["http", "ses", "smtp", "sns", "twilio"]);
});

for (const [at, text] of examples.entries()) {
  test(`example ${at + 1} of docs/messages.md starts a server`, async () => {
    const file = folderWith(text);
    const config = loadConfig(["--config", file, "--data", dirname(file), "--port", "0"], {});
    const { log } = watchErrors(undefined);
    const server = await startServer(config, { log, ...besideTests });
    assert.equal(server.app.senders.keepsInbox, false);
    await server.close();
  });
}

const senders = {
  mail: { type: "smtp", url: "smtp://mail.example", from: "a@b.example" },
  text: { type: "sns", region: "eu-west-1" },
};
const twilio = { type: "twilio", "account-sid": "AC1", "auth-token": "hush", from: "+15550100" };
const http = { type: "http", url: "https://m.example", secret };
const dkim = (file: string) => ({
  ...senders.mail,
  dkim: { domain: "b.example", selector: "one", "key-file": `secrets/${file}` },
});

/** Each way to be wrong, and what the error says. */
const wrong: readonly (readonly [senders: object, messages: object | undefined, RegExp])[] = [
  [{ a: {} }, {}, /line 2: senders\.a needs type: one of smtp, ses, sns, twilio, http/],
  [{ a: { type: "smpt" } }, {}, /line 3: senders\.a\.type must be one of/],
  [{ a: { ...senders.mail, form: 1 } }, {}, /senders\.a\.form is unknown: did you mean from\?/],
  [{ a: { type: "smtp", from: "a@b.example" } }, {}, /senders\.a needs url/],
  [{ a: { type: "smtp", url: "mail.example:25", from: "a@b.example" } }, {}, /a\.url must be smtp/],
  [{ a: { type: "smtp", url: "smtp://mail.example" } }, {}, /senders\.a needs from/],
  [{ a: { ...senders.mail, user: "hush" } }, {}, /a\.user needs password or password-file/],
  [{ a: { ...senders.mail, password: "hush" } }, {}, /senders\.a has a password, and needs user/],
  [
    { a: { ...senders.mail, url: "smtp://u:hush@m.example", user: "u", password: "hush" } },
    {},
    /also in url/,
  ],
  [
    { a: { ...senders.mail, user: "u", password: "hush", "password-file": "x" } },
    {},
    /leave one of them out/,
  ],
  [
    { a: { ...senders.mail, user: "u", "password-file": "none" } },
    {},
    /password-file cannot be read: there is no such file/,
  ],
  [{ a: { ...senders.mail, user: "u", "password-file": "secrets/empty" } }, {}, /password-file is empty/],
  [{ a: { ...senders.mail, ca: "secrets/dkim.pem" } }, {}, /a\.ca must hold certificates/],
  [{ a: dkim("small.pem") }, {}, /a\.dkim\.key-file must hold a private key \(PEM\) of RSA, of 2048 bits/],
  [{ a: dkim("ed25519.pem") }, {}, /key-file must hold a private key \(PEM\) of RSA/],
  [{ a: dkim("twilio") }, {}, /key-file must hold a private key/],
  [{ a: { ...senders.mail, dkim: { domain: "b.example" } } }, {}, /a\.dkim needs selector/],
  [{ a: { type: "ses", from: "a@b.example" } }, {}, /senders\.a needs region/],
  [{ a: { type: "ses", region: "eu-west-1" } }, {}, /senders\.a needs from/],
  [{ a: { ...senders.text, "access-key-id": "AKIA" } }, {}, /access-key-id needs secret-access-key with it/],
  [
    { a: { ...senders.text, endpoint: "http://sns.example" } },
    {},
    /endpoint must begin with https: messages contain codes/,
  ],
  [{ a: { ...senders.text, "max-price": "much" } }, {}, /max-price must be a number of US dollars/],
  [{ a: { ...twilio, "auth-token": undefined } }, {}, /senders\.a needs auth-token, or api-key-sid/],
  [{ a: { ...twilio, from: undefined } }, {}, /senders\.a needs from or messaging-service-sid/],
  [{ a: { ...twilio, "messaging-service-sid": "MG1" } }, {}, /a\.from is given with messaging-service-sid/],
  [{ a: { ...twilio, "account-sid": "hush" } }, {}, /account-sid must be the SID/],
  [{ a: { ...http, secret: undefined } }, {}, /senders\.a needs secret or secret-file/],
  [{ a: { ...http, secret: "hush" } }, {}, /a\.secret must be whsec_/],
  [{ a: { ...http, url: "http://m.example" } }, {}, /a\.url must begin with https/],
  [{ "a b": http }, {}, /must be a name of letters/],
  [senders, undefined, /senders needs the section messages/],
  [senders, { mail: "mail" }, /messages\.mail is unknown: did you mean email\?/],
  [senders, { email: "mial" }, /messages\.email names no sender: did you mean mail\?/],
  [senders, { email: "text" }, /messages\.email names text, which sends text messages only/],
  [senders, { sms: "mail" }, /messages\.sms names mail, which sends mail only/],
  [
    senders,
    { pools: { nowhere: { email: "mail" } } },
    /messages\.pools\.nowhere must be the id of a user pool/,
  ],
  [
    senders,
    { pools: { "a-1_b": { email: "other" } } },
    /pools\.a-1_b\.email names no sender: there are mail, text/,
  ],
];

for (const [at, [given, messages, expected]] of wrong.entries()) {
  test(`mistake ${at + 1} refuses to start: ${expected.source}`, () => {
    const file = folderWith(stringify({ senders: given, ...(messages && { messages }) }));
    assert.throws(
      () => load(file),
      (error: Error) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.match(error.message, expected);
        assert.match(error.message, /poolhouse\.yaml, line \d+: .*[^.?][.?]$/);
        assert.doesNotMatch(error.message, /hush/);
        return true;
      },
    );
  });
}

test("a mail server of the settings is the sender smtp, beside those of the file", () => {
  const env = { POOLHOUSE_SMTP_URL: "smtp://m.example", POOLHOUSE_SMTP_FROM: "c@d.example" };
  const of = (messages: object) => load(folderWith(stringify({ senders, messages })), env).messages;
  assert.equal(of({ sms: "text" }).email, "smtp");
  assert.equal(of({ email: "mail" }).email, "mail");
  const pools = { "a-1_b": { email: "smtp" } };
  assert.deepEqual(of({ email: "mail", sms: "text", pools }).pools.get("a-1_b"), {
    email: "smtp",
    sms: "text",
  });
  const twice = folderWith(stringify({ senders: { smtp: senders.mail }, messages: { email: "smtp" } }));
  assert.equal(load(twice).messages.email, "smtp");
  assert.throws(
    () => load(twice, env),
    /senders\.smtp is the name of the sender that the smtp settings make/,
  );
});

test("a text that looks like a number keeps all that is written", () => {
  const { senders: found } = load(
    folderWith(`senders:
  text: { type: sns, region: eu-west-1, entity-id: 1101234567890123456, max-price: 0.50 }
  other: { type: twilio, account-sid: AC${"1".repeat(32)}, auth-token: 0123, from: +15550100 }
  mail: { type: smtp, url: "smtp://127.0.0.1", from: a@b.example, user: 007, password: 1e3 }
messages: { email: mail, sms: text }
`),
  ).messages;
  const [text, other, mail] = found;
  assert.ok(text?.type === "sns" && other?.type === "twilio" && mail?.type === "smtp");
  assert.deepEqual([text.entityId, text.maxPrice], ["1101234567890123456", "0.50"]);
  assert.deepEqual([other.password, other.by], ["0123", { From: "+15550100" }]);
  assert.deepEqual(mail.auth, { user: "007", pass: "1e3" });
});

const office = await openPostOffice();
office.user = { name: "poolhouse", password: "hush 1" };
const sink = await openHttpSink(() => ({ status: 202 }));
after(() => Promise.all([office.close(), sink.close()]));

const local = {
  senders: {
    office: {
      ...{ type: "smtp", url: `smtp://127.0.0.1:${office.port}`, user: "poolhouse" },
      ...{ "password-file": "secrets/smtp-password", from: "a@b.example", dkim: dkim("dkim.pem").dkim },
    },
    own: { type: "http", url: `${sink.url}/in?token=hush`, "secret-file": "secrets/messages" },
  },
  messages: { email: "office", sms: "own", pools: { "eu-west-1_gone": { email: "own" } } },
};

/** Whether a mail has a valid signature of DKIM (RFC 6376), relaxed in head and body. */
function isSigned(raw: string, publicKey: string): boolean {
  const [head = "", body = ""] = raw.split(/\r\n\r\n(.*)/s);
  const headers = head.split(/\r\n(?![ \t])/).map((line) => {
    const [name = "", value = ""] = line.split(/:(.*)/s);
    const relaxed = value
      .replace(/\r\n/g, "")
      .replace(/[ \t]+/g, " ")
      .trim();
    return [name.trim().toLowerCase(), relaxed] as const;
  });
  const signature = headers.find(([name]) => name === "dkim-signature")?.[1] ?? "";
  const tag = (name: string) =>
    new RegExp(`(?:^|;) ?${name}=([^;]*)`).exec(signature)?.[1]?.replaceAll(" ", "") ?? "";
  const lines = body.split("\r\n").map((line) => line.replace(/[ \t]+/g, " ").trimEnd());
  const relaxedBody = `${lines.join("\r\n").replace(/(?:\r\n)+$/, "")}\r\n`;
  if (createHash("sha256").update(relaxedBody).digest("base64") !== tag("bh")) return false;
  const signed = tag("h")
    .split(":")
    .flatMap((name) => headers.filter(([one]) => one === name.toLowerCase()).map((one) => one.join(":")));
  const own = `dkim-signature:${signature.replace(/( b=)[^;]*/, "$1").trim()}`;
  const text = [...signed, own].join("\r\n");
  return createVerify("RSA-SHA256").update(text).verify(publicKey, tag("b"), "base64");
}

const withLocal = () => folderWith(stringify(local));

async function poolhouse(...argv: string[]) {
  return poolhouseWith(withLocal(), ...argv);
}

async function poolhouseWith(file: string, ...argv: string[]) {
  const all = [main, ...argv, "--config", file, "--data", dirname(file)];
  const run = promisify(execFile)(process.execPath, all, {
    env: { ...compileCache, PATH: process.env["PATH"] },
  });
  return run.then(
    (said) => ({ ...said, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
}

test("messages test sends one by each sender that can, and prints the conversation without secrets", async () => {
  const { stdout, code } = await poolhouse("messages", "test", "--to", "ada@mail.example");
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^the sender office \(smtp at 127\.0\.0\.1:\d+\):$/m);
  assert.match(stdout, /^ {2}> RCPT TO:<ada@mail\.example>$/m);
  assert.match(stdout, /^ {2}> AUTH PLAIN …$/m);
  assert.match(stdout, /^ {2}< 250 .*$/m);
  assert.match(stdout, /^ {2}> POST http:\/\/127\.0\.0\.1:\d+\/in\?…$/m);
  assert.match(stdout, /^ {2}< 202$/m);
  assert.equal(stdout.match(/^sent$/gm)?.length, 2);
  const plain = Buffer.from("\0poolhouse\0hush 1").toString("base64");
  assert.ok(!stdout.includes(plain) && !/hush|whsec|v1,/.test(stdout), stdout);
  const [mail = assert.fail("no mail")] = office.to("ada@mail.example");
  assert.ok(isSigned(mail.raw, dkimPublicKey));
  assert.ok(!isSigned(mail.raw.replace("messages arrive", "messages arrived"), dkimPublicKey));
  assert.ok(!isSigned(mail.raw.replace("A test of", "A quiz of"), dkimPublicKey));
});

test("credentials of Amazon SES may come from the environment", async () => {
  const ses = await openHttpSink(() => ({ status: 200, body: '{"MessageId":"1"}' }));
  const mail = { type: "ses", region: "eu-west-1", endpoint: ses.url, from: "a@b.example" };
  const file = folderWith(stringify({ senders: { mail }, messages: { email: "mail" } }));
  const argv = [main, "messages", "test", "--to", "a@b.example", "--config", file];
  const nothing = { AWS_EC2_METADATA_DISABLED: "true", HOME: dirname(file) };
  const run = (env: Readonly<Record<string, string>>) =>
    promisify(execFile)(process.execPath, argv, { env: { ...compileCache, ...nothing, ...env } }).catch(
      (error: { stdout: string }) => error,
    );
  const right = await run({ AWS_ACCESS_KEY_ID: "AKIAENV", AWS_SECRET_ACCESS_KEY: "hush" });
  assert.match(right.stdout, /^ {2}> POST .*\/v2\/email\/outbound-emails\n {2}< 200\nsent$/m);
  assert.match(ses.taken[0]?.headers.authorization ?? "", /Credential=AKIAENV\//);
  const none = await run({});
  assert.match(none.stdout, /FAILED: Amazon SES cannot be used: there are no credentials/);
  await ses.close();
});

test("messages test says what failed, and ends with 1", async () => {
  sink.answer = () => ({ status: 410 });
  const { stdout, code } = await poolhouse("messages", "test", "--to", "+15550100");
  sink.answer = () => ({ status: 202 });
  assert.equal(code, 1);
  assert.match(stdout, /FAILED: The receiver of messages answered 410\. No repetition would help\./);
  const one = await poolhouse("messages", "test", "--to", "a@b.example", "--sender", "own");
  assert.deepEqual([one.code, /office/.test(one.stdout)], [0, false]);
  const pool = await poolhouse("messages", "test", "--to", "a@b.example", "--pool", "eu-west-1_gone");
  assert.deepEqual([pool.code, /office/.test(pool.stdout)], [0, false]);
});

test("messages test says where users' messages go otherwise", async () => {
  const file = withLocal();
  const argv = ["messages", "test", "--sms-countries", "DE", "--to"];
  const left = await poolhouseWith(file, ...argv, "+12025550123");
  assert.match(left.stdout, /^sms-countries does not list the country of this number/);
  const listed = await poolhouseWith(file, ...argv, "+4915112345678");
  assert.doesNotMatch(listed.stdout, /sms-countries|messages\.pools/);
  const pool = await poolhouseWith(file, ...argv, "a@b.example", "--pool", "eu-west-1_other");
  assert.match(pool.stdout, /^messages\.pools does not name eu-west-1_other: .*\nthe sender office /);
});

test("wrong usage of messages is told", async () => {
  for (const [argv, expected, status] of [
    [["tset"], /no action tset\. Did you mean test/, 2],
    [["test"], /--to is missing/, 2],
    [["test", "--to", "nobody"], /--to must be a mail address, or a number/, 2],
    [["test", "--to", "a@b.example", "--sender", "offcie"], /no sender offcie: did you mean office/, 1],
    [["test", "--to", "+15550100", "--sender", "office"], /office does not send text messages/, 1],
  ] as const) {
    const { stderr, code } = await poolhouse("messages", ...argv);
    assert.match(stderr, expected);
    assert.equal(code, status, stderr);
  }
});

test("doctor asks each sender, and knows pools that do not exist", async () => {
  const file = withLocal();
  await poolhouseWith(file, "migrate");
  const first = await poolhouseWith(file, "doctor");
  assert.match(
    first.stdout,
    /^warn {2}messages\.pools names the pool eu-west-1_gone, which does not exist$/m,
  );
  assert.match(
    first.stdout,
    /^ok {4}the sender office \(smtp at 127\.0\.0\.1:\d+\) answers and lets Poolhouse in/m,
  );
  assert.match(first.stdout, /^ok {4}the sender own \(http at http:\/\/127\.0\.0\.1:\d+\/in\?…\) answers$/m);
  office.user = { name: "poolhouse", password: "another" };
  const second = await poolhouse("doctor");
  office.user = { name: "poolhouse", password: "hush 1" };
  assert.match(second.stdout, /^FAIL {2}the sender office \(smtp at .* answered 535/m);
  assert.doesNotMatch(first.stdout + second.stdout, /hush/);
});
