/** examples/triggers: what its handlers do, and how its template becomes the section `functions`. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminGetUserCommand,
  AdminListGroupsForUserCommand,
  AdminUpdateUserAttributesCommand,
  ForgotPasswordCommand,
  InitiateAuthCommand,
  ListUsersCommand,
  RespondToAuthChallengeCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { decodeJwt } from "jose";
import { parse, stringify } from "yaml";
import { functionsOfTemplate } from "../../examples/triggers/template.ts";
import { forOneDatabase } from "../kit/databases.ts";
import { attributesOf, makePool, makeUser, password, refused, signIn, unique } from "../kit/people.ts";
import { newSdk } from "../kit/sdk.ts";
import { until } from "../kit/waiting.ts";
import { openPostOffice, type PostOffice } from "../mail/post-office.ts";
import { type Started, startWithFunctions } from "./with-functions.ts";

const programs = join(import.meta.dirname, "..", "..", "examples", "triggers");
const key = { "access-key-id": "AKIA", "secret-access-key": "x" };

test("the README shows what becomes of the template", () => {
  const readme = readFileSync(join(programs, "README.md"), "utf8");
  const [before, becomes, ...more] = [...readme.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(
    ([, block]) => block!,
  );
  assert.deepEqual(more, []);
  assert.ok(readFileSync(join(programs, "template.yaml"), "utf8").includes(before!));
  const values = { AppUrl: "http://localhost:3030/", SmtpUrl: "smtp://127.0.0.1:3032" };
  const { "create-auth-challenge": made } = functionsOfTemplate(values, key) as Record<
    string,
    { file: string }
  >;
  const shown = parse(becomes!) as Record<string, { file: string }>;
  const file = join(programs, shown["create-auth-challenge"]!.file);
  assert.deepEqual(made, { ...shown["create-auth-challenge"], file });
});

test("the template's functions that call the pool or decrypt codes have its key, and the others do not", () => {
  const made = functionsOfTemplate({}, key) as Record<
    string,
    { run: string; memory?: number } & Partial<typeof key>
  >;
  const withKey = Object.keys(made).filter((name) => made[name]?.["access-key-id"] === "AKIA");
  assert.deepEqual(withKey, [
    "post-confirmation",
    "post-authentication",
    "custom-email-sender",
    "custom-sms-sender",
  ]);
  assert.equal(made["pre-authentication"]?.run, "child");
  assert.equal(made["user-migration"]?.memory, 256);
});

/** PreAuthentication in TypeScript, for a pool of its own. */
const typeScript = "pre-authentication-in-typescript";
function addTypeScript(config: string): void {
  const { functions } = parse(readFileSync(config, "utf8")) as { functions: Record<string, object> };
  const entry = {
    ...functions["pre-authentication"],
    run: "worker",
    file: join(programs, "handlers", "pre-authentication.ts"),
    handler: "handler",
  };
  writeFileSync(config, stringify({ functions: { ...functions, [typeScript]: entry } }));
}

describe("the handlers of examples/triggers", () => {
  forOneDatabase("sqlite", (database, _open, fresh) => {
    let office: PostOffice | undefined;
    let started: Promise<Started> | undefined;
    const begin = async () => {
      office = await openPostOffice({ disabledCommands: ["AUTH", "STARTTLS"] });
      const SMTP_URL = `smtp://127.0.0.1:${office.port}`;
      const urls = { APP_URL: "http://localhost:3030", MAIL_URL: "http://localhost:3031", SMTP_URL };
      return startWithFunctions(database, fresh, { programs, urls, change: addTypeScript });
    };
    after(async () => {
      await (await started)?.close();
      await office?.close();
    });
    const place = async () => {
      started ??= begin();
      const { server, settings, key } = await started;
      const UserPoolId = settings["USER_POOL_ID"]!;
      const ClientId = settings["CLIENT_ID"]!;
      const signUp = async (email: string) => {
        const UserAttributes = [{ Name: "email", Value: email }];
        await server.client.send(
          new SignUpCommand({ ClientId, Username: email, Password: password, UserAttributes }),
        );
      };
      const userOf = async (Username: string) => {
        const user = await server.client.send(new AdminGetUserCommand({ UserPoolId, Username }));
        return { status: user.UserStatus, verified: attributesOf(user.UserAttributes)["email_verified"] };
      };
      return { ...{ server, UserPoolId, ClientId, key, signUp, userOf }, client: server.client };
    };

    test("who signs up: PreSignUp and PostConfirmation", async () => {
      const { client, UserPoolId, signUp, userOf } = await place();
      for (const email of ["ann@elsewhere.example", "ann@example.com.elsewhere.example"])
        await assert.rejects(
          signUp(email),
          refused("UserLambdaValidationException", "PreSignUp failed with error Only members can sign up."),
        );
      await signUp("Ann@Example.com");
      const user = await userOf("ann@example.com");
      assert.deepEqual([user.status, user.verified], ["CONFIRMED", "false"]);
      const Username = "ann@example.com";
      const { Groups } = await client.send(new AdminListGroupsForUserCommand({ UserPoolId, Username }));
      assert.deepEqual(
        Groups?.map(({ GroupName }) => GroupName),
        ["members"],
      );
    });

    test("a link: sent to who is there alone, good once, not for another sign-in; then the tokens and the address", async () => {
      const { client, ClientId, signUp, userOf } = await place();
      await signUp("bea@example.org");
      const begin = (USERNAME: string) =>
        client.send(
          new InitiateAuthCommand({ ClientId, AuthFlow: "CUSTOM_AUTH", AuthParameters: { USERNAME } }),
        );
      const answer = (asked: Awaited<ReturnType<typeof begin>>, ANSWER: string) =>
        client.send(
          new RespondToAuthChallengeCommand({
            ...{ ClientId, Session: asked.Session, ChallengeName: "CUSTOM_CHALLENGE" },
            ChallengeResponses: { USERNAME: asked.ChallengeParameters!["USERNAME"]!, ANSWER },
          }),
        );
      // A long line may be folded, and its = written as =3D (RFC 2045 section 6.7).
      const secretOf = (to: string) => {
        const raw = office!.to(to).at(-1)?.raw.replace(/=\r\n/g, "") ?? "";
        return /secret=(?:3D)?([\w-]+)/.exec(raw)?.[1] ?? assert.fail(raw);
      };
      const wrong = refused("NotAuthorizedException", "Incorrect username or password.");
      const first = await begin("bea@example.org");
      assert.deepEqual(Object.keys(first.ChallengeParameters ?? {}).sort(), ["USERNAME", "minutes"]);
      const old = secretOf("bea@example.org");
      const second = await begin("bea@example.org");
      await assert.rejects(answer(second, old), wrong, "a link is for its own sign-in");
      const { AuthenticationResult } = await answer(first, old);
      await assert.rejects(answer(first, old), { name: "NotAuthorizedException" });
      assert.equal((await userOf("bea@example.org")).verified, "true");
      assert.equal(decodeJwt(AuthenticationResult!.IdToken!)["plan"], "member");
      const access = decodeJwt(AuthenticationResult!.AccessToken!);
      assert.equal(access["plan"], "member");
      assert.match(String(access["scope"]), /\barticles\/read\b/);

      const mails = office!.mails.length;
      const nobody = await begin("nobody@example.org");
      assert.deepEqual(Object.keys(nobody.ChallengeParameters ?? {}).sort(), ["USERNAME", "minutes"]);
      assert.equal(office!.mails.length, mails);
      await assert.rejects(answer(nobody, old), wrong);
    });

    test("who is on the list stays out, in Python and in TypeScript", async () => {
      const { server, client, ClientId, signUp } = await place();
      await signUp("mallory@example.com");
      const AuthParameters = { USERNAME: "mallory@example.com" };
      const begin = new InitiateAuthCommand({ ClientId, AuthFlow: "CUSTOM_AUTH", AuthParameters });
      const onHold = refused(
        "UserLambdaValidationException",
        "PreAuthentication failed with error This account is on hold.",
      );
      await assert.rejects(client.send(begin), onHold);
      const other = await makePool(server, {
        LambdaConfig: { PreAuthentication: `arn:aws:lambda:us-east-1:000000000000:function:${typeScript}` },
      });
      const withMail = (email: string) =>
        makeUser(server, other.UserPoolId, unique("user"), [{ Name: "email", Value: email }]);
      await signIn(server, other.ClientId, await withMail("malory@example.com"));
      await assert.rejects(signIn(server, other.ClientId, await withMail("Mallory@example.com")), onHold);
      assert.deepEqual(office!.to("mallory@example.com"), []);
    });

    test("the pool's own messages: CustomMessage", async () => {
      const { server, client, UserPoolId } = await place();
      const UserAttributes = [{ Name: "email", Value: "carl@example.com" }];
      await client.send(
        new AdminCreateUserCommand({ UserPoolId, Username: "carl@example.com", UserAttributes }),
      );
      await until("it is there", async () => (await server.inbox("carl@example.com")).length > 0);
      const [message] = await server.inbox("carl@example.com");
      assert.equal(message?.subject, "Welcome");
      assert.match(message.body, /your code is <b>.+<\/b>\. Your name here is carl@example\.com\./);
    });

    test("former members: UserMigration, by sign-in and by a forgotten password", async () => {
      const { server, client, ClientId, userOf } = await place();
      const wrong = refused("NotAuthorizedException", "Incorrect username or password.");
      await assert.rejects(signIn(server, ClientId, "olga@example.com", "wrong"), wrong);
      await assert.rejects(signIn(server, ClientId, "toString", "wrong"), wrong);
      await signIn(server, ClientId, "olga@example.com", "Olgas-Old-One-1");
      const olga = await userOf("olga@example.com");
      assert.deepEqual([olga.status, olga.verified], ["CONFIRMED", "true"]);
      await client.send(new ForgotPasswordCommand({ ClientId, Username: "pia@example.com" }));
      assert.equal((await userOf("pia@example.com")).status, "RESET_REQUIRED");
      await until("a code is there", async () => (await server.inbox("pia@example.com")).length > 0);
      assert.equal((await server.inbox("pia@example.com"))[0]?.subject, "Your new password");
    });

    test("the functions' key may do what they do, and nothing else", async () => {
      const { server, UserPoolId, key, signUp } = await place();
      await signUp("dora@example.com");
      const client = newSdk(server.endpoint, { credentials: { ...key } });
      try {
        const UserAttributes = [{ Name: "name", Value: "Dora" }];
        const Username = "dora@example.com";
        await client.send(new AdminUpdateUserAttributesCommand({ UserPoolId, Username, UserAttributes }));
        for (const command of [
          new AdminGetUserCommand({ UserPoolId, Username }),
          new ListUsersCommand({ UserPoolId }),
        ] as const)
          await assert.rejects(client.send(command as AdminGetUserCommand), {
            name: "AccessDeniedException",
          });
      } finally {
        client.destroy();
      }
    });
  });
});
