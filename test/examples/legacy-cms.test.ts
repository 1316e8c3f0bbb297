/**
 * examples/legacy-cms: users of the legacy service move to the pool at their first sign-in, by each way to sign in; both
 * systems go on; and nobody is half moved when the legacy service refuses, is away, is slow or lies.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import {
  AdminGetUserCommand,
  AdminInitiateAuthCommand,
  AdminUpdateUserAttributesCommand,
  ConfirmForgotPasswordCommand,
  ConfirmSignUpCommand,
  ForgotPasswordCommand,
  InitiateAuthCommand,
  ListUsersCommand,
  RespondToAuthChallengeCommand,
  SignUpCommand,
  UpdateUserAttributesCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { decodeJwt } from "jose";
import { forOneDatabase } from "../kit/databases.ts";
import { attributesOf, makePool, refused, signIn } from "../kit/people.ts";
import { newSdk } from "../kit/sdk.ts";
import { SrpClient } from "../kit/srp-client.ts";
import { until } from "../kit/waiting.ts";
import { addLegacyUsers, type Example, programs, startExample, startProgram } from "./legacy-cms.ts";
import { newVisitor } from "./visitor.ts";

const wrong = refused("NotAuthorizedException", "Incorrect username or password.");
const chosen = "Another-Horse-8";

const extras = ["bea", "carl", "dora", "emil", "fred", "gil", "hal", "ida"];

const userOf = async ({ server, UserPoolId }: Example, Username: string) => {
  const user = await server.client.send(new AdminGetUserCommand({ UserPoolId, Username }));
  return { ...user, attributes: attributesOf(user.UserAttributes) };
};

const isAbsent = (app: Example, name: string) =>
  assert.rejects(userOf(app, name), { name: "UserNotFoundException" }, `${name} is half moved`);

/** What a mobile app does. */
async function legacyLogin({ legacyUrl }: Example, username: string, password: string) {
  const body = new URLSearchParams({ username, password });
  const answer = await fetch(new URL("/api/login", legacyUrl), { method: "POST", body });
  return { status: answer.status, body: (await answer.json()) as Record<string, string | number> };
}

/** The proof is dated by the server's clock. */
async function signInBySrp({ server, UserPoolId, ClientId, password }: Example, name: string) {
  const srp = new SrpClient();
  const asked = await server.client.send(
    new InitiateAuthCommand({
      ClientId,
      AuthFlow: "USER_SRP_AUTH",
      AuthParameters: { USERNAME: name, SRP_A: srp.srpA },
    }),
  );
  return server.client.send(
    new RespondToAuthChallengeCommand({
      ClientId,
      ChallengeName: asked.ChallengeName,
      ChallengeResponses: srp.prove(
        UserPoolId,
        asked.ChallengeParameters ?? {},
        password,
        new Date(server.clock.now),
      ),
    }),
  );
}

test("the handler is the article's, but for the URL", () => {
  const handler = readFileSync(join(programs, "handlers", "migrate_user.py"));
  const printed = "e07d4e42e946234686ec761b5cd1bb5f13f817923db73c87c654f11c2e108414";
  assert.equal(createHash("sha256").update(handler).digest("hex"), printed);
});

describe("examples/legacy-cms", () => {
  forOneDatabase("postgres", (database, _open, fresh) => {
    let started: Promise<Example> | undefined;
    const example = () => {
      started ??= startExample(database, fresh).then(async (app) => {
        await addLegacyUsers(app, extras);
        return app;
      });
      return started;
    };
    const kept: { kill(): unknown }[] = [];
    after(async () => {
      for (const one of kept) one.kill();
      await (await started)?.close();
    });

    test("USER_PASSWORD_AUTH and ADMIN_USER_PASSWORD_AUTH of users whom the pool never saw", async () => {
      const app = await example();
      const { server, UserPoolId, ClientId, password, folder } = app;
      const pointed = readFileSync(join(folder, "functions", "migrate_user.py"), "utf8");
      const printed = readFileSync(join(programs, "handlers", "migrate_user.py"), "utf8");
      assert.equal(pointed.replace(app.relay.url, "https://cms.example.com/"), printed);
      assert.notEqual(pointed, printed);

      const { IdToken } = await signIn(server, ClientId, "ada", password);
      const { body } = await legacyLogin(app, "ada", password);
      assert.equal(decodeJwt(IdToken)["custom:legacy_id"], String(body["userid"]));
      await server.client.send(
        new AdminInitiateAuthCommand({
          ...{ UserPoolId, ClientId, AuthFlow: "ADMIN_USER_PASSWORD_AUTH" },
          AuthParameters: { USERNAME: "grace", PASSWORD: password },
        }),
      );
      for (const [name, display] of Object.entries({ ada: "Ada Lovelace", grace: "Grace Hopper" })) {
        const { UserStatus, attributes } = await userOf(app, name);
        assert.equal(UserStatus, "CONFIRMED");
        assert.equal(attributes["name"], display);
        assert.equal(attributes["email_verified"], "true");
        assert.deepEqual(await server.inbox(`${name}@example.com`), []);
      }
      const asked = app.relay.asked.length;
      await signIn(server, ClientId, "ada", password);
      assert.equal(app.relay.asked.length, asked, "the pool knows her now");
      await assert.rejects(signIn(server, ClientId, "ada", "wrong"), wrong);
    });

    test("at the hosted page; the CMS finds its record; the mobile apps' login goes on", async () => {
      const app = await example();
      kept.push(await startProgram(app.folder, "cms/server.ts"));
      const visitor = newVisitor();
      const entry = new URL("/sign-in", app.settings["CMS_URL"]);
      const shown = await visitor.signIn(entry, "mary", app.password);
      assert.match(shown.text, /<h1>Articles of Mary Somerville<\/h1>/);
      assert.match(shown.text, /The first article of Mary Somerville/);
      assert.equal((await userOf(app, "mary")).UserStatus, "CONFIRMED");

      const { status, body } = await legacyLogin(app, "mary", app.password);
      assert.equal(status, 200);
      const articles = await fetch(new URL("/api/articles", app.legacyUrl), {
        headers: { authorization: `Bearer ${body["session"]}` },
      });
      assert.match(await articles.text(), /The first article of Mary Somerville/);
    });

    test("who signs up at the pool gets a record; nobody signs up with the name of one who has not moved", async () => {
      const app = await example();
      const { server, ClientId } = app;
      const signUp = (Username: string, more: readonly { Name: string; Value: string }[] = []) =>
        server.client.send(
          new SignUpCommand({
            ...{ ClientId, Username, Password: chosen },
            UserAttributes: [{ Name: "email", Value: `${Username}@new.example` }, ...more],
          }),
        );
      await assert.rejects(
        signUp("bea"),
        refused("UserLambdaValidationException", "PreSignUp failed with error This name is taken."),
      );
      const stolen = [{ Name: "custom:legacy_id", Value: "1" }];
      await assert.rejects(signUp("newt", stolen), { name: "NotAuthorizedException" });
      await signUp("newt");
      const ConfirmationCode = await server.code("newt@new.example");
      await server.client.send(new ConfirmSignUpCommand({ ClientId, Username: "newt", ConfirmationCode }));
      const { AccessToken } = await signIn(server, ClientId, "newt", chosen);
      const { attributes } = await userOf(app, "newt");
      assert.match(attributes["custom:legacy_id"] ?? "", /^\d+$/);
      assert.equal((await legacyLogin(app, "newt", chosen)).status, 401, "the record has no password");
      const change = new UpdateUserAttributesCommand({ AccessToken, UserAttributes: stolen });
      await assert.rejects(server.client.send(change), { name: "NotAuthorizedException" });
      const { IdToken } = await signIn(server, ClientId, "newt", chosen);
      assert.equal(decodeJwt(IdToken)["custom:legacy_id"], attributes["custom:legacy_id"]);
    });

    test("the functions' key may do what the article's policy says, and nothing else", async () => {
      const app = await example();
      const { server, UserPoolId, key } = app;
      const credentials = { credentials: { ...key } };
      const client = newSdk(server.endpoint, credentials);
      try {
        await signIn(server, app.ClientId, "carl", app.password);
        const Username = "carl";
        const UserAttributes = [{ Name: "name", Value: "Carl the Great" }];
        await client.send(new AdminUpdateUserAttributesCommand({ UserPoolId, Username, UserAttributes }));
        assert.equal((await userOf(app, Username)).attributes["name"], "Carl the Great");
        const other = await makePool(server);
        const denied = { name: "AccessDeniedException" };
        await assert.rejects(
          client.send(
            new AdminUpdateUserAttributesCommand({ UserPoolId: other.UserPoolId, Username, UserAttributes }),
          ),
          denied,
        );
        await assert.rejects(client.send(new AdminGetUserCommand({ UserPoolId, Username })), denied);
        await assert.rejects(client.send(new ListUsersCommand({ UserPoolId })), denied);
        const AuthParameters = { USERNAME: Username, PASSWORD: app.password };
        await assert.rejects(
          client.send(
            new AdminInitiateAuthCommand({
              ...{ UserPoolId, ClientId: app.ClientId, AuthParameters },
              AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
            }),
          ),
          denied,
        );
      } finally {
        client.destroy();
      }
    });

    test("a legacy service that refuses, is away, is slow or lies moves nobody, and Cognito's answer is the same", async () => {
      const app = await example();
      const { relay, server, ClientId, password } = app;
      await assert.rejects(signIn(server, ClientId, "dora", "wrong"), wrong);
      const about = { userid: 7, username: "dora", display_name: "D", email: "dora@mail.example" };
      const saying = (body: unknown, status = 200) => ({
        status,
        body: typeof body === "string" ? body : JSON.stringify(body),
      });
      const harms = {
        away: "cut",
        failing: saying({ error: "failed" }, 500),
        garbage: saying("<html>Welcome!</html>"),
        "no object": saying([1, 2]),
        nothing: saying(""),
        "members missing": saying({ username: "dora" }),
        "no address": saying({ ...about, email: "D. of M." }),
        "members of other types": saying({ ...about, email: { at: "mail.example" } }),
        "an id longer than the pool allows": saying({ ...about, userid: "7".repeat(3000) }),
      } as const;
      for (const [what, harm] of Object.entries(harms)) {
        const asked = relay.asked.length;
        relay.plan = () => harm;
        await assert.rejects(signIn(server, ClientId, "dora", password), wrong, what);
        assert.equal(relay.asked.length, asked + 1, `${what}: it was asked once`);
        await isAbsent(app, "dora");
        server.clock.advance(60 * 60_000);
      }
      relay.plan = () => undefined;
      await signIn(server, ClientId, "dora", password);
    });

    test("a legacy service that does not answer in time moves nobody", async () => {
      const { relay, server, password } = await example();
      const { UserPoolId, ClientId } = await makePool(server, {
        LambdaConfig: { UserMigration: "arn:aws:lambda:us-east-1:000000000000:function:migrate-hasty" },
        Schema: [{ Name: "legacy_id", AttributeDataType: "String", Mutable: true }],
      });
      relay.plan = () => "hang";
      try {
        await assert.rejects(signIn(server, ClientId, "dora", password), {
          name: "UserNotFoundException",
          message: "User does not exist.",
        });
      } finally {
        relay.plan = () => undefined;
      }
      const { Users } = await server.client.send(new ListUsersCommand({ UserPoolId }));
      assert.deepEqual(Users, []);
    });

    test("somebody else's name in the answer makes nobody else: the one who signed in gets their own name", async () => {
      const app = await example();
      const { relay, server, ClientId, password } = app;
      await signIn(server, ClientId, "emil", password);
      const before = await userOf(app, "emil");
      const lie = { userid: 666, username: "emil", display_name: "F", email: "fred@mail.example" };
      relay.plan = () => ({ status: 200, body: JSON.stringify(lie) });
      try {
        const { AccessToken } = await signIn(server, ClientId, "fred", password);
        assert.equal(decodeJwt(AccessToken)["username"], "fred");
      } finally {
        relay.plan = () => undefined;
      }
      assert.deepEqual((await userOf(app, "emil")).attributes, before.attributes);
    });

    test("two first sign-ins at once make one user", async () => {
      const { relay, server, ClientId, UserPoolId, password } = await example();
      relay.gather(2);
      const both = await Promise.all([1, 2].map(() => signIn(server, ClientId, "gil", password)));
      const [first, second] = both.map(({ AccessToken }) => decodeJwt(AccessToken).sub);
      assert.equal(first, second);
      const Filter = 'username = "gil"';
      const { Users } = await server.client.send(new ListUsersCommand({ UserPoolId, Filter }));
      assert.deepEqual(
        Users?.map(({ UserStatus }) => UserStatus),
        ["CONFIRMED"],
      );
    });

    test("guesses are counted before the legacy service is asked", async () => {
      const { relay, server, ClientId } = await example();
      server.clock.freeze();
      const exceeded = refused("NotAuthorizedException", "Password attempts exceeded");
      await assert.rejects(async () => {
        for (let turn = 0; turn < 30; turn++)
          await signIn(server, ClientId, "hal", `guess-${turn}`).catch((error: Error) => {
            if (error.message !== wrong.message) throw error;
          });
      }, exceeded);
      const asked = relay.asked.length;
      for (const guess of ["a", "b"]) await assert.rejects(signIn(server, ClientId, "hal", guess), exceeded);
      assert.equal(relay.asked.length, asked);
      server.clock.advance(60 * 60_000);
    });

    test("a forgotten password: the user moves, gets a code, and chooses a new one", async () => {
      const app = await example();
      const { server, ClientId } = app;
      const forget = (Username: string) =>
        server.client.send(new ForgotPasswordCommand({ ClientId, Username }));
      await forget("ida");
      assert.equal((await userOf(app, "ida")).UserStatus, "RESET_REQUIRED");
      await until("the code is there", async () => (await server.inbox("ida@mail.example")).length > 0);
      await server.client.send(
        new ConfirmForgotPasswordCommand({
          ...{ ClientId, Username: "ida", Password: chosen },
          ConfirmationCode: await server.code("ida@mail.example"),
        }),
      );
      await signIn(server, ClientId, "ida", chosen);
      assert.equal((await userOf(app, "ida")).attributes["name"], "The ida");
      // Nobody has this name: it is answered in the same way.
      const { CodeDeliveryDetails } = await forget("nobody");
      assert.equal(CodeDeliveryDetails?.DeliveryMedium, "EMAIL");
      await isAbsent(app, "nobody");
    });

    test("with the legacy service stopped, those who moved sign in by SRP, and the others do not", async () => {
      const app = await example();
      const { server, ClientId, password, legacy } = app;
      await signIn(server, ClientId, "ada", password);
      const exited = once(legacy, "exit");
      legacy.kill("SIGKILL");
      await exited;
      const { AuthenticationResult } = await signInBySrp(app, "ada");
      assert.match(String(decodeJwt(AuthenticationResult!.IdToken!)["custom:legacy_id"]), /^\d+$/);
      await assert.rejects(signIn(server, ClientId, "bea", password), wrong);
      await isAbsent(app, "bea");
      const late = { ClientId, Username: "late", Password: chosen };
      await assert.rejects(
        server.client.send(new SignUpCommand(late)),
        refused(
          "UserLambdaValidationException",
          "PreSignUp failed with error The CMS does not answer at present.",
        ),
      );
    });
  });
});
