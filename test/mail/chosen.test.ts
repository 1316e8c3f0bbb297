/** Senders through the whole program: which one a pool's messages leave by, and what becomes of them when it has its moods. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  ConfirmSignUpCommand,
  SignUpCommand,
  UpdateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { stringify } from "yaml";
import { createAccessKey } from "../../src/domain/iam/access-keys.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { makePool, newAddress, password, refused, signIn, unique } from "../kit/people.ts";
import { newSdk } from "../kit/sdk.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { awsKey, awsRegion, kinds } from "./senders.ts";
import { openHttpSink } from "./sink.ts";

const ownPool = "us-east-1_Own000001";
const [ses, sns] = await Promise.all([kinds.ses.open(), kinds.sns.open()]);
const own = await openHttpSink(() => ({ status: 202 }));
after(() => Promise.all([ses, sns, own].map((one) => one.close())));

const key = {
  ...{ region: awsRegion, "access-key-id": awsKey.accessKeyId },
  "secret-access-key": awsKey.secretAccessKey,
};
const config = join(temporaryFolder(), "poolhouse.yaml");
writeFileSync(
  config,
  stringify({
    senders: {
      mail: { type: "ses", endpoint: `http://127.0.0.1:${ses.port}`, ...key, from: "a@mail-house.example" },
      text: { type: "sns", endpoint: `http://127.0.0.1:${sns.port}`, ...key },
      own: {
        ...{ type: "http", url: own.url, from: "Own <a@own-house.example>" },
        secret: `whsec_${Buffer.alloc(32, 7).toString("base64")}`,
      },
    },
    messages: { email: "mail", sms: "text", pools: { [ownPool]: { email: "own" } } },
  }),
);

async function signUp(
  { client }: TestServer,
  ClientId: string,
  attribute: string,
  value: string,
): Promise<string> {
  const Username = unique("ada");
  const UserAttributes = [{ Name: attribute, Value: value }];
  await client.send(new SignUpCommand({ ClientId, Username, Password: password, UserAttributes }));
  return Username;
}

async function confirm(server: TestServer, ClientId: string, Username: string, text: string): Promise<void> {
  const [ConfirmationCode = assert.fail(`no code in ${text}`)] = /\b\d{6}\b/.exec(text) ?? [];
  await server.client.send(new ConfirmSignUpCommand({ ClientId, Username, ConfirmationCode }));
  await signIn(server, ClientId, Username);
}

/** An access key that may change pools, and has no permission of Poolhouse's own. */
async function limitedTo(server: TestServer) {
  const Statement = [{ Effect: "Allow", Action: "cognito-idp:*", Resource: "*" }];
  const policy = JSON.stringify({ Version: "2012-10-17", Statement });
  const credentials = await createAccessKey(server.app, "team", policy);
  return newSdk(server.endpoint, { credentials, systemClockOffset: server.clock.now - Date.now() });
}

forOneServer(
  "sqlite",
  "chosen senders",
  (open) => {
    test("mail leaves by the sender of mail, with what the pool says of Amazon SES", async () => {
      const server = await open();
      const { ClientId } = await makePool(server, {
        AutoVerifiedAttributes: ["email"],
        EmailConfiguration: { From: "Pool <pool@mail-house.example>", ConfigurationSet: "of-the-pool" },
      });
      const email = newAddress();
      const Username = await signUp(server, ClientId, "email", email);
      await until("the mail has come", () => ses.arrived.some(({ to }) => to === email));
      const mail = ses.arrived.find(({ to }) => to === email) ?? assert.fail("no mail");
      assert.match(mail.text, /^From: Pool <pool@mail-house\.example>$/m);
      assert.equal(mail.configurationSet, "of-the-pool");
      await confirm(server, ClientId, Username, mail.text.split(/\r\n\r\n(.*)/s)[1] ?? "");
    });

    test("a text message leaves by the sender of text messages", async () => {
      const server = await open();
      const { ClientId } = await makePool(server, { AutoVerifiedAttributes: ["phone_number"] });
      const number = `+4930${String(Date.now()).slice(-8)}`;
      const Username = await signUp(server, ClientId, "phone_number", number);
      await until("the text message has come", () => sns.arrived.some(({ to }) => to === number));
      const sms = sns.arrived.find(({ to }) => to === number) ?? assert.fail("no text message");
      await confirm(server, ClientId, Username, new URLSearchParams(sms.text).get("Message") ?? "");
    });

    test("a pool with a sender of its own uses that one", async () => {
      const server = await open();
      const { ClientId } = await makePool(server, {
        AutoVerifiedAttributes: ["email"],
        UserPoolTags: { _custom_id_: ownPool },
      });
      const email = newAddress();
      const Username = await signUp(server, ClientId, "email", email);
      await until("it was posted", () => own.taken.some(({ body }) => body.includes(email)));
      const documents = own.taken.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
      const posted = documents.find(({ to }) => to === email) ?? assert.fail("nothing was posted");
      assert.deepEqual(posted["from"], { name: "Own", address: "a@own-house.example" });
      assert.deepEqual([posted["userPoolId"], posted["medium"]], [ownPool, "EMAIL"]);
      assert.ok(!ses.arrived.some(({ to }) => to === email));
      await confirm(server, ClientId, Username, String(posted["text"]));
    });

    test("a service that throttles is told to the caller, and the message comes when it may", async () => {
      const server = await open();
      const { ClientId } = await makePool(server, { AutoVerifiedAttributes: ["email"] });
      const email = newAddress();
      ses.mood = "throttles";
      await assert.rejects(signUp(server, ClientId, "email", email), refused("CodeDeliveryFailureException"));
      ses.mood = "accepts";
      // Left alone for seven seconds: another's message waits, too, and nobody waits for it.
      const other = newAddress();
      await signUp(server, ClientId, "email", other);
      assert.ok(!ses.arrived.some(({ to }) => to === other));
      server.clock.advance(8_000);
      await until("both have come", () =>
        [email, other].every((address) => ses.arrived.some(({ to }) => to === address)),
      );
    });

    test("each sender's own domain is the server's, and others need a permission", async () => {
      const server = await open();
      const { UserPoolId } = await makePool(server, { AutoVerifiedAttributes: ["email"] });
      const limited = await limitedTo(server);
      const set = (From: string) =>
        limited.send(new UpdateUserPoolCommand({ UserPoolId, EmailConfiguration: { From } }));
      await set("x@mail-house.example");
      await set("x@own-house.example");
      await assert.rejects(set("x@elsewhere.example"), refused("AccessDeniedException"));
      limited.destroy();
    });
  },
  { POOLHOUSE_CONFIG: config },
);
