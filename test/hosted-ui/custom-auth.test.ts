/** The functions of CUSTOM_AUTH at the hosted pages, by forms only: for clients that a tag of the pool lists. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { UpdateUserPoolCommand } from "@aws-sdk/client-cognito-identity-provider";
import { decodeJwt } from "jose";
import { giveSoftwareToken, respond, totp, turnMfa } from "../kit/factors.ts";
import { makeUser, newAddress, password, refused, signIn, verifiedByMail } from "../kit/people.ts";
import type { TestServer } from "../kit/server.ts";
import { arnOf, eventsOf, forOneServerWithFunctions, script, scripted } from "../triggers/functions.ts";
import { type App, codeIn, makeApp, newVisitor, queryOf, redeem, type Shown } from "./visitor.ts";

const alone = { "poolhouse:custom-auth": "*" };
const afterPassword = { "poolhouse:custom-auth-after-password": "*" };
const define = "DefineAuthChallenge_Authentication";

const by = (arn: string) => ({
  LambdaConfig: {
    DefineAuthChallenge: arn,
    CreateAuthChallenge: arn,
    VerifyAuthChallengeResponse: arn,
  },
});

forOneServerWithFunctions("postgres", "hosted pages: the functions of CUSTOM_AUTH", (open) => {
  async function setUp(
    UserPoolTags: Record<string, string>,
    { arn = arnOf("riddles"), pool = {}, client = {} }: { arn?: string; pool?: object; client?: object } = {},
  ) {
    const server = await open();
    const app = await makeApp(
      server,
      { UserPoolTags, ...by(arn), ...pool },
      { ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH"], ...client },
    );
    await makeUser(server, app.UserPoolId, "ann");
    const visitor = newVisitor(server, app);
    const login = async (fields: Record<string, string>) => {
      visitor.cookies.clear();
      return visitor.submit(await visitor.get(`/login?${queryOf(app)}`), "/login", fields);
    };
    const answer = (page: Shown, text: string) => visitor.submit(page, "/challenge", { answer: text });
    const { UserPoolId } = app;
    const tag = (tags: Record<string, string>) =>
      server.client.send(new UpdateUserPoolCommand({ UserPoolId, UserPoolTags: tags, ...by(arn) }));
    return { server, app, visitor, login, answer, tag };
  }

  const claimsOf = async (server: TestServer, app: App, shown: Shown) =>
    decodeJwt((await redeem(server, app, codeIn(shown)))["id_token"] as string);

  test("the name, then the challenges: two right answers sign in, and the browser stays signed in", async () => {
    const { server, app, visitor, login, answer } = await setUp(alone);
    const page = await visitor.get(`/login?${queryOf(app)}`);
    assert.doesNotMatch(page.text, /name="password"|data-with-passkeys/);
    let asked = await login({ username: "ann", password: "is not read" });
    assert.match(asked.text, /What is 0 and one\?/);
    for (const text of ["1", "wrong", "3"]) asked = await answer(asked, text);
    const claims = await claimsOf(server, app, asked);
    assert.equal(claims["cognito:username"], "ann");
    const again = await visitor.get(`/oauth2/authorize?${queryOf(app, { prompt: "none" })}`);
    assert.match(again.location, /[?&]code=/);
  });

  test("three wrong answers end it, at the page where it begins; an empty one is asked for again", async () => {
    const { login, answer } = await setUp(alone);
    let asked = await login({ username: "ann" });
    const empty = await answer(asked, "");
    assert.match(empty.text, /id="answer-error">Fill in this field/);
    for (const text of ["a", "b", "c"]) asked = await answer(asked, text);
    assert.match(asked.text, /role="alert"[^>]*>Incorrect sign-in details/);
    assert.match(asked.text, /name="username"[^>]*value="ann"/);
  });

  test("what the functions say is on the page, values without names; that an answer was wrong is theirs to say", async () => {
    const { app, login, answer } = await setUp(alone, { arn: scripted });
    const asks = (publicChallengeParameters: Record<string, string>) => {
      script(app.UserPoolId, "CreateAuthChallenge_Authentication", {
        response: { publicChallengeParameters },
      });
      script(app.UserPoolId, "VerifyAuthChallengeResponse_Authentication", {
        response: { answerCorrect: false },
      });
    };
    script(app.UserPoolId, define, { response: { challengeName: "CUSTOM_CHALLENGE" } });
    asks({ title: "A riddle", prompt: "Say which.", hint: "It is <red>", available: "PASSWORD", none: "" });
    const first = await login({ username: "ann" });
    assert.equal(first.title, "A riddle – Notes");
    assert.match(
      first.text,
      /<p class="lead">Say which\.<\/p>\s*<p class="given"><bdi>It is &lt;red&gt;<\/bdi><\/p>\s*<form/,
    );
    asks({ prompt: "That was wrong. Say which." });
    const second = await answer(first, "blue");
    assert.match(second.text, /<p class="lead">That was wrong\. Say which\.<\/p>/);
    assert.doesNotMatch(second.text, /role="alert"|It is &lt;red|A riddle/);
    asks({ prompt: "" });
    const third = await answer(second, "green");
    assert.match(third.text, /<p class="lead">Answer this to go on\.<\/p>/);
    assert.doesNotMatch(third.text, /role="alert"/);
  });

  test("a name that nobody has is asked the same, and does not get in", async () => {
    const { login, answer } = await setUp(alone, { client: { PreventUserExistenceErrors: "ENABLED" } });
    let asked = await login({ username: "nobody" });
    for (const text of ["1", "2"]) asked = await answer(asked, text);
    assert.match(asked.text, /role="alert"[^>]*>Incorrect sign-in details/);
    const told = await setUp(alone);
    assert.match((await told.login({ username: "nobody" })).text, /We couldn’t find this account/);
  });

  test("after the password: a wrong one ends it before anything is asked", async () => {
    const { server, app, login, answer, visitor } = await setUp({ ...alone, ...afterPassword });
    assert.match((await visitor.get(`/login?${queryOf(app)}`)).text, /name="password"/);
    const wrong = await login({ username: "ann", password: "Wrong-Password-1" });
    assert.match(wrong.text, /Incorrect username or password/);
    let asked = await login({ username: "ann", password });
    assert.match(asked.text, /What is 2 and one\?/, "after SRP_A and PASSWORD_VERIFIER");
    for (const text of ["3", "4"]) asked = await answer(asked, text);
    assert.equal((await claimsOf(server, app, asked))["cognito:username"], "ann");
    const without = await visitor.post(`/login?${queryOf(app)}`, { username: "ann" });
    assert.match(without.text, /name="password"/, "a form without one is asked for it");
    assert.doesNotMatch(without.text, /What is/);
  });

  test("after the password nothing else is accepted of DefineAuthChallenge, not even tokens", async () => {
    const { app, login } = await setUp(afterPassword, { arn: scripted });
    for (const response of [{ issueTokens: true }, { challengeName: "CUSTOM_CHALLENGE" }]) {
      script(app.UserPoolId, define, { response });
      const shown = await login({ username: "ann", password });
      assert.equal(shown.location, "");
      assert.match(shown.text, /role="alert"/);
    }
    const sessions = eventsOf(app.UserPoolId).map(({ request }) => request["session"]);
    assert.deepEqual(
      sessions,
      Array(2).fill([{ challengeName: "SRP_A", challengeResult: true, challengeMetadata: null }]),
    );
  });

  test("a second factor that is demanded comes afterwards", async () => {
    const { server, app, login, answer, visitor } = await setUp(alone);
    await turnMfa(server, app, "OPTIONAL");
    const secret = await giveSoftwareToken(server, (await signIn(server, app.ClientId, "ann")).AccessToken);
    server.clock.advance(60_000);
    let asked = await login({ username: "ann" });
    for (const text of ["1", "2"]) asked = await answer(asked, text);
    assert.equal(asked.title, "Open your authenticator app – Notes");
    asked = await visitor.submit(asked, "/challenge", { code: totp(secret, server.clock.now) });
    assert.ok(codeIn(asked));
  });

  test("having signed in for another client of the pool does not suffice", async () => {
    const { visitor, app, login, answer, tag } = await setUp({});
    const signedIn = await login({ username: "ann", password });
    assert.ok(codeIn(signedIn));
    const silent = () => visitor.get(`/oauth2/authorize?${queryOf(app, { prompt: "none" })}`);
    assert.match((await silent()).location, /[?&]code=/);
    await tag({ "poolhouse:custom-auth": app.ClientId });
    assert.match((await silent()).location, /error=login_required/);
    let asked = await visitor.submit(await visitor.get(`/login?${queryOf(app)}`), "/login", {
      username: "ann",
    });
    for (const text of ["1", "2"]) asked = await answer(asked, text);
    assert.ok(codeIn(asked));
    assert.match((await silent()).location, /[?&]code=/);
    await tag({ "poolhouse:custom-auth-after-password": "*" });
    assert.match((await silent()).location, /error=login_required/, "the password was not asked for");
    const shown = await visitor.get(`/login?${queryOf(app)}`);
    assert.doesNotMatch(shown.text, /name="continue"/);
  });

  test("a sign-in that began before the tag was set does not end without the challenges", async () => {
    const { server, app, login, visitor, tag } = await setUp({});
    await turnMfa(server, app, "OPTIONAL");
    const secret = await giveSoftwareToken(server, (await signIn(server, app.ClientId, "ann")).AccessToken);
    server.clock.advance(60_000);
    const asked = await login({ username: "ann", password });
    assert.equal(asked.title, "Open your authenticator app – Notes");
    await tag(alone);
    const late = await visitor.submit(asked, "/challenge", { code: totp(secret, server.clock.now) });
    assert.match(late.text, /role="alert"[^>]*>That took too long/);
  });

  test("each way round it is closed: the password, a passkey, other clients, a client without the flow", async () => {
    const { server, app, visitor, login } = await setUp(alone);
    const page = `/login?${queryOf(app)}`;
    const direct = await visitor.post(page, { username: "ann", password, second: "1" });
    assert.match(direct.text, /What is 0 and one\?/);
    const forged = await visitor.post(page, { credential: JSON.stringify({ id: "x", type: "public-key" }) });
    assert.match(forged.text, /role="alert"/);
    assert.equal(forged.location, "");
    const asked = await login({ username: "ann" });
    const session = asked.forms.find(({ fields }) => "session" in fields)?.fields["session"] ?? assert.fail();
    const challenge = { ChallengeName: "CUSTOM_CHALLENGE", Session: session } as const;
    await assert.rejects(
      respond(server, app, challenge, { USERNAME: "ann", ANSWER: "1" }),
      refused("NotAuthorizedException"),
    );
    const without = await setUp(alone, { client: { ExplicitAuthFlows: ["ALLOW_USER_PASSWORD_AUTH"] } });
    const denied = await without.login({ username: "ann" });
    assert.equal(denied.location, "");
    assert.match(denied.text, /role="alert"|error/);
  });

  test("whoever confirms a sign-up here has to sign in with the challenges, too", async () => {
    const { server, app, visitor } = await setUp(alone, { pool: verifiedByMail });
    const email = newAddress();
    const form = await visitor.get(`/signup?${queryOf(app)}`);
    const asked = await visitor.submit(form, "/signup", { username: "una", password, email });
    const done = await visitor.submit(asked, "/confirmUser", { code: await server.code(email) });
    assert.match(done.text, /role="status">Your account is confirmed/);
    assert.match((await visitor.submit(done, "/login", {})).text, /What is 0 and one\?/);
  });
});
