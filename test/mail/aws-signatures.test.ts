/** Amazon SES and Amazon SNS verify each request: what a wrong key, region or endpoint comes to, from the call to the log. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { SignUpCommand } from "@aws-sdk/client-cognito-identity-provider";
import { stringify } from "yaml";
import { userAgent } from "../../src/config/version.ts";
import { type OutgoingMessage, Throttled, Undeliverable } from "../../src/integrations/senders/sender.ts";
import { openSender } from "../../src/integrations/senders/senders.ts";
import type { SenderSettings } from "../../src/lib/sender-settings.ts";
import { runWith } from "../cli/program.ts";
import { forEachDatabase, temporaryFolder } from "../kit/databases.ts";
import type { LogLine } from "../kit/declared-errors.ts";
import { makePool, newAddress, password, unique } from "../kit/people.ts";
import { startTestServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { awsKey, awsRegion, kinds } from "./senders.ts";

const services = { ses: await kinds.ses.open(), sns: await kinds.sns.open() };
after(() => Promise.all(Object.values(services).map((one) => one.close())));

type Type = keyof typeof services;
const names = { ses: "Amazon SES", sns: "Amazon SNS" } as const;
const other = { ses: "sns", sns: "ses" } as const satisfies Record<Type, Type>;

const message = (type: Type): OutgoingMessage => ({
  ...{ id: unique("message"), poolId: "us-east-1_POOL", kind: "sign-up", medium: kinds[type].medium },
  destination: type === "ses" ? "alice@mail.example" : "+15550100",
  ...{ subject: type === "ses" ? "Your code" : "", text: "Your code is 123456", html: undefined },
  ...{ from: undefined, replyTo: undefined, createdAt: Date.UTC(2026, 0, 2, 3, 4, 5) },
});

/** What a sender with other settings than its service knows says when it sends, and when it is asked. */
async function failuresOf(type: Type, change: object, at: Type = type): Promise<readonly [Error, Error]> {
  const settings = { ...kinds[type].settings(services[at].port), ...change } as SenderSettings;
  const sender = openSender(settings, { userAgent });
  const failing = (call: Promise<unknown>) =>
    call.then(
      () => assert.fail("it was let in"),
      (error: Error) => error,
    );
  try {
    return [await failing(sender.send(message(type))), await failing(sender.verify())];
  } finally {
    await sender.close();
  }
}

const wrongSecret =
  "403 SignatureDoesNotMatch: the secret access key, the region, the endpoint or this machine's clock is wrong.";

for (const [what, change, told] of [
  ["another secret", { key: { ...awsKey, secretAccessKey: "hush-another" } }, wrongSecret],
  ["another region", { region: "us-east-1" }, wrongSecret],
  [
    "a key that does not exist",
    { key: { ...awsKey, accessKeyId: "AKIDhushed" } },
    "403 InvalidClientTokenId: there is no such access key.",
  ],
] as const)
  for (const type of ["ses", "sns"] as const)
    test(`${names[type]} with ${what}: it says so, and the message is tried again`, async () => {
      for (const error of await failuresOf(type, change)) {
        assert.equal(error.message, `${names[type]} answered ${told}`);
        assert.ok(!(error instanceof Undeliverable) && !(error instanceof Throttled));
      }
      assert.deepEqual(services[type].arrived, []);
    });

for (const type of ["ses", "sns"] as const)
  test(`${names[type]} at the endpoint of ${names[other[type]]}: it says that this is not the service`, async () => {
    for (const error of await failuresOf(type, {}, other[type])) {
      assert.equal(
        error.message,
        `${names[type]} answered 403 without naming an error: something else may have answered.`,
      );
      assert.ok(!(error instanceof Undeliverable));
    }
    assert.deepEqual(services[other[type]].arrived, []);
  });

/** A configuration file whose sender of mail is Amazon SES, by this key. */
function fileWith(secret: string): string {
  const file = join(temporaryFolder(), "poolhouse.yaml");
  const mail = {
    ...{ type: "ses", endpoint: `http://127.0.0.1:${services.ses.port}`, region: awsRegion },
    ...{ "access-key-id": awsKey.accessKeyId, "secret-access-key": secret, from: "a@mail-house.example" },
  };
  writeFileSync(file, stringify({ senders: { mail }, messages: { email: "mail" } }));
  return file;
}

test("messages test and doctor say so, too, and end with 1", async () => {
  const env = { POOLHOUSE_CONFIG: fileWith("hush-another"), POOLHOUSE_DATA: temporaryFolder() };
  const [tried, asked] = await Promise.all([
    runWith(env, "messages", "test", "--to", "ada@mail.example"),
    runWith({ ...env, POOLHOUSE_PORT: "0" }, "doctor"),
  ]);
  assert.ok(tried.stdout.includes(`\nFAILED: Amazon SES answered ${wrongSecret}\n`), tried.stdout);
  const finding = `FAIL  the sender mail (ses at http://127.0.0.1:${services.ses.port}): Amazon SES answered ${wrongSecret}\n`;
  assert.ok(asked.stdout.includes(finding), asked.stdout);
  assert.deepEqual([tried.code, asked.code], [1, 1]);
  assert.doesNotMatch(Object.values({ ...tried, ...asked }).join(), /hush|Signature=/);
});

forEachDatabase((database, _open, fresh) => {
  test("a message that a wrong secret held up is logged, and comes once the secret is right", async () => {
    const lines: LogLine[] = [];
    const config = fileWith(awsKey.secretAccessKey);
    const { test: server, server: running } = await startTestServer(
      database,
      fresh,
      { POOLHOUSE_CONFIG: config },
      {},
      (line) => lines.push(line),
    );
    try {
      const { ClientId } = await makePool(server, { AutoVerifiedAttributes: ["email"] });
      const email = newAddress();
      // The account's secret was changed, and later put back.
      services.ses.mood = "denies";
      const signUp = server.client.send(
        new SignUpCommand({
          ...{ ClientId, Username: unique("ada"), Password: password },
          UserAttributes: [{ Name: "email", Value: email }],
        }),
      );
      // A caller whose message takes longer than two seconds is not told.
      const told = await signUp.then(
        () => undefined,
        (error: Error) => error.name,
      );
      assert.ok(told === undefined || told === "CodeDeliveryFailureException", told);
      const failureIn = () => lines.find(({ msg }) => msg === "a message could not be delivered");
      await until("it is logged", () => failureIn() !== undefined);
      const failure = failureIn();
      assert.ok(
        JSON.stringify(failure).includes(`Amazon SES answered ${wrongSecret}`),
        JSON.stringify(failure),
      );
      assert.doesNotMatch(JSON.stringify(lines), new RegExp(`hush|${email}`));
      services.ses.mood = "accepts";
      server.clock.advance(6_000);
      await until("the mail has come", () => services.ses.arrived.some(({ to }) => to === email));
    } finally {
      services.ses.mood = "accepts";
      server.client.destroy();
      await running.close();
    }
  });
});
