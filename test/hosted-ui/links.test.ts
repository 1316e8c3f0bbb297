/** New accounts confirmed by a link (DefaultEmailOption CONFIRM_WITH_LINK): sent, opened, and no longer valid. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminGetUserCommand,
  ConfirmSignUpCommand,
  CreateUserPoolDomainCommand,
  ForgotPasswordCommand,
  GetUserAttributeVerificationCodeCommand,
  ResendConfirmationCodeCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { ask, compare } from "../api/shapes.ts";
import { watchWork } from "../api/work.ts";
import { attributesOf, newAddress, password, signIn } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { makeApp, newVisitor, queryOf } from "./visitor.ts";

const byLink = { DefaultEmailOption: "CONFIRM_WITH_LINK" } as const;

forOneServer("postgres", "hosted pages: links that confirm", (open) => {
  async function setUp(pool: Parameters<typeof makeApp>[1] = {}, client: Parameters<typeof makeApp>[2] = {}) {
    const server = await open();
    const settings = { AutoVerifiedAttributes: ["email" as const], VerificationMessageTemplate: byLink };
    const app = await makeApp(server, { ...settings, ...pool }, client);
    const email = newAddress();
    const signUp = (Username: string, more: { Name: string; Value: string }[] = []) =>
      server.client.send(
        new SignUpCommand({
          ClientId: app.ClientId,
          Username,
          Password: password,
          UserAttributes: [{ Name: "email", Value: email }, ...more],
        }),
      );
    const statusOf = async (Username: string) =>
      (await server.client.send(new AdminGetUserCommand({ UserPoolId: app.UserPoolId, Username })))
        .UserStatus;
    /** The URL of the newest link. */
    const link = async () => {
      const [{ body } = { body: "" }] = await server.inbox(email);
      const [, href = assert.fail(body)] = /<a href="([^"]*)">/.exec(body) ?? [];
      return new URL(href.replaceAll("&amp;", "&"));
    };
    return { server, app, email, signUp, statusOf, link, base: `${server.endpoint}/${app.UserPoolId}` };
  }

  test("from the sign-up page to the link, which another browser opens", async () => {
    const { server, app, email, link, statusOf, base } = await setUp();
    const visitor = newVisitor(server, app);
    const page = await visitor.get(`/signup?${queryOf(app)}`);
    const waits = await visitor.submit(page, "/signup", { username: "una", email, password });
    assert.match(waits.text, /We sent a link to u\*\*\*@m\*\*\*\. Open it to confirm your account\./);
    assert.doesNotMatch(waits.text, /name="code"/);
    const sent = await link();
    assert.ok(
      sent.href.startsWith(`${base}/confirmUser?client_id=${app.ClientId}&user_name=una&`),
      sent.href,
    );
    const other = newVisitor(server, app);
    for (const method of ["GET", "HEAD", "GET"]) await fetch(sent, { method });
    const opened = await other.get(sent.href);
    assert.equal(opened.status, 200);
    assert.match(opened.text, /Press the button to confirm your account\./);
    assert.deepEqual(
      opened.forms.map(({ fields }) => Object.keys(fields)),
      [["by", "username", "code"]],
    );
    assert.equal(await statusOf("una"), "UNCONFIRMED", "opening it changes nothing");
    const done = await other.submit(opened, "/confirmUser");
    assert.equal(done.title, "Account confirmed – Notes");
    const UserPoolId = app.UserPoolId;
    const user = await server.client.send(new AdminGetUserCommand({ UserPoolId, Username: "una" }));
    assert.equal(user.UserStatus, "CONFIRMED");
    assert.equal(attributesOf(user.UserAttributes)["email_verified"], "true");
    assert.deepEqual(done.response.headers.getSetCookie(), [], "it signs nobody in");
    const twice = await other.submit(opened, "/confirmUser");
    assert.match(twice.text, /role="alert"[^>]*>This account is already confirmed/);
  });

  test("the pool's words, everything encoded, and where the pages are by the configuration", async () => {
    const EmailMessageByLink = "Welcome, {##press <b>here</b>##} or {##there##}!";
    const template = { ...byLink, EmailMessageByLink, EmailSubjectByLink: "Welcome" };
    const { server, app, email, signUp, link, statusOf, base } = await setUp(
      { VerificationMessageTemplate: template },
      { GenerateSecret: true },
    );
    const name = 'ü&b=c?#%+"<x>';
    const visitor = newVisitor(server, app);
    const { port } = new URL(server.endpoint);
    const at = { origin: `http://127.0.0.1:${port}` };
    const page = `http://127.0.0.1:${port}/${app.UserPoolId}/signup?${queryOf(app)}`;
    const refused = await fetch(page, { method: "POST", headers: at, body: new URLSearchParams() });
    assert.equal(refused.status, 403, "another host is another origin");
    const typed = { username: name, email, password };
    await visitor.submit(await visitor.get(`/signup?${queryOf(app)}`), "/signup", typed);
    const sent = await link();
    assert.ok(sent.href.startsWith(`${base}/confirmUser?`), sent.href);
    assert.equal(sent.searchParams.get("user_name"), name);
    const [message] = await server.inbox(email);
    assert.equal(message?.subject, "Welcome");
    assert.match(
      message?.body ?? "",
      /^Welcome, <a href="[^"<> ]*">press <b>here<\/b><\/a> or <a .*>there<\/a>!$/,
    );
    await visitor.submit(await visitor.get(sent.href), "/confirmUser");
    assert.equal(await statusOf(name), "CONFIRMED");
    await assert.rejects(signUp("no-hash"), { name: "NotAuthorizedException" });
  });

  test("to the pool's domain: a custom one, else a prefix", async () => {
    const { server, app, signUp, link } = await setUp();
    const { UserPoolId } = app;
    const name = `link-${Math.random().toString(36).slice(2, 10)}`;
    const { port } = new URL(server.endpoint);
    await server.client.send(new CreateUserPoolDomainCommand({ UserPoolId, Domain: name }));
    await signUp("una");
    assert.equal(
      `${(await link()).origin}${(await link()).pathname}`,
      `http://${name}.auth.localhost:${port}/confirmUser`,
    );
    const CustomDomainConfig = { CertificateArn: "arn:aws:acm:us-east-1:000000000000:certificate/c1" };
    const Domain = `${name}.example.com`;
    await server.client.send(new CreateUserPoolDomainCommand({ UserPoolId, Domain, CustomDomainConfig }));
    await server.client.send(new ResendConfirmationCodeCommand({ ClientId: app.ClientId, Username: "una" }));
    assert.equal((await link()).host, `${Domain}:${port}`);
  });

  test("after a day, or once there is another, a link is no good; a new one is sent", async () => {
    // Even of a client that only uses the API.
    const { server, app, signUp, link, statusOf } = await setUp(
      {},
      { AllowedOAuthFlowsUserPoolClient: false },
    );
    await signUp("una");
    const first = await link();
    server.clock.advance(24 * 3_600_000 + 1_000);
    const visitor = newVisitor(server, app);
    const late = await visitor.submit(await visitor.get(first.href), "/confirmUser");
    assert.match(late.text, /role="alert"[^>]*>This link has expired\. Request a new one\./);
    const again = await visitor.submit(late, "/resendcode");
    assert.match(again.text, /role="status">We sent a new link to/);
    const second = await link();
    assert.notEqual(
      second.searchParams.get("confirmation_code"),
      first.searchParams.get("confirmation_code"),
    );
    const old = await visitor.submit(await visitor.get(first.href), "/confirmUser");
    assert.match(old.text, /This link has expired/);
    assert.equal(await statusOf("una"), "UNCONFIRMED");
    await visitor.submit(await visitor.get(second.href), "/confirmUser");
    assert.equal(await statusOf("una"), "CONFIRMED");
  });

  test("its code is guessed at as in ConfirmSignUp, and serves there as well", async () => {
    const { server, app, signUp, link, statusOf } = await setUp();
    await signUp("una");
    const sent = await link();
    const right = sent.searchParams.get("confirmation_code") ?? "";
    assert.match(right, /^\d{6}$/);
    sent.searchParams.set("confirmation_code", right === "000000" ? "000001" : "000000");
    const visitor = newVisitor(server, app);
    for (let guess = 0; guess < 15; guess++)
      assert.match((await visitor.submit(await visitor.get(sent.href), "/confirmUser")).text, /has expired/);
    const limited = await visitor.submit(await visitor.get((await link()).href), "/confirmUser");
    assert.match(limited.text, /role="alert"[^>]*>Too many/);
    const confirm = { ClientId: app.ClientId, Username: "una", ConfirmationCode: right };
    await assert.rejects(server.client.send(new ConfirmSignUpCommand(confirm)), {
      name: "LimitExceededException",
    });
    server.clock.advance(3_600_001);
    await server.client.send(new ConfirmSignUpCommand(confirm));
    assert.equal(await statusOf("una"), "CONFIRMED");
  });

  test("who signs in unconfirmed is told to open the link; a phone gets a code to type", async () => {
    const { server, app, signUp } = await setUp();
    await signUp("una");
    const visitor = newVisitor(server, app);
    const login = await visitor.get(`/login?${queryOf(app)}`);
    const waits = await visitor.submit(login, "/login", { username: "una", password });
    assert.match(waits.text, /Open the link we sent you/);
    assert.match((await visitor.submit(waits, "/resendcode")).text, /role="status">We sent a new link/);
    const bare = await visitor.get(`/confirmUser?client_id=${app.ClientId}`);
    const named = await visitor.submit(bare, "/resendcode", { username: "una" });
    assert.match(named.text, /role="status">We sent a new link/);

    const both = await setUp({ AutoVerifiedAttributes: ["email", "phone_number"] });
    const phone = "+15550100177";
    await both.signUp("pia", [{ Name: "phone_number", Value: phone }]);
    const [message] = await server.inbox(phone);
    assert.match(message?.body ?? "", /^Your verification code is \d{6}$/);
    const other = newVisitor(server, both.app);
    const page = await other.get(`/confirmUser?client_id=${both.app.ClientId}&user_name=pia`);
    assert.match(page.text, /name="code"/);
    await other.submit(page, "/confirmUser", { code: await server.code(phone) });
    assert.equal(await both.statusOf("pia"), "CONFIRMED");
  });

  test("links are for new accounts alone, and for everybody the same answer", async () => {
    const { server, app, email, signUp, link } = await setUp(
      {},
      {
        PreventUserExistenceErrors: "ENABLED",
        ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"],
      },
    );
    const { ClientId } = app;
    await signUp("una");
    const resend = (Username: string) =>
      server.client.send(new ResendConfirmationCodeCommand({ ClientId, Username }));
    const details = async (Username: string) =>
      Object.keys((await resend(Username)).CodeDeliveryDetails ?? {});
    assert.deepEqual(await details("nobody"), await details("una"));
    const visitor = newVisitor(server, app);
    await until("both links are in the inbox", async () => (await server.inbox(email)).length === 2);
    await visitor.submit(await visitor.get((await link()).href), "/confirmUser");
    await server.client.send(new ForgotPasswordCommand({ ClientId, Username: "una" }));
    const { AccessToken } = await signIn(server, ClientId, "una");
    await server.client.send(
      new GetUserAttributeVerificationCodeCommand({ AccessToken, AttributeName: "email" }),
    );
    await until("both codes are there too", async () => (await server.inbox(email)).length === 4);
    const bodies = (await server.inbox(email)).slice(0, 2).map(({ body }) => body);
    for (const body of bodies) assert.match(body, /^Your verification code is \d{6}$/);
    assert.equal(bodies.length, 2);
  });

  // Comes last: from then on the server is observed.
  test("the work for a link is the same for everybody", async () => {
    const { server, app, signUp } = await setUp(
      {},
      { PreventUserExistenceErrors: "ENABLED", ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"] },
    );
    await signUp("waiting");
    await signUp("newcome");
    const { kysely } = server.app.db;
    await kysely.deleteFrom("known_sources").where("pool_id", "=", app.UserPoolId).execute();
    const setting = { server, pool: app.UserPoolId, ClientId: app.ClientId, ...watchWork(server.app) };
    const resend = ask("ResendConfirmationCode", ({ ClientId }, Username) => ({ ClientId, Username }));
    const limited = "Attempt limit exceeded, please try after some time.";
    const names = ["unknown", "waiting", "newcome"];
    await compare(setting, names, [["ResendConfirmationCode", resend, 6, limited, 0]]);
  });
});
