/** A passkey that the browser offers in autofill: whom it signs in, and whom not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminDeleteUserCommand,
  AdminDisableUserCommand,
  AdminListUserAuthEventsCommand,
  AdminResetUserPasswordCommand,
  DeleteWebAuthnCredentialCommand,
  SetUserMFAPreferenceCommand,
  SetUserPoolMfaConfigCommand,
  SignUpCommand,
  UpdateUserPoolCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { sweep } from "../../src/store/sweep.ts";
import { Authenticator } from "../kit/authenticator.ts";
import { forceMfaOn } from "../kit/factors.ts";
import { makeClient, newAddress, password, verifiedMail } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";
import { makeOwner, makePasskeyApp } from "./passkeys.ts";
import { type App, callback, codeIn, dataOf, newVisitor, queryOf, redeem, type Shown } from "./visitor.ts";

const refusal = /role="alert"[^>]*>The passkey was not accepted/;
const over = /role="alert"[^>]*>That took too long/;

interface Credential {
  id: string;
  rawId: string;
  response: Record<string, string>;
}

const altered = (credential: string, change: (parsed: Credential) => unknown): string => {
  const parsed = JSON.parse(credential) as Credential;
  change(parsed);
  return JSON.stringify(parsed);
};

const base64url = (text: string) => Buffer.from(text).toString("base64url");

forOneServer("sqlite", "hosted pages: passkeys by autofill", (open) => {
  async function setUp(client: Parameters<typeof makePasskeyApp>[1] = {}) {
    const server = await open();
    const app = await makePasskeyApp(server, client);
    const owner = await makeOwner(server, app, "ann", undefined, verifiedMail());
    return { server, app, owner, ...at(server, app) };
  }

  /** A browser without cookies. */
  function at(server: TestServer, app: App) {
    const visitor = newVisitor(server, app);
    const query = queryOf(app);
    const offered = async () => dataOf(await visitor.get(`/login?${query}`), "passkey-autofill");
    const send = (credential: string) => {
      visitor.cookies.clear();
      return visitor.post(`/login?${query}`, { credential });
    };
    return { visitor, query, offered, send };
  }

  const rows = async (server: TestServer, app: App) => {
    const { length } = await server.app.db.kysely
      .selectFrom("sign_ins")
      .select("sign_in_id")
      .where("pool_id", "=", app.UserPoolId)
      .execute();
    return length;
  };

  test("a passkey signs its owner in without a username, and the page lists no passkeys of any user", async () => {
    const { server, app, owner, visitor, query, send } = await setUp();
    const page = await visitor.get(`/login?${query}`);
    assert.match(page.text, /name="username"[^>]*autocomplete="username webauthn"/);
    const options = JSON.parse(dataOf(page, "passkey-autofill"));
    assert.deepEqual(options.allowCredentials, []);
    assert.equal(options.rpId, "localhost");
    assert.equal(options.userVerification, "preferred");
    const done = await send(owner.authenticator.use(JSON.stringify(options)));
    const tokens = await redeem(server, app, codeIn(done));
    const [, claims = ""] = String(tokens["id_token"]).split(".");
    assert.equal(JSON.parse(Buffer.from(claims, "base64url").toString())["cognito:username"], "ann");
    // The browser is signed in.
    assert.match((await visitor.get(`/oauth2/authorize?${query}`)).location, /[?&]code=/);
    await server.app.authEvents.flush();
    const named = { UserPoolId: app.UserPoolId, Username: "ann" };
    const told = await server.client.send(new AdminListUserAuthEventsCommand(named));
    const [last] = told.AuthEvents ?? [];
    assert.equal(last?.EventType, "SignIn");
    assert.equal(last?.EventResponse, "Pass");
    assert.deepEqual(last?.ChallengeResponses, [{ ChallengeName: "Mfa", ChallengeResponse: "Success" }]);
  });

  test("a challenge is good once, also where many bring it at the same time", async () => {
    const { server, app, owner, offered, send } = await setUp();
    const credential = owner.authenticator.use(await offered());
    const all = await Promise.all(Array.from({ length: 6 }, () => at(server, app).send(credential)));
    const [done, ...refused] = all.toSorted((a, b) => b.status - a.status);
    codeIn(done!);
    for (const shown of refused) assert.match(shown.text, over);
    assert.match((await send(credential)).text, over);
    // Even if expired rows were removed by a server whose clock is fast.
    await sweep(server.app.db, server.clock.now + 30 * 60_000);
    assert.match((await send(credential)).text, over);
  });

  test("a challenge is good for its pool, its client and its time", async () => {
    const { server, app, owner, offered, send } = await setUp();
    const { authenticator } = owner;
    const strangers = await makePasskeyApp(server);
    const elsewhere = at(server, strangers);
    assert.match((await send(authenticator.use(await elsewhere.offered()))).text, over);
    assert.match((await elsewhere.send(authenticator.use(await offered()))).text, over);
    // The passkey of a user of another pool, for a challenge of that pool.
    assert.match((await elsewhere.send(authenticator.use(await elsewhere.offered()))).text, refusal);
    const second = await makeClient(server, app.UserPoolId, {
      CallbackURLs: [callback],
      AllowedOAuthFlowsUserPoolClient: true,
      AllowedOAuthFlows: ["code"],
      AllowedOAuthScopes: ["openid"],
    });
    const beside = at(server, { ...app, ...second });
    assert.match((await beside.send(authenticator.use(await offered()))).text, over);
    codeIn(await beside.send(authenticator.use(await beside.offered())));
    const late = authenticator.use(await offered());
    server.clock.advance(10 * 60_000);
    const shown = await send(late);
    assert.match(shown.text, over);
    // The page that reports it asks again.
    codeIn(await send(authenticator.use(dataOf(shown, "passkey-autofill"))));
  });

  test("whatever does not fit is refused in one sentence", async () => {
    const { server, app, owner, offered, send } = await setUp();
    const { authenticator } = owner;
    const bob = await makeOwner(server, app, "bob");
    const from = async (origin: string) => authenticator.use(await offered(), origin);
    const fresh = async () => authenticator.use(await offered());
    const handle = (credential: string) => (JSON.parse(credential) as Credential).response["userHandle"]!;
    const bobs = bob.authenticator.use(await offered());
    const unknown = new Authenticator(new URL(server.endpoint).origin);
    const { host } = new URL(server.endpoint);
    const answers: Record<string, string> = {
      "another user's handle": altered(await fresh(), ({ response }) => {
        response["userHandle"] = handle(bobs);
      }),
      "no handle": altered(await fresh(), ({ response }) => delete response["userHandle"]),
      "a handle that no id can be": altered(await fresh(), ({ response }) => {
        response["userHandle"] = base64url("a\0b");
      }),
      "an id of nobody": altered(await fresh(), ({ response }) => {
        response["userHandle"] = base64url("00000000-0000-4000-8000-000000000000");
      }),
      "another credential": altered(await fresh(), (parsed) => {
        parsed.id = parsed.rawId = base64url("another");
      }),
      "a credential that no id can be": altered(await fresh(), (parsed) => {
        parsed.id = parsed.rawId = "a\0b";
      }),
      "another signature": altered(await fresh(), ({ response }) => {
        response["signature"] = (JSON.parse(bobs) as Credential).response["signature"]!;
      }),
      "another relying party": authenticator.use(
        JSON.stringify({ ...JSON.parse(await offered()), rpId: "evil.example" }),
      ),
      "a passkey that nobody has registered": unknown.use(await offered()),
      "another origin": await from("https://evil.example"),
      "another port of this machine": await from("http://localhost:1"),
      "by https": await from(`https://${host}`),
      "below the relying party": await from(`http://evil.${host}`),
      "a registration": altered(await fresh(), ({ response }) => {
        const data = JSON.parse(Buffer.from(response["clientDataJSON"]!, "base64url").toString());
        response["clientDataJSON"] = base64url(JSON.stringify({ ...data, type: "webauthn.create" }));
      }),
      nothing: "",
      "no JSON": "credential",
      "an empty object": "{}",
      null: "null",
    };
    for (const [name, credential] of Object.entries(answers)) {
      const shown = await send(credential);
      assert.equal(shown.status, 200, name);
      assert.match(shown.text, refusal, name);
      assert.equal(shown.title, "Error: Sign in to Notes", name);
      assert.deepEqual(shown.response.headers.getSetCookie(), [], name);
    }
    const made = altered(await fresh(), ({ response }) => {
      const data = JSON.parse(Buffer.from(response["clientDataJSON"]!, "base64url").toString());
      response["clientDataJSON"] = base64url(JSON.stringify({ ...data, challenge: base64url("made up") }));
    });
    assert.match((await send(made)).text, over);
    codeIn(await send(await fresh()));
  });

  test("looking at the page and sending what does not verify store nothing", async () => {
    const { server, app, owner, offered, send } = await setUp();
    const before = await rows(server, app);
    for (let seen = 0; seen < 3; seen++) await offered();
    const wrong = altered(owner.authenticator.use(await offered()), ({ response }) => {
      response["signature"] = base64url("no signature");
    });
    assert.match((await send(wrong)).text, refusal);
    assert.equal(await rows(server, app), before);
    codeIn(await send(owner.authenticator.use(await offered())));
    assert.equal(await rows(server, app), before + 1);
  });

  test("who changed in between: a passkey deleted, a user disabled, to be reset, unconfirmed, deleted", async () => {
    const { server, app, owner, offered, send } = await setUp();
    const { authenticator, AccessToken } = owner;
    const named = { UserPoolId: app.UserPoolId, Username: "ann" };
    await server.client.send(new AdminResetUserPasswordCommand(named));
    assert.equal((await send(authenticator.use(await offered()))).title, "Choose a new password – Notes");
    await server.client.send(new AdminDisableUserCommand(named));
    const disabled = await send(authenticator.use(await offered()));
    assert.match(disabled.text, /role="alert"[^>]*>This account is turned off/);
    assert.deepEqual(disabled.response.headers.getSetCookie(), []);
    const bob = await makeOwner(server, app, "bob");
    const signed = bob.authenticator.use(await offered());
    const CredentialId = bob.authenticator.id.toString("base64url");
    await server.client.send(
      new DeleteWebAuthnCredentialCommand({ AccessToken: bob.AccessToken, CredentialId }),
    );
    assert.match((await send(signed)).text, refusal);
    const late = authenticator.use(await offered());
    await server.client.send(new AdminDeleteUserCommand(named));
    assert.match((await send(late)).text, refusal);
    assert.ok(AccessToken);
  });

  test("where two factors are demanded it is a way in only where it counts for two", async () => {
    const { server, app, owner, offered, send } = await setUp();
    const { authenticator, AccessToken } = owner;
    const { UserPoolId } = app;
    await forceMfaOn(server, app);
    assert.match((await send(authenticator.use(await offered()))).text, refusal);
    const WebAuthnConfiguration = {
      UserVerification: "required",
      FactorConfiguration: "MULTI_FACTOR_WITH_USER_VERIFICATION",
    } as const;
    await server.client.send(new SetUserPoolMfaConfigCommand({ UserPoolId, WebAuthnConfiguration }));
    const page = JSON.parse(await offered());
    assert.equal(page.userVerification, "required");
    assert.match((await send(authenticator.use(await offered()))).text, refusal);
    const WebAuthnMfaSettings = { Enabled: true };
    const EmailMfaSettings = { Enabled: true };
    await server.client.send(
      new SetUserMFAPreferenceCommand({ AccessToken, WebAuthnMfaSettings, EmailMfaSettings }),
    );
    codeIn(await send(authenticator.use(await offered())));
  });

  test("a pool that takes no passkeys, or none on this host, offers none and takes none", async () => {
    const { server, app, owner, visitor, query, offered, send } = await setUp();
    const { UserPoolId } = app;
    const signed = owner.authenticator.use(await offered());
    const plain = async (): Promise<Shown> => {
      const page = await visitor.get(`/login?${query}`);
      assert.doesNotMatch(page.text, /data-passkey-autofill|webauthn/);
      return page;
    };
    const WebAuthnConfiguration = { RelyingPartyId: "app.example" };
    await server.client.send(new SetUserPoolMfaConfigCommand({ UserPoolId, WebAuthnConfiguration }));
    const page = await plain();
    assert.match((await send(signed)).text, /role="alert"[^>]*>This is not available/);
    // A name leads directly to the password: there is no other factor.
    const asked = await visitor.submit(page, "/login", { username: "ann" });
    assert.equal(asked.title, "Enter your password – Notes");
    codeIn(await visitor.submit(asked, "/login", { password }));
    visitor.cookies.clear();
    const SignInPolicy = { AllowedFirstAuthFactors: ["PASSWORD"] } as never;
    await server.client.send(new UpdateUserPoolCommand({ UserPoolId, Policies: { SignInPolicy } }));
    await plain();
    assert.match((await send(signed)).text, /role="alert"[^>]*>This is not available/);
  });

  test("an account that is yet to be confirmed is told so, as by a password", async () => {
    const { server, app, offered, send } = await setUp();
    const UserAttributes = [{ Name: "email", Value: newAddress() }];
    const una = { ClientId: app.ClientId, Username: "una", Password: password, UserAttributes };
    await server.client.send(new SignUpCommand(una));
    const own = await makeOwner(server, app, "eve");
    // Nobody can create a passkey before that; here one is assigned to her.
    const named = (column: "user_id", username: string) =>
      server.app.db.kysely
        .selectFrom("users")
        .select(column)
        .where("username", "=", username)
        .where("pool_id", "=", app.UserPoolId)
        .executeTakeFirstOrThrow();
    const [una_, eve] = [await named("user_id", "una"), await named("user_id", "eve")];
    await server.app.db.kysely
      .updateTable("passkeys")
      .set({ user_id: una_.user_id })
      .where("user_id", "=", eve.user_id)
      .execute();
    const signed = altered(own.authenticator.use(await offered()), ({ response }) => {
      response["userHandle"] = base64url(una_.user_id);
    });
    assert.equal((await send(signed)).title, "Confirm your account – Notes");
  });
});
