/** Sign-in events through the SDK: what AdminListUserAuthEvents tells of a user's attempts. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminInitiateAuthCommand,
  AdminListUserAuthEventsCommand,
  AdminUpdateAuthEventFeedbackCommand,
  type AuthEventType,
  ChangePasswordCommand,
  ConfirmForgotPasswordCommand,
  type CreateUserPoolClientCommandInput,
  ForgotPasswordCommand,
  ResendConfirmationCodeCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { uuid7 } from "../../src/lib/uuid.ts";
import { type AuthEvent, writeAuthEvents } from "../../src/store/auth-events.ts";
import { sweepEvents } from "../../src/store/sweep.ts";
import { giveSoftwareToken, type Place, respond, start, totp, turnMfa, wrongTotp } from "../kit/factors.ts";
import { makeClient, makePool, makeUser, newAddress, password, refused, signIn } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { crowd } from "./crowd.ts";

const wrong = "Wrong-Horse-7";
const day = 86_400_000;
const flows: Partial<CreateUserPoolClientCommandInput> = {
  ExplicitAuthFlows: [
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
  ],
};

async function eventsOf(server: TestServer, { UserPoolId }: Place, Username = "ann") {
  const listed = await server.client.send(new AdminListUserAuthEventsCommand({ UserPoolId, Username }));
  return listed.AuthEvents ?? assert.fail("no list");
}

/** `SignIn Pass: Password Success, Mfa Success` */
const told = ({ EventType, EventResponse, ChallengeResponses }: AuthEventType) => {
  const challenges = ChallengeResponses!.map((one) => `${one.ChallengeName} ${one.ChallengeResponse}`);
  return `${EventType} ${EventResponse}: ${challenges.join(", ")}`;
};

const rowsIn = async (server: TestServer) => {
  await server.app.authEvents.flush();
  return (await server.app.db.kysely.selectFrom("auth_events").select("event_id").execute()).length;
};

forEachServer("sign-in events", (open) => {
  async function setUp() {
    const server = await open();
    const place = await makePool(server, { AutoVerifiedAttributes: ["email"] }, flows);
    const address = newAddress();
    const attributes = [
      { Name: "email", Value: address },
      { Name: "email_verified", Value: "true" },
    ];
    await makeUser(server, place.UserPoolId, "ann", attributes);
    return { server, place, address };
  }

  test("a right password and a wrong one, newest first, with place and program", async () => {
    const { server, place } = await setUp();
    const before = server.clock.now;
    await assert.rejects(start(server, place, "ann", "USER_PASSWORD_AUTH", { PASSWORD: wrong }));
    server.clock.advance(2_000);
    await signIn(server, place.ClientId, "ann");
    const [passed, failed, ...rest] = await eventsOf(server, place);
    assert.equal(told(passed!), "SignIn Pass: Password Success");
    assert.equal(told(failed!), "SignIn Fail: Password Failure");
    // By AdminSetUserPassword, when Ann was made.
    assert.deepEqual(rest.map(told), ["PasswordChange Pass: "]);
    assert.match(passed!.EventContextData?.DeviceName ?? "", /aws-sdk-js/);
    assert.equal(passed!.EventContextData?.IpAddress, "127.0.0.1");
    const apart = passed!.CreationDate!.getTime() - failed!.CreationDate!.getTime();
    assert.ok(apart >= 1_000 && apart < 60_000, String(apart));
    assert.ok(Math.abs(failed!.CreationDate!.getTime() - before) < 60_000);
  });

  test("a sign-in of several steps is one event, a wrong code one of its own", async () => {
    const { server, place } = await setUp();
    await turnMfa(server, place, "OPTIONAL", { SoftwareTokenMfaConfiguration: { Enabled: true } });
    const { AccessToken } = await signIn(server, place.ClientId, "ann");
    const secret = await giveSoftwareToken(server, AccessToken);
    server.clock.advance(90_000);
    const challenge = await start(server, place, "ann");
    const [begun] = await eventsOf(server, place);
    assert.equal(told(begun!), "SignIn InProgress: Password Success");
    const code = (SOFTWARE_TOKEN_MFA_CODE: string) => ({ USERNAME: "ann", SOFTWARE_TOKEN_MFA_CODE });
    const bad = code(wrongTotp(secret, server.clock.now));
    await assert.rejects(respond(server, place, challenge, bad), refused("CodeMismatchException"));
    await respond(server, place, challenge, code(totp(secret, server.clock.now)));
    // Answered already: nobody's attempt to sign in, but of the Session's user.
    const events = await eventsOf(server, place);
    assert.deepEqual(events.slice(0, 3).map(told), [
      "SignIn Fail: Password Success, Mfa Failure",
      "SignIn Pass: Password Success, Mfa Success",
      "SignIn Pass: Password Success",
    ]);
    assert.equal(events[1]!.EventId, begun!.EventId);
  });

  test("SRP: a proof ends the event that the first request began", async () => {
    const { server, place } = await setUp();
    for (const [secret, end] of [
      [wrong, "SignIn Fail: Password Failure"],
      [password, "SignIn Pass: Password Success"],
    ] as const) {
      const srp = new SrpClient();
      const { client } = server;
      const begun = await client.send(
        new AdminInitiateAuthCommand({
          UserPoolId: place.UserPoolId,
          ClientId: place.ClientId,
          AuthFlow: "USER_SRP_AUTH",
          AuthParameters: { USERNAME: "ann", SRP_A: srp.srpA },
        }),
      );
      const [first] = await eventsOf(server, place);
      assert.equal(told(first!), "SignIn InProgress: ");
      const now = new Date(server.clock.now);
      const proof = srp.prove(place.UserPoolId, begun.ChallengeParameters!, secret, now);
      await respond(server, place, begun, proof).catch(() => {});
      const [last] = await eventsOf(server, place);
      assert.equal(told(last!), end);
      assert.equal(last!.EventId, first!.EventId);
      server.clock.advance(2_000);
    }
  });

  test("where a back end says that its user is; nothing where it says nothing", async () => {
    const { server, place } = await setUp();
    const { UserPoolId, ClientId } = place;
    for (const IpAddress of ["2001:db8::17", undefined]) {
      await server.client.send(
        new AdminInitiateAuthCommand({
          UserPoolId,
          ClientId,
          AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
          AuthParameters: { USERNAME: "ann", PASSWORD: password },
          ...(IpAddress && {
            ContextData: { IpAddress, ServerName: "s", ServerPath: "/", HttpHeaders: [] },
          }),
        }),
      );
      server.clock.advance(2_000);
      const [event] = await eventsOf(server, place);
      assert.equal(event!.EventContextData?.IpAddress, IpAddress);
    }
  });

  test("sign-up, codes, recovery and changes of the password", async () => {
    const { server, place, address } = await setUp();
    const { client } = server;
    const { ClientId } = place;
    const ben = { ClientId, Username: "ben" };
    const UserAttributes = [{ Name: "email", Value: newAddress() }];
    await client.send(new SignUpCommand({ ...ben, Password: password, UserAttributes }));
    await client.send(new ResendConfirmationCodeCommand(ben));
    await assert.rejects(signIn(server, ClientId, "ben"), refused("UserNotConfirmedException"));
    assert.deepEqual((await eventsOf(server, place, "ben")).map(told).sort(), [
      "ResendCode Pass: ",
      "SignIn Fail: Password Success",
      "SignUp Pass: ",
    ]);

    const ann = { ClientId, Username: "ann" };
    const { AccessToken } = await signIn(server, ClientId, "ann");
    const change = (PreviousPassword: string, ProposedPassword: string) =>
      client.send(new ChangePasswordCommand({ AccessToken, PreviousPassword, ProposedPassword }));
    await assert.rejects(change(wrong, "Other-Horse-1"), refused("NotAuthorizedException"));
    await assert.rejects(change(password, "short"), refused("InvalidPasswordException"));
    await change(password, "Other-Horse-1");
    await client.send(new ForgotPasswordCommand(ann));
    const recover = (ConfirmationCode: string) =>
      client.send(new ConfirmForgotPasswordCommand({ ...ann, ConfirmationCode, Password: "Other-Horse-2" }));
    const code = await server.code(address);
    await assert.rejects(recover(code === "000000" ? "000001" : "000000"), refused("CodeMismatchException"));
    await recover(code);
    assert.deepEqual((await eventsOf(server, place)).map(told).sort(), [
      "ForgotPassword Fail: ",
      "ForgotPassword InProgress: ",
      "ForgotPassword Pass: ",
      "PasswordChange Fail: ",
      "PasswordChange Pass: ",
      "PasswordChange Pass: ",
      "SignIn Pass: Password Success",
    ]);
  });

  test("a new password that an invited user chooses", async () => {
    const { server, place } = await setUp();
    const { UserPoolId } = place;
    const TemporaryPassword = "Temporary-Horse-1";
    const invited = { UserPoolId, Username: "cay", TemporaryPassword, MessageAction: "SUPPRESS" } as const;
    await server.client.send(new AdminCreateUserCommand(invited));
    const challenge = await start(server, place, "cay", "USER_PASSWORD_AUTH", {
      PASSWORD: TemporaryPassword,
    });
    const weak = respond(server, place, challenge, { USERNAME: "cay", NEW_PASSWORD: "short" });
    await assert.rejects(weak, refused("InvalidPasswordException"));
    await respond(server, place, challenge, { USERNAME: "cay", NEW_PASSWORD: password });
    assert.deepEqual((await eventsOf(server, place, "cay")).map(told).sort(), [
      "PasswordChange Pass: ",
      "SignIn Pass: Password Success, Password Success",
    ]);
  });

  test("attempts during a lock are recorded as one event a minute", async () => {
    const { server, place } = await setUp();
    server.clock.freeze();
    server.clock.advance(60_000 - (server.clock.now % 60_000));
    const attempt = () =>
      assert.rejects(start(server, place, "ann", "USER_PASSWORD_AUTH", { PASSWORD: wrong }));
    for (let count = 0; count < 40; count++) await attempt();
    const events = await eventsOf(server, place);
    const failed = events.filter((event) => event.EventResponse === "Fail");
    assert.ok(failed.length > 1 && failed.length < 15, `${failed.length} events`);
  });

  test("failed and unfinished attempts beyond the hourly limit are only counted; successes are always recorded", async () => {
    const { server, place } = await setUp();
    server.clock.freeze();
    const { ClientId } = await makeClient(server, place.UserPoolId, {
      ExplicitAuthFlows: ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH"],
    });
    const most = server.app.config.limits["sign-in-events"];
    const begin = () => start(server, { ClientId }, "ann", "USER_AUTH");
    const last = await crowd(
      8,
      Array.from({ length: most + 20 }, () => begin),
    ).then((all) => all.at(-1)!);
    await assert.rejects(start(server, place, "ann", "USER_PASSWORD_AUTH", { PASSWORD: wrong }));
    // One that was told with the others comes to its end.
    const chosen = await respond(server, { ...place, ClientId }, last, {
      USERNAME: "ann",
      ANSWER: "PASSWORD",
    });
    await respond(server, { ...place, ClientId }, chosen, { USERNAME: "ann", PASSWORD: password });
    await signIn(server, ClientId, "ann");
    const events: AuthEventType[] = [];
    for (let NextToken: string | undefined; ; ) {
      const page = { UserPoolId: place.UserPoolId, Username: "ann", NextToken };
      const listed = await server.client.send(new AdminListUserAuthEventsCommand(page));
      events.push(...listed.AuthEvents!);
      NextToken = listed.NextToken;
      if (NextToken === undefined) break;
    }
    const begun = events.filter((event) => told(event) === "SignIn InProgress: ");
    assert.equal(begun.length, most + 1);
    // The answer to the choice is one more of the kind.
    const together = begun.filter(({ EventContextData }) =>
      / \(21 attempts\)$/.test(EventContextData!.DeviceName!),
    );
    assert.equal(together.length, 1);
    const others = events
      .filter((event) => !begun.includes(event))
      .map(told)
      .sort();
    assert.deepEqual(others, [
      "PasswordChange Pass: ",
      "SignIn Fail: Password Failure",
      "SignIn Pass: Password Success",
      "SignIn Pass: Password Success",
    ]);
    // In the next hour they are told one by one again.
    server.clock.advance(3_600_000);
    await begin();
    assert.equal(told((await eventsOf(server, place))[0]!), "SignIn InProgress: ");
  });

  test("an answer in another's name is no failed proof", async () => {
    const { server, place } = await setUp();
    await turnMfa(server, place, "OPTIONAL", { SoftwareTokenMfaConfiguration: { Enabled: true } });
    const { AccessToken } = await signIn(server, place.ClientId, "ann");
    await giveSoftwareToken(server, AccessToken);
    const challenge = await start(server, place, "ann");
    const answer = { USERNAME: "somebody-else", SOFTWARE_TOKEN_MFA_CODE: "123456" };
    await assert.rejects(respond(server, place, challenge, answer), refused("NotAuthorizedException"));
    const failed = (await eventsOf(server, place)).filter(({ EventResponse }) => EventResponse === "Fail");
    assert.deepEqual(failed.map(told), ["SignIn Fail: Password Success"]);
  });

  test("names that nobody has, and requests that are malformed, leave none", async () => {
    const { server, place } = await setUp();
    const before = await rowsIn(server);
    await assert.rejects(start(server, place, "nobody", "USER_PASSWORD_AUTH", { PASSWORD: wrong }));
    await assert.rejects(start(server, place, "ann", "USER_PASSWORD_AUTH", {}));
    assert.equal(await rowsIn(server), before);
  });

  test("pages, newest first; a token of another user is refused", async () => {
    const { server, place } = await setUp();
    await makeUser(server, place.UserPoolId, "ben");
    for (let count = 0; count < 4; count++) {
      await signIn(server, place.ClientId, "ann");
      server.clock.advance(2_000);
    }
    const all = (await eventsOf(server, place)).map(({ EventId }) => EventId);
    assert.equal(all.length, 5);
    const list = (Username: string, NextToken?: string) => {
      const { UserPoolId } = place;
      const page = { UserPoolId, Username, MaxResults: 2, ...(NextToken && { NextToken }) };
      return server.client.send(new AdminListUserAuthEventsCommand(page));
    };
    const found: (string | undefined)[] = [];
    let page = await list("ann");
    await assert.rejects(list("ben", page.NextToken), refused("InvalidParameterException"));
    for (;;) {
      found.push(...page.AuthEvents!.map(({ EventId }) => EventId));
      if (!page.NextToken) break;
      page = await list("ann", page.NextToken);
    }
    assert.deepEqual(found, all);
  });

  test("an administrator says whether it was the user", async () => {
    const { server, place } = await setUp();
    await makeUser(server, place.UserPoolId, "ben");
    await signIn(server, place.ClientId, "ann");
    const [event] = await eventsOf(server, place);
    const give = (Username: string, EventId: string, FeedbackValue: "Valid" | "Invalid" = "Invalid") => {
      const { UserPoolId } = place;
      const feedback = { UserPoolId, Username, EventId, FeedbackValue };
      return server.client.send(new AdminUpdateAuthEventFeedbackCommand(feedback));
    };
    await assert.rejects(give("ben", event!.EventId!), refused("ResourceNotFoundException"));
    await assert.rejects(give("ann", "no-such-event"), refused("ResourceNotFoundException"));
    await assert.rejects(give("nobody", event!.EventId!), refused("UserNotFoundException"));
    await give("ann", event!.EventId!, "Valid");
    await give("ann", event!.EventId!);
    const [after, ...others] = await eventsOf(server, place);
    assert.equal(after!.EventFeedback?.FeedbackValue, "Invalid");
    assert.equal(after!.EventFeedback?.Provider, "Admin");
    assert.ok(Math.abs(after!.EventFeedback!.FeedbackDate!.getTime() - server.clock.now) < 60_000);
    assert.ok(others.every(({ EventFeedback }) => EventFeedback === undefined));
  });

  test("they go with the user, and after their time", async () => {
    const { server, place } = await setUp();
    const { UserPoolId } = place;
    await signIn(server, place.ClientId, "ann");
    await eventsOf(server, place);
    const before = await rowsIn(server);
    await server.client.send(new AdminDeleteUserCommand({ UserPoolId, Username: "ann" }));
    assert.equal(await rowsIn(server), before - 2);
    await makeUser(server, UserPoolId, "ben");
    await signIn(server, place.ClientId, "ben");
    const kept = { audit: 90, auth: 30 };
    await sweepEvents(server.app.db, server.clock.now + 29 * day, kept);
    assert.equal((await eventsOf(server, place, "ben")).length, 2);
    await sweepEvents(server.app.db, server.clock.now + 31 * day, kept);
    assert.deepEqual(await eventsOf(server, place, "ben"), []);
  });

  test("events written out of order by two servers keep the final response; a deleted user blocks no other event", async () => {
    const { server, place } = await setUp();
    const { db } = server.app;
    const { UserPoolId: poolId } = place;
    const { id: userId } = await db.kysely
      .selectFrom("users")
      .select("user_id as id")
      .where("pool_id", "=", poolId)
      .executeTakeFirstOrThrow();
    const id = uuid7(server.clock.now, randomBytes);
    const event = (response: AuthEvent["response"], steps: number) => ({
      poolId,
      userId,
      event: {
        id,
        at: server.clock.now,
        type: "SignIn" as const,
        response,
        steps,
        challenges: [],
        address: "::1",
        deviceName: undefined,
      },
    });
    const gone = { ...event("Pass", 3), userId: "gone" };
    await writeAuthEvents(db, [gone, event("Pass", 3), event("Fail", 1)]);
    await writeAuthEvents(db, [event("InProgress", 0)]);
    await writeAuthEvents(db, [event("Pass", 3)]);
    const found = (await eventsOf(server, place)).filter(({ EventId }) => EventId === id);
    assert.deepEqual(found.map(told), ["SignIn Pass: "]);
  });
});

forEachServer(
  "sign-in events, none kept",
  (open) => {
    test("nothing is recorded", async () => {
      const server = await open();
      const place = await makePool(server, {}, flows);
      await makeUser(server, place.UserPoolId, "ann");
      await signIn(server, place.ClientId, "ann");
      assert.deepEqual(await eventsOf(server, place), []);
      assert.equal(await rowsIn(server), 0);
    });
  },
  { POOLHOUSE_AUTH_EVENT_RETENTION_DAYS: "0" },
);
