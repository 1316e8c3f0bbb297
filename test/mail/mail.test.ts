/** Mail through the whole program: what a sign-up sends, and what becomes of it when the server has its moods. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import {
  AdminCreateUserCommand,
  AdminGetUserCommand,
  ConfirmSignUpCommand,
  SignUpCommand,
  UpdateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { userAgent } from "../../src/config/version.ts";
import { newMessage, queueMessage } from "../../src/domain/messages/queue.ts";
import { startOutboxWorker } from "../../src/domain/messages/worker.ts";
import { openSenders } from "../../src/integrations/senders/senders.ts";
import { listAuditEvents } from "../../src/store/audit.ts";
import { inTransaction } from "../../src/store/db.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { makePool, newAddress, password, refused, signIn } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { openPostOffice } from "./post-office.ts";

const office = await openPostOffice();
office.user = { name: "poolhouse", password: "p@ss word" };
after(() => office.close());

const environment = {
  POOLHOUSE_SMTP_URL: `smtp://poolhouse:p%40ss%20word@127.0.0.1:${office.port}`,
  POOLHOUSE_SMTP_FROM: "Poolhouse <no-reply@house.example>",
};

const mailPool = (server: TestServer) => makePool(server, { AutoVerifiedAttributes: ["email"] });

function signUp({ client }: TestServer, ClientId: string, email: string) {
  return client.send(
    new SignUpCommand({
      ClientId,
      Username: email.split("@")[0],
      Password: password,
      UserAttributes: [{ Name: "email", Value: email }],
    }),
  );
}

async function confirm({ client }: TestServer, ClientId: string, email: string): Promise<void> {
  await until("the mail has come", () => office.to(email).length > 0);
  const [mail = assert.fail("no mail")] = office.to(email);
  const [code = assert.fail("no code")] = /\d{6}/.exec(mail.text) ?? [];
  await client.send(
    new ConfirmSignUpCommand({ ClientId, Username: email.split("@")[0], ConfirmationCode: code }),
  );
  await signIn({ client }, ClientId, email.split("@")[0]!);
}

/** Longer than the first pause between two attempts. */
const later = 6_000;

forOneServer(
  "postgres",
  "mail",
  (open) => {
    test("signs somebody up, in the pool's words, and there is no inbox", async () => {
      const server = await open();
      const { ClientId, UserPoolId } = await mailPool(server);
      await server.client.send(
        new UpdateUserPoolCommand({
          UserPoolId,
          AutoVerifiedAttributes: ["email"],
          EmailConfiguration: {
            From: "Übungs-Pool <pool@other.example>",
            ReplyToEmailAddress: "help@other.example",
          },
          VerificationMessageTemplate: {
            EmailSubject: "Ihr Bestätigungscode",
            EmailMessage: "<p>Grüße!</p><p>Ihr Code ist <b>{####}</b></p>",
          },
        }),
      );
      const email = newAddress();
      await signUp(server, ClientId, email);
      await until("the mail has come", () => office.to(email).length > 0);
      const [mail = assert.fail("no mail"), ...more] = office.to(email);
      assert.deepEqual(more, []);
      assert.equal(mail.from, "pool@other.example");
      assert.match(mail.headers.get("from") ?? "", /Übungs-Pool/);
      assert.equal(mail.headers.get("reply-to"), "help@other.example");
      assert.equal(mail.headers.get("subject"), "Ihr Bestätigungscode");
      assert.match(mail.html, /^<p>Grüße!<\/p><p>Ihr Code ist <b>\d{6}<\/b><\/p>$/);
      assert.match(mail.text, /^Grüße!\n\nIhr Code ist \d{6}$/);
      await confirm(server, ClientId, email);
      assert.equal((await fetch(`${server.endpoint}/inbox`)).status, 404);
      assert.equal((await fetch(`${server.endpoint}/inbox/messages`)).status, 404);
    });

    test("comes from the server's sender where the pool names none; a sender that is none is refused", async () => {
      const server = await open();
      const { ClientId, UserPoolId } = await mailPool(server);
      await assert.rejects(
        server.client.send(
          new UpdateUserPoolCommand({
            UserPoolId,
            EmailConfiguration: { From: "pool@other.example\r\nBcc: bob@mail.example" },
          }),
        ),
        refused("InvalidParameterException"),
      );
      const email = newAddress();
      await signUp(server, ClientId, email);
      await until("the mail has come", () => office.to(email).length > 0);
      assert.equal(office.to(email)[0]?.headers.get("from"), "Poolhouse <no-reply@house.example>");
    });

    test("4xx is told to the caller, and the message comes later", async () => {
      const server = await open();
      const { ClientId } = await mailPool(server);
      const email = newAddress();
      office.answer = () => "451 4.3.0 later";
      await assert.rejects(signUp(server, ClientId, email), refused("CodeDeliveryFailureException"));
      office.answer = () => undefined;
      server.clock.advance(later);
      await until("the mail has come", () => office.to(email).length > 0);
      await confirm(server, ClientId, email);
    });

    test("5xx is final: told to the caller, and not tried again", async () => {
      const server = await open();
      const { ClientId, UserPoolId } = await mailPool(server);
      const email = newAddress();
      const other = newAddress();
      let asked = 0;
      office.answer = (address) => {
        if (address !== email) return undefined;
        asked += 1;
        return "550 5.1.1 no such user";
      };
      await assert.rejects(signUp(server, ClientId, email), refused("CodeDeliveryFailureException"));
      const Username = email.split("@")[0];
      const user = await server.client.send(new AdminGetUserCommand({ UserPoolId, Username }));
      assert.equal(user.UserStatus, "UNCONFIRMED");
      // What the worker does next proves that it has looked, and left the message alone.
      office.answer = (
        (refuses) => (address: string) =>
          refuses(address) ?? "451 4.3.0 later"
      )(office.answer);
      await assert.rejects(signUp(server, ClientId, other));
      const refuses = office.answer;
      office.answer = (address) => (address === email ? refuses(address) : undefined);
      server.clock.advance(later);
      await until("the mail has come", () => office.to(other).length > 0);
      office.answer = () => undefined;
      assert.equal(asked, 1);
    });

    test("a server that is down is told, and what waited comes when it is up", async () => {
      const server = await open();
      const { ClientId } = await mailPool(server);
      const email = newAddress();
      await office.close();
      try {
        await assert.rejects(signUp(server, ClientId, email), refused("CodeDeliveryFailureException"));
      } finally {
        await office.open();
      }
      server.clock.advance(later);
      await until("the mail has come", () => office.to(email).length > 0);
      await confirm(server, ClientId, email);
    });

    test("a wrong password at the mail server loses no message", async () => {
      const server = await open();
      const { ClientId } = await mailPool(server);
      const email = newAddress();
      const right = office.user;
      // A connection from before is still signed in: it goes with its server.
      await office.close();
      await office.open();
      office.user = { name: "poolhouse", password: "another" };
      await assert.rejects(signUp(server, ClientId, email), refused("CodeDeliveryFailureException"));
      office.user = right;
      server.clock.advance(later);
      await until("the mail has come", () => office.to(email).length > 0);
    });

    test("a server that says nothing holds up no sign-up, and is sent the message once", async () => {
      const server = await open();
      const { ClientId } = await mailPool(server);
      const email = newAddress();
      await office.close();
      await office.open();
      let greet = () => {};
      office.greeting = new Promise((resolve) => {
        greet = resolve;
      });
      // The answer is here although the mail server has not even greeted.
      const answer = await signUp(server, ClientId, email);
      assert.equal(answer.CodeDeliveryDetails?.DeliveryMedium, "EMAIL");
      assert.equal(office.to(email).length, 0);
      greet();
      office.greeting = Promise.resolve();
      await until("the mail has come", () => office.to(email).length > 0);
      await confirm(server, ClientId, email);
      assert.equal(office.to(email).length, 1);
    });

    test("the audit log tells of the user who was made, and of the invitation that was not delivered", async () => {
      const server = await open();
      const { UserPoolId } = await mailPool(server);
      const email = newAddress();
      office.answer = (address) => (address === email ? "550 5.1.1 no such user" : undefined);
      await assert.rejects(
        server.client.send(
          new AdminCreateUserCommand({
            UserPoolId,
            Username: "invited",
            UserAttributes: [{ Name: "email", Value: email }],
          }),
        ),
        refused("CodeDeliveryFailureException"),
      );
      office.answer = () => undefined;
      while (server.app.audit.waiting > 0) await server.app.audit.flush();
      const events = await listAuditEvents(
        server.app.db,
        { poolId: UserPoolId, operation: "AdminCreateUser" },
        { limit: 10, order: "oldest first" },
      );
      assert.deepEqual(events.map(({ result }) => result).sort(), ["CodeDeliveryFailureException", "ok"]);
      assert.equal(new Set(events.map(({ requestId }) => requestId)).size, 1);
      assert.equal(new Set(events.map(({ target }) => target)).size, 1);
    });

    test("text messages have no sender yet", async () => {
      const server = await open();
      const { ClientId } = await makePool(server, { AutoVerifiedAttributes: ["phone_number"] });
      await assert.rejects(
        server.client.send(
          new SignUpCommand({
            ClientId,
            Username: "phone",
            Password: password,
            UserAttributes: [{ Name: "phone_number", Value: "+15555550100" }],
          }),
        ),
        refused("CodeDeliveryFailureException"),
      );
    });

    test("two servers with one database send each message once", async () => {
      const { app } = await open();
      const second = { ...app, senders: openSenders(app.config.messages, { userAgent }) };
      const ctx = { app, db: app.db, random: app.random, now: app.clock() } as Parameters<
        typeof newMessage
      >[0];
      const addresses = Array.from({ length: 40 }, newAddress);
      await inTransaction(app.db, async (tx) => {
        for (const destination of addresses) {
          const message = newMessage(
            ctx,
            { id: "p_1", document: {} },
            {
              userId: undefined,
              delivery: { medium: "EMAIL", destination },
              kind: "sign-up",
              composed: { subject: "Once", body: "once" },
              code: undefined,
              lifetimeMs: 3_600_000,
              by: "worker",
            },
          );
          await queueMessage(tx, message);
        }
      });
      const worker = startOutboxWorker(second);
      await until("every mail has come", () => addresses.every((address) => office.to(address).length > 0));
      await Promise.all([worker.stop(), second.senders.close()]);
      assert.ok(addresses.every((address) => office.to(address).length === 1));
    });
  },
  environment,
);

const main = join(import.meta.dirname, "..", "..", "src", "main.ts");

test("doctor says whether the mail server lets Poolhouse in", async () => {
  const doctor = (env: Record<string, string>) =>
    promisify(execFile)(process.execPath, [main, "doctor", "--data", temporaryFolder()], {
      env: { ...process.env, ...env },
    }).catch((error: { stdout: string }) => error);
  const right = await doctor(environment);
  assert.match(
    right.stdout,
    /ok {4}the sender smtp \(smtp at 127\.0\.0\.1:\d+\) answers and lets Poolhouse in/,
  );
  const url = `smtp://poolhouse:wrong-one@127.0.0.1:${office.port}`;
  const wrong = await doctor({ ...environment, POOLHOUSE_SMTP_URL: url });
  assert.match(wrong.stdout, /FAIL {2}the sender smtp \(smtp at .* answered 535 5\.7\.8 to AUTH/);
  assert.doesNotMatch(wrong.stdout, /wrong-one/);
});
