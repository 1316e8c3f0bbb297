/** Budgets of text messages: what they stop (SMS pumping), and what goes on meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-cognito-identity-provider";
import { pino } from "pino";
import { countMessage, countSignUp } from "../../src/domain/credentials/request-limits.ts";
import { sourceOf } from "../../src/domain/credentials/subjects.ts";
import { createCtx } from "../../src/http/context.ts";
import { call } from "../kit/calls.ts";
import { smsConfiguration, turnMfa } from "../kit/factors.ts";
import { makePool, makeUser, newAddress, password, refused, unique } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { crowd } from "./crowd.ts";

const budget = 60;
const range = 10;
const proxied = { POOLHOUSE_TRUSTED_PROXIES: "127.0.0.1" };
const limits = { ...proxied, POOLHOUSE_LIMITS: `texts-per-pool=${budget},texts-per-prefix=${range}` };
const home = "192.0.2.77";

/** The code that AWS gives a limit at SignUp. */
const exceeded = "LimitExceededException";

const makeTextPool = (server: TestServer) =>
  makePool(server, { AutoVerifiedAttributes: ["phone_number", "email"], ...smsConfiguration });

/** A sign-up from an address by somebody with this phone number or e-mail address. */
function signUp(server: TestServer, ClientId: string, contact: string, from: string) {
  const Name = contact.includes("@") ? "email" : "phone_number";
  const Username = unique("user");
  const body = { ClientId, Username, Password: password, UserAttributes: [{ Name, Value: contact }] };
  return call(server.endpoint, "SignUp", body, { "x-forwarded-for": from });
}

/** How many messages by this medium the pool has queued to anybody. */
async function queued({ app }: TestServer, UserPoolId: string, medium: "SMS" | "EMAIL") {
  const rows = await app.db.kysely
    .selectFrom("outbox")
    .select("message_id")
    .where("pool_id", "=", UserPoolId)
    .where("medium", "=", medium)
    .where("kind", "=", "sign-up")
    .where("status", "!=", "failed")
    .execute();
  return rows.length;
}

const metric = async ({ endpoint }: TestServer, name: string) =>
  (await (await fetch(`${endpoint}/metrics`)).text()).split("\n").filter((line) => line.startsWith(name));

forOneServer(
  "postgres",
  "budgets of texts",
  (open) => {
    test("an attack from 1,000 addresses on 50 ranges gets the pool's budget and no more; others go on", async () => {
      const server = await open();
      const pool = await makeTextPool(server);
      const owner = { Username: "owner", email: newAddress(), phone: "+4915199988877" };
      await makeUser(server, pool.UserPoolId, owner.Username, [
        { Name: "email", Value: owner.email },
        { Name: "email_verified", Value: "true" },
        { Name: "phone_number", Value: owner.phone },
        { Name: "phone_number_verified", Value: "true" },
      ]);
      const ownersSignIn = (from: string) =>
        call(
          server.endpoint,
          "InitiateAuth",
          {
            ClientId: pool.ClientId,
            AuthFlow: "USER_PASSWORD_AUTH",
            AuthParameters: { USERNAME: owner.Username, PASSWORD: password },
          },
          { "x-forwarded-for": from },
        );
      assert.equal((await ownersSignIn(home)).status, 200);
      const attack = Array.from({ length: 1000 }, (_, at) => () => {
        const phone = `+44${7300 + (at % 50) * 10}${String(100000 + at)}`;
        return signUp(server, pool.ClientId, phone, `203.0.${at >> 8}.${at & 255}`);
      });
      const answers = await crowd(40, attack);
      assert.equal(answers.filter(({ status }) => status === 200).length, budget);
      const others = answers.filter(({ status }) => status !== 200);
      assert.deepEqual([...new Set(others.map(({ type }) => type))], [exceeded]);
      assert.equal(await queued(server, pool.UserPoolId, "SMS"), budget);
      // Mail of the pool, and texts of another.
      const mail = await signUp(server, pool.ClientId, newAddress(), "203.0.113.1");
      assert.equal(mail.status, 200, mail.message);
      assert.equal(await queued(server, pool.UserPoolId, "EMAIL"), 1);
      const other = await makeTextPool(server);
      assert.equal((await signUp(server, other.ClientId, "+447300100000", "203.0.113.1")).status, 200);
      // The owner: by e-mail from anywhere, and by text where they are known.
      const { ClientId } = pool;
      const { CodeDeliveryDetails } = await server.client.send(
        new sdk.ForgotPasswordCommand({ ClientId, Username: owner.Username }),
      );
      assert.equal(CodeDeliveryDetails?.DeliveryMedium, "EMAIL");
      assert.match(await server.code(owner.email), /^\d{6}$/);
      await turnMfa(server, pool, "OPTIONAL", { SmsMfaConfiguration: smsConfiguration });
      await server.client.send(
        new sdk.AdminSetUserMFAPreferenceCommand({
          UserPoolId: pool.UserPoolId,
          Username: owner.Username,
          SMSMfaSettings: { Enabled: true, PreferredMfa: true },
        }),
      );
      assert.equal((await ownersSignIn("203.0.113.2")).type, "TooManyRequestsException");
      assert.equal((await ownersSignIn(home)).body["ChallengeName"], "SMS_MFA");
      // An hour later there is a new budget.
      server.clock.advance(3600_000);
      assert.equal((await signUp(server, ClientId, "+447300999999", "203.0.113.1")).status, 200);
    });

    test("a range of numbers has a budget, which leaves that of the pool to others", async () => {
      const server = await open();
      const { ClientId, UserPoolId } = await makeTextPool(server);
      const attack = Array.from(
        { length: budget + range },
        (_, at) => () => signUp(server, ClientId, `+4915112${String(10000 + at)}`, `203.0.113.${at}`),
      );
      const answers = await crowd(20, attack);
      assert.equal(answers.filter(({ status }) => status === 200).length, range);
      assert.equal(await queued(server, UserPoolId, "SMS"), range);
      assert.equal((await signUp(server, ClientId, "+4917012345678", "203.0.113.1")).status, 200);
    });

    test("a number with the 0 that is dialed inside its country is in the same range", async () => {
      const server = await open();
      const { ClientId, UserPoolId } = await makeTextPool(server);
      const attack = Array.from({ length: 2 * range }, (_, at) => () => {
        const phone = `+44${at % 2 === 0 ? "" : "0"}7911${100000 + at}`;
        return signUp(server, ClientId, phone, `203.0.113.${at}`);
      });
      const answers = await crowd(20, attack);
      assert.equal(answers.filter(({ status }) => status === 200).length, range);
      assert.equal(await queued(server, UserPoolId, "SMS"), range);
    });

    test("mail to an address that begins like a number counts in no budget of texts", async () => {
      const server = await open();
      const { ClientId, UserPoolId } = await makeTextPool(server);
      for (let at = 0; at <= range; at += 1) {
        const answer = await signUp(server, ClientId, `+491512${at}@mail.example`, `203.0.113.${at}`);
        assert.equal(answer.status, 200, answer.message);
      }
      assert.equal(await queued(server, UserPoolId, "EMAIL"), range + 1);
    });

    test("the log says which limit refused a message, once, and the caller learns no more than before", async () => {
      const server = await open();
      const pool = { id: (await makeTextPool(server)).UserPoolId };
      const lines: Record<string, unknown>[] = [];
      const log = pino({ base: null }, { write: (line) => lines.push(JSON.parse(line)) });
      const from = (at: number) =>
        createCtx(
          { ...server.app, log },
          { requestId: "r", address: `203.0.113.${at}`, userAgent: undefined },
        );
      for (let at = 0; at < range; at += 1) await countSignUp(from(at), pool, `+491601234${100 + at}`);
      assert.deepEqual(lines, []);
      const { message } = await countSignUp(from(200), pool, "+491601234999").then(
        () => assert.fail("not refused"),
        (error: Error) => error,
      );
      assert.doesNotMatch(message, /prefix/);
      const said = () => lines.splice(0).map(({ msg, poolId, limit }) => [msg, poolId, limit]);
      assert.deepEqual(said(), [["a limit refused a message", pool.id, "texts-per-prefix"]]);
      // A refusal that nobody is told of.
      const subject = { poolId: pool.id, id: "name/1", tag: "t" };
      const caller = { subject, source: sourceOf(from(1), subject), known: false, fresh: false };
      const asked = { destination: newAddress(), proven: false, silent: true };
      const most = server.app.config.limits["messages-per-destination"];
      for (let at = 0; at < most; at += 1) assert.equal(await countMessage(from(at), caller, asked), true);
      assert.deepEqual(said(), []);
      assert.equal(await countMessage(from(201), caller, asked), false);
      assert.deepEqual(said(), [["a limit refused a message", pool.id, "messages-per-destination"]]);
    });

    test("a silent refusal looks as usual, and sends nothing", async () => {
      const server = await open();
      const pool = await makePool(
        server,
        { AutoVerifiedAttributes: ["phone_number"], ...smsConfiguration },
        { PreventUserExistenceErrors: "ENABLED" },
      );
      const answers: unknown[] = [];
      for (let at = 0; at <= range; at += 1) {
        const phone = `+48601000${100 + at}`;
        await makeUser(server, pool.UserPoolId, `u${at}`, [
          { Name: "phone_number", Value: phone },
          { Name: "phone_number_verified", Value: "true" },
        ]);
        const asked = { ClientId: pool.ClientId, Username: `u${at}` };
        answers.push((await server.client.send(new sdk.ForgotPasswordCommand(asked))).CodeDeliveryDetails);
        const received = await server.inbox(phone);
        assert.equal(received.length, at < range ? 1 : 0, `text ${at}`);
      }
      assert.equal(answers.filter((one) => one !== undefined).length, range + 1);
    });

    test("metrics tell texts by calling code and outcome, and how much of the budgets is used", async () => {
      const server = await open();
      assert.deepEqual(
        (await metric(server, "poolhouse_texts_total")).filter((line) => /"49"/.test(line)).length,
        2,
      );
      const { ClientId } = await makeTextPool(server);
      await signUp(server, ClientId, "+4917012345678", "203.0.113.1");
      const [used] = await metric(server, 'poolhouse_text_budget_used{limit="texts-per-prefix"}');
      assert.equal(used?.split(" ")[1], String(1 / range));
      const [unused] = await metric(server, 'poolhouse_text_budget_used{limit="texts-per-prefix"}');
      assert.equal(unused?.split(" ")[1], "0");
    });
  },
  limits,
);

forOneServer(
  "postgres",
  "countries that get texts",
  (open) => {
    test("a phone gets what it may get in an hour, however its number is written", async () => {
      const server = await open();
      const { ClientId } = await makeTextPool(server);
      const most = server.app.config.limits["messages-per-destination"];
      for (let at = 0; at <= most; at += 1) {
        const phone = `+49${at % 2 === 0 ? "" : "0"}15112345678`;
        const { status } = await signUp(server, ClientId, phone, `203.0.113.${at}`);
        assert.equal(status, at < most ? 200 : 400, `text ${at}`);
      }
    });

    test("mail goes to addresses that begin with +", async () => {
      const server = await open();
      const { ClientId } = await makeTextPool(server);
      const answer = await signUp(server, ClientId, `+${newAddress()}`, "203.0.113.1");
      assert.equal(answer.status, 200, answer.message);
    });

    test("a number elsewhere is refused where a limit is, and invited in vain by an administrator", async () => {
      const server = await open();
      const { ClientId, UserPoolId } = await makeTextPool(server);
      // +1 is shared by many countries: Jamaica, Canada, the United States.
      for (const [phone, status] of [
        ["+4915112345678", 200],
        ["+12025550123", 200],
        ["+18765550123", 400],
        ["+14165550123", 400],
        ["+447911123456", 400],
        ["+999123456789", 400],
      ] as const) {
        const answer = await signUp(server, ClientId, phone, "203.0.113.1");
        assert.equal(answer.status, status, phone);
        if (status === 400) assert.equal(answer.type, exceeded);
      }
      const invited = server.client.send(
        new sdk.AdminCreateUserCommand({
          UserPoolId,
          Username: "jamaican",
          UserAttributes: [{ Name: "phone_number", Value: "+18765550123" }],
          DesiredDeliveryMediums: ["SMS"],
        }),
      );
      await assert.rejects(invited, refused("CodeDeliveryFailureException"));
    });
  },
  { ...proxied, POOLHOUSE_SMS_COUNTRIES: "DE,US" },
);
