/** Every challenge of a sign-in at the hosted pages, by forms only. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminGetUserCommand,
  SetUserMFAPreferenceCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { giveSoftwareToken, respond, start, totp, turnMfa, wrongTotp } from "../kit/factors.ts";
import { attributesOf, makeUser, newAddress, password, refused, signIn } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { type App, codeIn, makeApp, newVisitor, queryOf, redeem, type Shown } from "./visitor.ts";

const api = { ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"] } as const;
const phone = "+15550100199";

const mail = (Value: string) => [
  { Name: "email", Value },
  { Name: "email_verified", Value: "true" },
];

forOneServer("sqlite", "hosted pages: challenges", (open) => {
  async function setUp(pool: Parameters<typeof makeApp>[1] = {}) {
    const server = await open();
    const app = await makeApp(server, pool, { ExplicitAuthFlows: [...api.ExplicitAuthFlows] });
    const visitor = newVisitor(server, app);
    const login = async (username: string, more: Record<string, string> = { password }) => {
      visitor.cookies.clear();
      const page = await visitor.get(`/login?${queryOf(app)}`);
      return visitor.submit(page, "/login", { username, ...more });
    };
    const answer = (page: Shown, fields: Record<string, string>) =>
      visitor.submit(page, "/challenge", fields);
    return { server, app, visitor, login, answer };
  }

  const done = async (server: TestServer, app: App, shown: Shown) =>
    assert.ok((await redeem(server, app, codeIn(shown)))["id_token"]);

  test("an authenticator app: a wrong code is asked for again, a right one signs in once", async () => {
    const { server, app, login, answer } = await setUp();
    await turnMfa(server, app, "OPTIONAL");
    await makeUser(server, app.UserPoolId, "tom");
    const secret = await giveSoftwareToken(server, (await signIn(server, app.ClientId, "tom")).AccessToken);
    server.clock.advance(60_000);
    const asked = await login("tom");
    assert.equal(asked.title, "Open your authenticator app – Notes");
    assert.match(asked.text, /name="code"[^>]*autocomplete="one-time-code"\s+inputmode="numeric"/);
    const wrong = await answer(asked, { code: wrongTotp(secret, server.clock.now) });
    assert.equal(wrong.title, "Error: Open your authenticator app – Notes");
    assert.match(wrong.text, /aria-invalid="true" aria-describedby="code-error code-hint"/);
    assert.match(wrong.text, /id="code-error">Incorrect code/);
    const empty = await answer(wrong, { code: "" });
    assert.match(empty.text, /id="code-error">Enter the code/);
    const code = totp(secret, server.clock.now);
    await done(server, app, await answer(wrong, { code: `${code.slice(0, 3)} ${code.slice(3)}` }));
    const late = await answer(wrong, { code });
    assert.match(late.text, /role="alert"[^>]*>That took too long/);
    assert.match(late.text, /name="username"[^>]*value="tom"/);
  });

  test("a code as the first factor, chosen among others", async () => {
    const AllowedFirstAuthFactors = ["PASSWORD", "EMAIL_OTP"] as never;
    const { server, app, login, answer, visitor } = await setUp({
      Policies: { SignInPolicy: { AllowedFirstAuthFactors } },
    });
    const address = newAddress();
    await makeUser(server, app.UserPoolId, "eve", mail(address));
    assert.equal(
      (await login("eve", {})).title,
      "Enter your password – Notes",
      "what sends nothing is first",
    );
    const choice = await login("eve", { choose: "1" });
    assert.deepEqual(choice.forms[0]?.buttons, ["answer=PASSWORD", "answer=EMAIL_OTP"]);
    const asked = await answer(choice, { answer: "EMAIL_OTP" });
    assert.match(asked.text, /Enter the code we sent to u\*\*\*@m\*\*\*\./);
    const code = await server.code(address);
    assert.match((await answer(asked, { code: "00000000" })).text, /id="code-error"/);
    await done(server, app, await answer(asked, { code }));
    // Another factor, and back to the password.
    const other = await visitor.submit(asked, "/login");
    const byPassword = await answer(other, { answer: "PASSWORD" });
    assert.equal(byPassword.title, "Enter your password – Notes");
    const wrong = await visitor.submit(byPassword, "/login", { password: "Wrong-Password-1" });
    assert.equal(wrong.title, "Error: Enter your password – Notes");
    assert.match(wrong.text, /id="password-error">Incorrect username or password/);
    await done(server, app, await visitor.submit(wrong, "/login", { password }));
    const forged = await answer(await login("eve", { choose: "1" }), { answer: "SMS_OTP" });
    assert.equal(forged.title, "Error: How do you want to sign in? – Notes");
  });

  test("a choice that no page offers, and a challenge that has no page, lead back to the beginning", async () => {
    const AllowedFirstAuthFactors = ["PASSWORD", "EMAIL_OTP"] as never;
    const { server, app, login, answer, visitor } = await setUp({
      Policies: { SignInPolicy: { AllowedFirstAuthFactors } },
    });
    await makeUser(server, app.UserPoolId, "eve", mail(newAddress()));
    for (const choice of ["PASSWORD_SRP", "PASSWORD_VERIFIER", "__proto__", "constructor", ""]) {
      const shown = await answer(await login("eve", { choose: "1" }), { answer: choice });
      assert.equal(shown.status, 200, `${choice}: ${shown.text}`);
      assert.match(shown.title, /^Error: /, choice);
    }
    for (const challenge of [
      "PASSWORD",
      "PASSWORD_VERIFIER",
      "DEVICE_SRP_AUTH",
      "__proto__",
      "toString",
      "",
    ]) {
      const shown = await answer(await login("eve", { choose: "1" }), { challenge, answer: "PASSWORD" });
      assert.equal(shown.status, 200, `${challenge}: ${shown.text}`);
      assert.match(shown.text, /name="username"/, challenge);
    }
    assert.equal(visitor.cookies.size, 0);
  });

  test("another code: the former and its page are void, of whichever factor", async () => {
    const AllowedFirstAuthFactors = ["PASSWORD", "EMAIL_OTP"] as never;
    for (const isFirst of [true, false]) {
      const policy = { Policies: { SignInPolicy: { AllowedFirstAuthFactors } } };
      const { server, app, login, answer } = await setUp(isFirst ? policy : {});
      if (!isFirst) await turnMfa(server, app, "ON", { EmailMfaConfiguration: {} });
      const address = newAddress();
      await makeUser(server, app.UserPoolId, "eve", mail(address));
      const asked = isFirst
        ? await answer(await login("eve", { choose: "1" }), { answer: "EMAIL_OTP" })
        : await login("eve");
      assert.match(asked.text, /name="code"[^>]*data-digits="[68]"/);
      const former = await server.code(address);
      const again = await answer(asked, { resend: "1" });
      assert.match(again.text, /role="status">We sent a new code to u\*\*\*@m\*\*\*\./);
      assert.equal(again.title, asked.title);
      const code = await server.code(address);
      if (code !== former)
        assert.match((await answer(again, { code: former })).text, /id="code-error">Incorrect code/);
      assert.match((await answer(asked, { code })).text, /role="alert"[^>]*>That took too long/);
      await done(server, app, await answer(again, { code }));
      // What has been answered sends nothing more, nor does what somebody makes up.
      for (const over of [again, asked])
        assert.match((await answer(over, { resend: "1" })).text, /role="alert"[^>]*>That took too long/);
    }
  });

  test("of parallel requests for another code, one is granted", async () => {
    const { server, app, login, answer } = await setUp();
    const address = newAddress();
    await makeUser(server, app.UserPoolId, "eve", mail(address));
    await turnMfa(server, app, "ON", { EmailMfaConfiguration: {} });
    const asked = await login("eve");
    const all = await Promise.all([1, 2, 3].map(() => answer(asked, { resend: "1" })));
    assert.equal(all.filter(({ text }) => text.includes("We sent a new code")).length, 1);
  });

  test("a challenge that sent nothing sends nothing again", async () => {
    const { server, app, login, answer } = await setUp();
    await turnMfa(server, app, "OPTIONAL");
    await makeUser(server, app.UserPoolId, "tom");
    await giveSoftwareToken(server, (await signIn(server, app.ClientId, "tom")).AccessToken);
    const asked = await login("tom");
    for (const forged of [{ resend: "1" }, { resend: "1", challenge: "SMS_MFA" }])
      assert.match((await answer(asked, forged)).text, /role="alert"[^>]*>That took too long/);
  });

  test("nobody learns by the first page, or by another code, who exists and what they have", async () => {
    const AllowedFirstAuthFactors = ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"] as never;
    const server = await open();
    const app = await makeApp(
      server,
      { Policies: { SignInPolicy: { AllowedFirstAuthFactors } } },
      { PreventUserExistenceErrors: "ENABLED" },
    );
    await makeUser(server, app.UserPoolId, "bare");
    await makeUser(server, app.UserPoolId, "zoe", mail(newAddress()));
    const visitor = newVisitor(server, app);
    const seen = async (username: string) => {
      visitor.cookies.clear();
      const start = await visitor.post(`/login?${queryOf(app)}`, { username });
      const choice = await visitor.post(`/login?${queryOf(app)}`, { username, choose: "1" });
      const asked = await visitor.submit(choice, "/challenge", { answer: "EMAIL_OTP" });
      const again = await visitor.submit(asked, "/challenge", { resend: "1" });
      assert.match(again.text, /We sent a new code/, username);
      return [start, choice, asked, again].map(({ status, text }) => {
        const anonymous = text
          .replaceAll(username, "NAME")
          .replaceAll(/name="session" value="[^"]*"/g, "SESSION")
          .replaceAll(/[\w+*]+@[\w*]+|\w\*\*\*@\w\*\*\*/g, "TO");
        return `${status} ${anonymous}`;
      });
    };
    const stranger = await seen("nemo");
    assert.deepEqual(await seen("bare"), stranger);
    assert.deepEqual(await seen("zoe"), stranger);
  });

  test("what was used last in this browser is asked for at once, whoever comes", async () => {
    const AllowedFirstAuthFactors = ["PASSWORD", "EMAIL_OTP"] as never;
    const { server, app, login, answer, visitor } = await setUp({
      Policies: { SignInPolicy: { AllowedFirstAuthFactors } },
    });
    const address = newAddress();
    await makeUser(server, app.UserPoolId, "eve", mail(address));
    await makeUser(server, app.UserPoolId, "pat");
    const asked = await answer(await login("eve", { choose: "1" }), { answer: "EMAIL_OTP" });
    const signedIn = await answer(asked, { code: await server.code(address) });
    const [name] = [...visitor.cookies.keys()].filter((one) => one.includes("factor"));
    const cookie = signedIn.response.headers.getSetCookie().find((line) => line.startsWith(name!));
    assert.equal(cookie, `${name}=EMAIL_OTP; Max-Age=31536000; Path=/; HttpOnly; SameSite=Lax`);
    const come = async (username: string, last: string) => {
      visitor.cookies.clear();
      visitor.cookies.set(name!, last);
      return (await visitor.post(`/login?${queryOf(app)}`, { username })).title;
    };
    assert.equal(await come("eve", "EMAIL_OTP"), "Check your email – Notes");
    assert.equal(await come("pat", "EMAIL_OTP"), "Enter your password – Notes");
    for (const made of ["PASSWORD", "PASSWORD_SRP", "WEB_AUTHN", "__proto__", "%00"])
      assert.equal(await come("eve", made), "Enter your password – Notes", made);
  });

  test("where there is one way only, nothing is chosen", async () => {
    const AllowedFirstAuthFactors = ["PASSWORD", "EMAIL_OTP"] as never;
    const { server, app, login } = await setUp({
      Policies: { SignInPolicy: { AllowedFirstAuthFactors } },
    });
    await makeUser(server, app.UserPoolId, "pat");
    assert.equal((await login("pat", {})).title, "Enter your password – Notes");
  });

  test("one of several second factors is chosen, and a text message proves it", async () => {
    const { server, app, login, answer } = await setUp();
    await turnMfa(server, app, "OPTIONAL");
    const address = newAddress();
    await makeUser(server, app.UserPoolId, "max", [
      ...mail(address),
      { Name: "phone_number", Value: phone },
      { Name: "phone_number_verified", Value: "true" },
    ]);
    const { AccessToken } = await signIn(server, app.ClientId, "max");
    await server.client.send(
      new SetUserMFAPreferenceCommand({
        AccessToken,
        EmailMfaSettings: { Enabled: true },
        SMSMfaSettings: { Enabled: true },
      }),
    );
    const choice = await login("max");
    assert.equal(choice.title, "Verify it’s you – Notes");
    assert.deepEqual(choice.forms[0]?.buttons, ["answer=SMS_MFA", "answer=EMAIL_OTP"]);
    assert.deepEqual(
      [...choice.text.matchAll(/<bdi class="to">([^<]*)</g)].map(([, to]) => to),
      ["+*******0199", "u***@m***"],
    );
    const atApi = await start(server, app, "max");
    assert.deepEqual(Object.keys(atApi.ChallengeParameters!).toSorted(), [
      "MFAS_CAN_CHOOSE",
      "USER_ID_FOR_SRP",
    ]);
    const asked = await answer(choice, { answer: "SMS_MFA" });
    assert.equal(asked.title, "Check your phone – Notes");
    await done(server, app, await answer(asked, { code: await server.code(phone) }));
    const byMail = await answer(await login("max"), { answer: "EMAIL_OTP" });
    assert.equal(byMail.title, "Check your email – Notes");
    await done(server, app, await answer(byMail, { code: await server.code(address) }));
  });

  test("an authenticator app is set up where a second factor is demanded", async () => {
    const { server, app, login, answer } = await setUp();
    await makeUser(server, app.UserPoolId, "nora");
    await turnMfa(server, app, "ON");
    const choice = await login("nora");
    assert.deepEqual(choice.forms[0]?.buttons, [
      "answer=SMS_MFA",
      "answer=SOFTWARE_TOKEN_MFA",
      "answer=EMAIL_OTP",
    ]);
    const shown = await answer(choice, { answer: "SOFTWARE_TOKEN_MFA" });
    assert.match(shown.text, /<svg class="qr" role="img" aria-label="QR code with the setup key"/);
    const secret = /<code dir="ltr">([A-Z2-7 ]+)<\/code>/.exec(shown.text)?.[1]?.replaceAll(" ", "");
    const wrong = await answer(shown, { code: wrongTotp(secret!, server.clock.now) });
    assert.match(wrong.text, /id="code-error">Incorrect code/);
    assert.ok(wrong.text.includes(secret!.slice(0, 4)), "the key is shown again");
    const long = { code: wrongTotp(secret!, server.clock.now), "parameter.secret": "A".repeat(9_000) };
    assert.equal((await answer(wrong, long)).status, 200, "what no picture can hold has none");
    await done(server, app, await answer(wrong, { code: totp(secret!, server.clock.now) }));
    server.clock.advance(60_000);
    assert.equal((await login("nora")).title, "Open your authenticator app – Notes");
  });

  test("an address is set up as the second factor", async () => {
    const { server, app, login, answer } = await setUp();
    await makeUser(server, app.UserPoolId, "nora");
    await turnMfa(server, app, "ON");
    const asked = await answer(await login("nora"), { answer: "EMAIL_OTP" });
    const wrong = await answer(asked, { email: "no address" });
    assert.match(wrong.text, /id="email-error">This is not an email address/);
    assert.match(wrong.text, /name="email"[^>]*value="no address"/);
    const address = newAddress();
    const sent = await answer(wrong, { email: address });
    assert.equal(sent.title, "Check your email – Notes");
    await done(server, app, await answer(sent, { code: await server.code(address) }));
  });

  test("where an authenticator app is all there is, its key is shown at once", async () => {
    const { server, app, login } = await setUp();
    await makeUser(server, app.UserPoolId, "nora");
    await turnMfa(server, app, "ON", { SoftwareTokenMfaConfiguration: { Enabled: true } });
    assert.equal((await login("nora")).title, "Set up an authenticator app – Notes");
  });

  test("a user whom an administrator made chooses a password and says what is missing", async () => {
    const { server, app, login, answer } = await setUp({
      Schema: [{ Name: "given_name", Required: true }],
    });
    await server.client.send(
      new AdminCreateUserCommand({
        UserPoolId: app.UserPoolId,
        Username: "una",
        TemporaryPassword: password,
        MessageAction: "SUPPRESS",
      }),
    );
    const asked = await login("una");
    assert.equal(asked.title, "Choose a new password – Notes");
    assert.match(asked.text, /name="password"[^>]*autocomplete="new-password"/);
    assert.match(asked.text, /name="given_name"[^>]*autocomplete="given-name"/);
    const weak = await answer(asked, { password: "short", given_name: "Una" });
    assert.match(weak.text, /id="password-error">This password is too short/);
    assert.match(weak.text, /name="given_name"[^>]*value="Una"/);
    assert.doesNotMatch(weak.text, /value="short"/);
    const chosen = { password: "Chosen-By-Una-1", given_name: "Una" };
    await done(server, app, await answer(weak, chosen));
    const named = { UserPoolId: app.UserPoolId, Username: "una" };
    const user = await server.client.send(new AdminGetUserCommand(named));
    assert.equal(attributesOf(user.UserAttributes)["given_name"], "Una");
  });

  test("a Session is refused for another pool or client, between pages and API, and after its lifetime", async () => {
    const { server, app, login, answer } = await setUp();
    await turnMfa(server, app, "OPTIONAL");
    await makeUser(server, app.UserPoolId, "tom");
    const secret = await giveSoftwareToken(server, (await signIn(server, app.ClientId, "tom")).AccessToken);
    server.clock.advance(60_000);
    const asked = await login("tom");
    const fields = asked.forms[0]!.fields;
    const code = totp(secret, server.clock.now);
    const over = /role="alert"[^>]*>That took too long/;
    const other = await makeApp(server);
    const elsewhere = newVisitor(server, other);
    const foreign = await elsewhere.post(`/challenge?${queryOf(other)}`, { ...fields, code });
    assert.match(foreign.text, over);
    assert.match((await answer(asked, { code, session: "made up" })).text, over);
    assert.match((await answer(asked, { code, session: "" })).text, over);
    const unknown = await answer(asked, { code, challenge: "constructor" });
    assert.match(unknown.text, /role="alert"[^>]*>Something went wrong/);
    // A sign-in at the API continues there, and one at the pages here.
    const begun = await start(server, app, "tom");
    const { Session: session = "" } = begun;
    assert.match((await answer(asked, { code, session })).text, over);
    const atApi = { ChallengeName: "SOFTWARE_TOKEN_MFA", Session: fields["session"] } as const;
    await assert.rejects(
      respond(server, app, atApi, { USERNAME: "tom", SOFTWARE_TOKEN_MFA_CODE: code }),
      refused("NotAuthorizedException"),
    );
    server.clock.advance(4 * 60_000);
    assert.match((await answer(asked, { code: totp(secret, server.clock.now) })).text, over);
  });
});
