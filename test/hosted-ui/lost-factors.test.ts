/**
 * A factor that is lost, replaced or now another's ends the sessions at the pages that were started with it, and
 * nothing else.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminDeleteSoftwareTokenCommand,
  AdminDeleteUserCommand,
  AdminUpdateUserAttributesCommand,
  AssociateSoftwareTokenCommand,
  DeleteUserAttributesCommand,
  DeleteWebAuthnCredentialCommand,
  UpdateUserAttributesCommand,
  VerifySoftwareTokenCommand,
  VerifyUserAttributeCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { giveSoftwareToken, totp, turnMfa } from "../kit/factors.ts";
import { makeUser, newAddress, password, signIn, verifiedMail } from "../kit/people.ts";
import { forOneServer } from "../kit/server.ts";
import { makeOwner, makePasskeyApp } from "./passkeys.ts";
import { type App, dataOf, makeApp, newVisitor, queryOf, type Shown, type Visitor } from "./visitor.ts";

const codeFlows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH"] as const;

async function isLetIn(visitor: Visitor, app: App): Promise<boolean> {
  const { location } = await visitor.get(`/oauth2/authorize?${queryOf(app, { prompt: "none" })}`);
  return new URL(location).searchParams.has("code");
}

function assertDone(shown: Shown): void {
  assert.match(shown.location, /[?&]code=/, shown.text);
}

async function byPassword(visitor: Visitor, app: App): Promise<Shown> {
  const page = await visitor.get(`/login?${queryOf(app)}`);
  const named = await visitor.submit(page, "/login", { username: "ann", password });
  if (!/name="password"/.test(named.text)) return named;
  return visitor.submit(named, "/login", { password });
}

forOneServer("sqlite", "factors that are lost, and what they have opened", (open) => {
  test("a passkey that is deleted", async () => {
    const server = await open();
    const app = await makePasskeyApp(server);
    const { AccessToken, authenticator } = await makeOwner(server, app, "ann", undefined, verifiedMail());
    const [byPasskey, other] = [newVisitor(server, app), newVisitor(server, app)];
    const query = queryOf(app);
    const offered = dataOf(await byPasskey.get(`/login?${query}`), "passkey-autofill");
    assertDone(await byPasskey.post(`/login?${query}`, { credential: authenticator.use(offered) }));
    const start = await other.get(`/login?${query}`);
    const choice = await other.submit(start, "/login", { username: "ann" });
    const asked = await other.submit(choice, "/challenge", { answer: "PASSWORD" });
    const done = asked.location ? asked : await other.submit(asked, "/login", { password });
    assertDone(done);
    assert.deepEqual([await isLetIn(byPasskey, app), await isLetIn(other, app)], [true, true]);
    const CredentialId = authenticator.id.toString("base64url");
    await server.client.send(new DeleteWebAuthnCredentialCommand({ AccessToken, CredentialId }));
    assert.deepEqual([await isLetIn(byPasskey, app), await isLetIn(other, app)], [false, true]);
  });

  /** Ann, who can sign in with her address, in two browsers: with a code, and with her password. */
  async function byMail() {
    const server = await open();
    const first = { SignInPolicy: { AllowedFirstAuthFactors: ["PASSWORD" as const, "EMAIL_OTP" as const] } };
    const pool = {
      Policies: first,
      AutoVerifiedAttributes: ["email" as const],
      UserAttributeUpdateSettings: { AttributesRequireVerificationBeforeUpdate: ["email" as const] },
    };
    const app = await makeApp(server, pool, { ExplicitAuthFlows: [...codeFlows] });
    const mail = verifiedMail();
    await makeUser(server, app.UserPoolId, "ann", mail);
    const [byCode, other] = [newVisitor(server, app), newVisitor(server, app)];
    const begin = async (visitor: Visitor, answer: string) => {
      const page = await visitor.get(`/login?${queryOf(app)}`);
      const choice = await visitor.submit(page, "/login", { username: "ann", choose: "1" });
      return visitor.submit(choice, "/challenge", { answer });
    };
    const asked = await begin(byCode, "EMAIL_OTP");
    assertDone(await byCode.submit(asked, "/challenge", { code: await server.code(mail[0]!.Value) }));
    assertDone(await other.submit(await begin(other, "PASSWORD"), "/login", { password }));
    const { AccessToken } = await signIn(server, app.ClientId, "ann");
    const named = { UserPoolId: app.UserPoolId, Username: "ann" };
    const letIn = async () => [await isLetIn(byCode, app), await isLetIn(other, app)];
    return { server, AccessToken, named, letIn };
  }

  test("an address that another takes the place of, from the moment it does", async () => {
    const { server, AccessToken, letIn } = await byMail();
    const { client } = server;
    const Value = newAddress();
    const UserAttributes = [{ Name: "email", Value }];
    await client.send(new UpdateUserAttributesCommand({ AccessToken, UserAttributes }));
    assert.deepEqual(await letIn(), [true, true]);
    const Code = await server.code(Value);
    await client.send(new VerifyUserAttributeCommand({ AccessToken, AttributeName: "email", Code }));
    assert.deepEqual(await letIn(), [false, true]);
  });

  test("an address that is deleted, or that an administrator changes or doubts", async () => {
    const deleted = await byMail();
    const UserAttributeNames = ["email"];
    await deleted.server.client.send(
      new DeleteUserAttributesCommand({ AccessToken: deleted.AccessToken, UserAttributeNames }),
    );
    assert.deepEqual(await deleted.letIn(), [false, true]);
    const changes = [
      [
        { Name: "email", Value: newAddress() },
        { Name: "email_verified", Value: "true" },
      ],
      [{ Name: "email_verified", Value: "false" }],
    ];
    for (const UserAttributes of changes) {
      const { server, named, letIn } = await byMail();
      await server.client.send(new AdminUpdateUserAttributesCommand({ ...named, UserAttributes }));
      assert.deepEqual(await letIn(), [false, true]);
    }
    const { server, named, letIn } = await byMail();
    const UserAttributes = [{ Name: "name", Value: "Ann" }];
    await server.client.send(new AdminUpdateUserAttributesCommand({ ...named, UserAttributes }));
    assert.deepEqual(await letIn(), [true, true]);
  });

  test("a software token that another takes the place of, or that an administrator removes", async () => {
    const server = await open();
    const app = await makeApp(server, {}, { ExplicitAuthFlows: [...codeFlows] });
    await turnMfa(server, app, "OPTIONAL");
    for (const how of ["replaced", "removed"]) {
      const Username = "ann";
      await makeUser(server, app.UserPoolId, Username);
      const { AccessToken } = await signIn(server, app.ClientId, Username);
      const secret = await giveSoftwareToken(server, AccessToken);
      server.clock.advance(61_000);
      const visitor = newVisitor(server, app);
      const asked = await byPassword(visitor, app);
      assertDone(await visitor.submit(asked, "/challenge", { code: totp(secret, server.clock.now) }));
      assert.equal(await isLetIn(visitor, app), true);
      if (how === "replaced") {
        const { SecretCode } = await server.client.send(new AssociateSoftwareTokenCommand({ AccessToken }));
        assert.equal(await isLetIn(visitor, app), true);
        const UserCode = totp(SecretCode!, server.clock.now);
        await server.client.send(new VerifySoftwareTokenCommand({ AccessToken, UserCode }));
      } else {
        await server.client.send(
          new AdminDeleteSoftwareTokenCommand({ UserPoolId: app.UserPoolId, Username }),
        );
      }
      assert.equal(await isLetIn(visitor, app), false, how);
      await server.client.send(new AdminDeleteUserCommand({ UserPoolId: app.UserPoolId, Username }));
    }
  });
});
