/** Browser sessions in pools that track them: listed, revoked with and without what came through them, and reused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminRevokeUserSessionCommand,
  CreateUserPoolClientCommand,
  GetTokensFromRefreshTokenCommand,
  GlobalSignOutCommand,
  type RevokeAssociatedSessionsType,
  RevokeTokenCommand,
  RevokeUserSessionCommand,
  type SessionDescriptionType,
  SetUserPoolClientSessionConfigurationCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { listBrowserSessions, putBrowserSession } from "../../src/store/browser-sessions.ts";
import { gone, revoked, setUpSessions, track, untrack } from "../api/tracking.ts";
import { password } from "../kit/people.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import {
  type App,
  callback,
  codeIn,
  newVisitor,
  queryOf,
  redeem,
  type Shown,
  type Visitor,
} from "./visitor.ts";

const minute = 60_000;
const oauth = {
  ClientName: "Notes",
  CallbackURLs: [callback],
  AllowedOAuthFlowsUserPoolClient: true,
  AllowedOAuthFlows: ["code" as const, "implicit" as const],
  AllowedOAuthScopes: ["openid", "aws.cognito.signin.user.admin"],
  SupportedIdentityProviders: ["COGNITO"],
  ExplicitAuthFlows: ["ALLOW_REFRESH_TOKEN_AUTH" as const, "ALLOW_USER_PASSWORD_AUTH" as const],
};

const ofType = (type: "SSO" | "TOKEN", sessions: SessionDescriptionType[]) =>
  sessions.filter(({ SessionType }) => SessionType === type);

forEachServer("sessions of browsers", (open) => {
  /** Two applications of a pool, and Ann in it. */
  async function setUp() {
    const server = await open();
    server.clock.freeze();
    const pool = await setUpSessions(server, 20, oauth);
    const { UserPoolId, client } = pool;
    const made = await client.send(new CreateUserPoolClientCommand({ ...oauth, UserPoolId }));
    const notes: App = pool;
    const mail: App = { ...notes, ClientId: made.UserPoolClient!.ClientId! };
    const minutes = (app: App, MaxValidityMinutes: number) =>
      client.send(
        new SetUserPoolClientSessionConfigurationCommand({
          UserPoolId,
          ClientId: app.ClientId,
          SSOSession: { MaxValidityMinutes },
        }),
      );
    const revoke = (SessionId: string, RevokeAssociatedSessions?: RevokeAssociatedSessionsType) =>
      client.send(new AdminRevokeUserSessionCommand({ ...pool.named, SessionId, RevokeAssociatedSessions }));
    /** The session of the only browser. */
    const sso = async () => {
      const [one, ...more] = ofType("SSO", await pool.list());
      assert.equal(more.length, 0);
      return one ?? assert.fail("no session of a browser");
    };
    return { ...pool, server, notes, mail, minutes, revoke, sso };
  }

  async function login(visitor: Visitor, app: App, from: Record<string, string> = {}): Promise<Shown> {
    const path = `/login?${queryOf(app, { prompt: "login" })}`;
    const page = await visitor.get(path);
    const fields = { ...page.forms[0]?.fields, username: "ann", password };
    return visitor.post(path, fields, from);
  }
  const authorize = (visitor: Visitor, app: App, more: Record<string, string> = {}) =>
    visitor.get(`/oauth2/authorize?${queryOf(app, more)}`);
  const isLetIn = async (visitor: Visitor, app: App) =>
    /[?&]code=/.test((await authorize(visitor, app)).location);
  const tokensBy = async (server: TestServer, app: App, shown: Shown) => {
    const code = new URL(shown.location).searchParams.get("code") ?? assert.fail(shown.location);
    const tokens = await redeem(server, app, code);
    return { AccessToken: tokens["access_token"] as string, RefreshToken: tokens["refresh_token"] as string };
  };

  test("a sign-in at the pages is one of the browser, and one of tokens for each application", async () => {
    const { server, notes, mail, list, sso, use } = await setUp();
    const visitor = newVisitor(server, notes);
    const began = new Date(server.clock.now);
    const chrome =
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36";
    const done = await login(visitor, notes, { "user-agent": chrome });
    assert.match(done.response.headers.getSetCookie().join(), /; Max-Age=3600; /);
    const first = await tokensBy(server, notes, done);
    server.clock.advance(minute);
    const second = await tokensBy(server, mail, await authorize(visitor, mail));
    const browser = await sso();
    const DeviceType = "Chrome 125 / macOS 10.15.7";
    const LastLocation = { Country: "unknown" };
    const about = { LastIPAddress: "127.0.0.1", LastLocation, IsCurrentSession: false };
    assert.match(browser.SessionId ?? "", /^sso[0-9a-z]{25}$/);
    const later = new Date(server.clock.now);
    assert.deepEqual(browser, {
      ...about,
      SessionId: browser.SessionId,
      SessionType: "SSO",
      ClientId: notes.ClientId,
      CreateDate: began,
      LastActiveDate: later,
      // The latest use, by a browser without a User-Agent of its own.
      DeviceType: "node",
    });
    const [newer, older] = ofType("TOKEN", await list());
    assert.deepEqual(
      { ...older, SessionId: "" },
      {
        ...about,
        SessionId: "",
        SessionType: "TOKEN",
        ClientId: notes.ClientId,
        CreateDate: began,
        LastActiveDate: began,
        // That of the browser, not of the application's server that has redeemed the code.
        DeviceType,
        OriginSessionId: browser.SessionId,
      },
    );
    assert.deepEqual([newer?.ClientId, newer?.OriginSessionId], [mail.ClientId, browser.SessionId]);
    await use(first.AccessToken);
    await use(second.AccessToken);
  });

  test("revoked alone, a browser's session is over and its tokens go on; LINKED takes them along", async () => {
    const { server, notes, mail, list, sso, use, revoke } = await setUp();
    const visitor = newVisitor(server, notes);
    const one = await tokensBy(server, notes, await login(visitor, notes));
    const { SessionId: first = "" } = await sso();
    await revoke(first, "NONE");
    assert.equal(await isLetIn(visitor, notes), false);
    await use(one.AccessToken);
    await assert.rejects(revoke(first), gone);
    const two = await tokensBy(server, notes, await login(visitor, notes));
    const three = await tokensBy(server, mail, await authorize(visitor, mail));
    const unredeemed = codeIn(await visitor.post(`/login?${queryOf(mail)}`, { continue: "1" }));
    await revoke((await sso()).SessionId!, "LINKED");
    assert.equal(await isLetIn(visitor, mail), false);
    for (const { AccessToken } of [two, three]) await assert.rejects(use(AccessToken), revoked);
    await assert.rejects(redeem(server, mail, unredeemed), /invalid_grant/);
    // What had come through the other one.
    await use(one.AccessToken);
    assert.equal((await list()).length, 1);
  });

  test("with the tokens' session, LINKED ends the browser's, and not what else came through it", async () => {
    const { server, client, notes, mail, sso, use, revoke, currentId } = await setUp();
    const visitor = newVisitor(server, notes);
    const one = await tokensBy(server, notes, await login(visitor, notes));
    const two = await tokensBy(server, mail, await authorize(visitor, mail));
    await revoke(await currentId(one.AccessToken), "NONE");
    assert.equal(await isLetIn(visitor, mail), true);
    const three = await tokensBy(server, notes, await authorize(visitor, notes));
    await revoke(await currentId(three.AccessToken), "LINKED");
    assert.equal(await isLetIn(visitor, mail), false);
    await assert.rejects(use(three.AccessToken), revoked);
    await use(two.AccessToken);
    // The calling user keeps the tokens of the call.
    const four = await tokensBy(server, notes, await login(visitor, notes));
    const five = await tokensBy(server, mail, await authorize(visitor, mail));
    const own = { SessionId: (await sso()).SessionId, RevokeAssociatedSessions: "LINKED" as const };
    await client.send(new RevokeUserSessionCommand({ AccessToken: five.AccessToken, ...own }));
    assert.equal(await isLetIn(visitor, mail), false);
    await assert.rejects(use(four.AccessToken), revoked);
    await use(five.AccessToken);
  });

  test("RevokeToken ends the browser's session only with LINKED, and while sessions are tracked", async () => {
    const { server, client, UserPoolId, notes, mail, use } = await setUp();
    const visitor = newVisitor(server, notes);
    const { ClientId } = notes;
    const revokeToken = (Token: string, RevokeAssociatedSessions?: RevokeAssociatedSessionsType) =>
      client.send(new RevokeTokenCommand({ ClientId, Token, RevokeAssociatedSessions }));
    const one = await tokensBy(server, notes, await login(visitor, notes));
    const two = await tokensBy(server, mail, await authorize(visitor, mail));
    await revokeToken(one.RefreshToken);
    assert.equal(await isLetIn(visitor, notes), true);
    // A token that is already revoked has no further effect.
    await revokeToken(one.RefreshToken, "LINKED");
    assert.equal(await isLetIn(visitor, notes), true);
    const three = await tokensBy(server, notes, await authorize(visitor, notes));
    await revokeToken(three.RefreshToken, "LINKED");
    assert.equal(await isLetIn(visitor, notes), false);
    await use(two.AccessToken);
    const four = await tokensBy(server, notes, await login(visitor, notes));
    await untrack(server, UserPoolId);
    await revokeToken(four.RefreshToken, "LINKED");
    assert.equal(await isLetIn(visitor, notes), true);
  });

  test("each application lets in as long as it was set to, from the sign-in on; 0 is never", async () => {
    const { server, UserPoolId, notes, mail, minutes } = await setUp();
    const visitor = newVisitor(server, notes);
    await minutes(mail, 0);
    await minutes(notes, 120);
    const done = await login(visitor, mail);
    assert.match(done.response.headers.getSetCookie().join(), /; Max-Age=7200; /);
    codeIn(done);
    assert.equal(await isLetIn(visitor, notes), true);
    assert.match((await authorize(visitor, mail)).location, /\/login\?/);
    assert.match((await authorize(visitor, mail, { prompt: "none" })).location, /error=login_required/);
    assert.equal((await visitor.get(`/login?${queryOf(mail)}`)).title, "Sign in to Notes");
    const forced = await visitor.post(`/login?${queryOf(mail)}`, { continue: "1" });
    assert.equal([forced.status, forced.title].join(), "200,Sign in to Notes");
    await minutes(mail, 60);
    server.clock.advance(60 * minute - 1);
    assert.equal(await isLetIn(visitor, mail), true);
    server.clock.advance(1);
    assert.equal(await isLetIn(visitor, mail), false);
    assert.equal(await isLetIn(visitor, notes), true);
    // Without tracking it is an hour for everybody.
    await untrack(server, UserPoolId);
    assert.equal(await isLetIn(visitor, notes), false);
    await track(server, UserPoolId);
    server.clock.advance(60 * minute - 1);
    assert.equal(await isLetIn(visitor, notes), true);
    server.clock.advance(1);
    assert.equal(await isLetIn(visitor, notes), false);
  });

  test("who signs in again in the same browser goes on with its session, by a new cookie", async () => {
    const { server, notes, mail, list, sso, currentId } = await setUp();
    const visitor = newVisitor(server, notes);
    const one = await tokensBy(server, notes, await login(visitor, notes));
    const { SessionId: first, CreateDate } = await sso();
    const former = newVisitor(server, notes);
    for (const [name, value] of visitor.cookies) former.cookies.set(name, value);
    server.clock.advance(minute);
    await tokensBy(server, mail, await login(visitor, mail));
    const same = await sso();
    assert.deepEqual([same.SessionId, same.CreateDate, same.ClientId], [first, CreateDate, mail.ClientId]);
    assert.notDeepEqual([...visitor.cookies], [...former.cookies]);
    assert.equal(await isLetIn(former, notes), false);
    assert.equal(await isLetIn(visitor, notes), true);
    const origins = ofType("TOKEN", await list()).map(({ OriginSessionId }) => OriginSessionId);
    assert.deepEqual(origins, [first, first]);
    assert.equal((await list()).length, 3);
    // Another browser is another session, and the owner ends them all at once.
    const elsewhere = newVisitor(server, notes);
    codeIn(await login(elsewhere, notes));
    assert.equal(ofType("SSO", await list()).length, 2);
    await currentId(one.AccessToken);
    await server.client.send(new GlobalSignOutCommand({ AccessToken: one.AccessToken }));
    for (const browser of [visitor, elsewhere]) assert.equal(await isLetIn(browser, notes), false);
    assert.deepEqual(await list(), []);
    codeIn(await login(visitor, notes));
    assert.notEqual((await sso()).SessionId, first);
  });

  test("a rotation of tokens is the browser's session's latest activity too", async () => {
    const { server, client, UserPoolId, notes, sso } = await setUp();
    const rotation = { Feature: "ENABLED" as const, RetryGracePeriodSeconds: 0 };
    const made = await client.send(
      new CreateUserPoolClientCommand({
        ...oauth,
        UserPoolId,
        ExplicitAuthFlows: ["ALLOW_USER_SRP_AUTH"],
        RefreshTokenRotation: rotation,
      }),
    );
    const rotating: App = { ...notes, ClientId: made.UserPoolClient!.ClientId! };
    const visitor = newVisitor(server, notes);
    const still = await tokensBy(server, notes, await login(visitor, notes));
    const moving = await tokensBy(server, rotating, await authorize(visitor, rotating));
    const began = server.clock.now;
    const refresh = ({ ClientId }: App, { RefreshToken }: { RefreshToken: string }) =>
      client.send(new GetTokensFromRefreshTokenCommand({ ClientId, RefreshToken }));
    server.clock.advance(minute);
    await refresh(notes, still);
    assert.deepEqual((await sso()).LastActiveDate, new Date(began));
    await refresh(rotating, moving);
    assert.deepEqual((await sso()).LastActiveDate, new Date(began + minute));
  });

  test("tracking that begins while a browser is signed in: its session goes on, and is not listed", async () => {
    const { server, UserPoolId, notes, list, use } = await setUp();
    await untrack(server, UserPoolId);
    const visitor = newVisitor(server, notes);
    codeIn(await login(visitor, notes));
    await track(server, UserPoolId);
    const given = await authorize(visitor, notes, { response_type: "token" });
    const token = new URLSearchParams(new URL(given.location).hash.slice(1)).get("access_token");
    await use(token!);
    const tokens = await tokensBy(server, notes, await authorize(visitor, notes));
    await use(tokens.AccessToken);
    const origins = (await list()).map(({ SessionType, OriginSessionId }) => [SessionType, OriginSessionId]);
    assert.deepEqual(origins, [
      ["TOKEN", undefined],
      ["TOKEN", undefined],
    ]);
  });

  test("/logout ends it, with the code that nobody has redeemed", async () => {
    const { server, notes, list } = await setUp();
    const visitor = newVisitor(server, notes);
    const done = await login(visitor, notes);
    await visitor.submit(await visitor.get(`/signout?client_id=${notes.ClientId}`), "/signout");
    assert.deepEqual(await list(), []);
    const body = { grant_type: "authorization_code", client_id: notes.ClientId, redirect_uri: callback };
    const code = new URL(done.location).searchParams.get("code") ?? assert.fail(done.location);
    const answer = await fetch(`${server.endpoint}/${notes.UserPoolId}/oauth2/token`, {
      method: "POST",
      body: new URLSearchParams({ ...body, code }),
    });
    assert.equal(((await answer.json()) as Record<string, unknown>)["error"], "invalid_grant");
    assert.deepEqual(await list(), []);
  });

  test("tokens of the implicit grant are a session for as long as they are good", async () => {
    const { server, notes, list, sso, use, revoke } = await setUp();
    const visitor = newVisitor(server, notes);
    codeIn(await login(visitor, notes));
    const given = await authorize(visitor, notes, { response_type: "token" });
    const token = new URLSearchParams(new URL(given.location).hash.slice(1)).get("access_token");
    const [session] = ofType("TOKEN", await list());
    assert.equal(session?.OriginSessionId, (await sso()).SessionId);
    await use(token!);
    await revoke(session?.SessionId ?? "");
    await assert.rejects(use(token!), revoked);
    await authorize(visitor, notes, { response_type: "token" });
    server.clock.advance(60 * minute);
    assert.deepEqual(await list(), []);
  });

  test("a user has at most 25 of them; the least recently used one ends", async () => {
    const { server, UserPoolId, notes, list } = await setUp();
    const visitor = newVisitor(server, notes);
    codeIn(await login(visitor, notes));
    const { db } = server.app;
    const user = await db.kysely
      .selectFrom("users")
      .select(["user_id", "sign_outs"])
      .where("pool_id", "=", UserPoolId)
      .executeTakeFirstOrThrow();
    const of = { poolId: UserPoolId, userId: user.user_id, signOuts: user.sign_outs };
    const [real] = await listBrowserSessions(db, of, server.clock.now);
    for (let at = 1; at < 30; at++) {
      const tracked = { ...real!.tracked!, id: `sso${String(at).padStart(25, "0")}`, activeAt: at };
      await putBrowserSession(db, { ...real!, hash: `made-${at}`, browserHash: `browser-${at}`, tracked });
    }
    codeIn(await login(newVisitor(server, notes), notes));
    const kept = ofType("SSO", await list());
    assert.equal(kept.length, 25);
    assert.ok(kept.some(({ SessionId }) => SessionId === real?.tracked?.id));
    assert.ok(!kept.some(({ SessionId }) => SessionId === `sso${"6".padStart(25, "0")}`));
    assert.ok(kept.some(({ SessionId }) => SessionId === `sso${"7".padStart(25, "0")}`));
  });

  test("codes that are redeemed at the same moment do not make more sessions than MaxPerUser", async () => {
    const { server, UserPoolId, notes, list, use } = await setUp();
    await track(server, UserPoolId, 2);
    const visitor = newVisitor(server, notes);
    codeIn(await login(visitor, notes));
    for (let round = 0; round < 3; round++) {
      server.clock.advance(1000);
      const granted: Shown[] = [];
      for (let at = 0; at < 8; at++) granted.push(await authorize(visitor, notes));
      const all = await Promise.all(granted.map((one) => tokensBy(server, notes, one)));
      assert.equal(ofType("TOKEN", await list()).length, 2);
      const good = await Promise.allSettled(all.map(({ AccessToken }) => use(AccessToken)));
      assert.equal(good.filter(({ status }) => status === "fulfilled").length, 2);
    }
  });

  test("nothing that is granted while a session is revoked with what is LINKED outlives it", async () => {
    const { server, notes, sso, use, revoke } = await setUp();
    for (let round = 0; round < 4; round++) {
      const visitor = newVisitor(server, notes);
      codeIn(await login(visitor, notes));
      const { SessionId = "" } = await sso();
      const granted: string[] = [];
      const grant = async () => {
        const { location } = await authorize(visitor, notes);
        const code = URL.canParse(location) ? new URL(location).searchParams.get("code") : null;
        if (code === null) return;
        const tokens = await redeem(server, notes, code).catch(() => undefined);
        if (tokens !== undefined) granted.push(tokens["access_token"] as string);
      };
      await Promise.all([grant(), grant(), grant(), revoke(SessionId, "LINKED"), grant(), grant()]);
      for (const token of granted) await assert.rejects(use(token), revoked);
    }
  });
});
