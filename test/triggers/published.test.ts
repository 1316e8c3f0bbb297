/**
 * Handlers as people publish them, in the styles of their times, each as a trigger of a pool: an allow-list of domains,
 * claims from a database, accounts that are linked, mail by SES, and a magic link. What they call outside of Poolhouse is a
 * program of the test.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import {
  AdminConfirmSignUpCommand,
  AdminCreateUserCommand,
  AdminGetUserCommand,
  InitiateAuthCommand,
  type LambdaConfigType,
  RespondToAuthChallengeCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { decodeJwt } from "jose";
import pg from "pg";
import { stringify } from "yaml";
import { addProvider, arrive, identity, offer } from "../federation/people.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { needs } from "../kit/machine.ts";
import {
  attributesOf,
  makePool,
  makeUser,
  newAddress,
  password,
  refused,
  signIn,
  unique,
} from "../kit/people.ts";
import { createPostgres, dropPostgres, unreachable } from "../kit/postgres.ts";
import { rootKey } from "../kit/sdk.ts";
import { forOneServer } from "../kit/server.ts";
import { arnOf } from "./functions.ts";

const handlers = join(import.meta.dirname, "handlers", "published");

/** What the handlers sent to services outside: SES, and a service that sends mail for others. */
const sent: { readonly service: string | undefined; readonly body: string }[] = [];
let isMailDown = false;
const outside = createServer(async (request, response) => {
  const service = /\/(\w+)\/aws4_request/.exec(request.headers.authorization ?? "")?.[1];
  sent.push({ service, body: await text(request) });
  if (isMailDown) return void response.writeHead(503).end();
  response.setHeader("content-type", "text/xml");
  response.end(
    '<SendEmailResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><SendEmailResult><MessageId>1</MessageId></SendEmailResult></SendEmailResponse>',
  );
});
outside.listen(0, "127.0.0.1");
await once(outside, "listening");
const outsideUrl = `http://127.0.0.1:${(outside.address() as AddressInfo).port}`;

const memberships = unreachable === undefined ? await createPostgres() : undefined;
after(async () => {
  outside.close();
  outside.closeAllConnections();
  if (memberships !== undefined) await dropPostgres(memberships.name);
});

const hasBoto3 = needs("boto3").skip === false;
const magic = { run: "worker", file: join(handlers, "magic-link.cjs") };
const environment = {
  APP_URL: "https://members.example",
  MAIL_API: `${outsideUrl}/mail`,
  MAIL_API_KEY: "secret",
};
const functions = {
  "email-domain": {
    run: "worker",
    file: join(handlers, "email-domain.cjs"),
    environment: { ALLOWED_DOMAINS: "mail.example, Example.org" },
  },
  claims: {
    run: "worker",
    file: join(handlers, "claims-from-database.cjs"),
    environment: { DATABASE_URL: memberships?.url ?? "none" },
  },
  "link-accounts": {
    run: "worker",
    file: join(handlers, "link-accounts.mjs"),
    "access-key-id": rootKey.accessKeyId,
    "secret-access-key": rootKey.secretAccessKey,
  },
  define: { ...magic, handler: "magic-link.defineAuthChallenge" },
  create: { ...magic, handler: "magic-link.createAuthChallenge", environment },
  verify: { ...magic, handler: "magic-link.verifyAuthChallengeResponse" },
  ...(hasBoto3 && {
    welcome: {
      run: "child",
      file: join(handlers, "welcome_by_ses.py"),
      environment: { SES_ENDPOINT_URL: outsideUrl, SENDER: "hello@mail.example" },
      // Of the account that sends: no key of Poolhouse.
      "access-key-id": "AKIAOFTHESENDER00000",
      "secret-access-key": "0123456789abcdef0123456789abcdef01234567",
    },
  }),
};
const config = join(temporaryFolder(), "poolhouse.yaml");
writeFileSync(config, stringify({ functions }));

forOneServer(
  "postgres",
  "handlers as people publish them",
  (open) => {
    const place = async (LambdaConfig: LambdaConfigType, pool: object = {}, app: object = {}) => {
      const server = await open();
      return { server, ...(await makePool(server, { LambdaConfig, ...pool }, app)) };
    };

    test("an allow-list of domains, by callback", async () => {
      const { server, UserPoolId, ClientId } = await place({ PreSignUp: arnOf("email-domain") });
      const signUp = (email: string, Username = unique("user")) =>
        server.client.send(
          new SignUpCommand({
            ...{ ClientId, Username, Password: password },
            UserAttributes: [{ Name: "email", Value: email }],
          }),
        );
      const Username = unique("user");
      assert.equal((await signUp("ann@EXAMPLE.org", Username)).UserConfirmed, true);
      const user = await server.client.send(new AdminGetUserCommand({ UserPoolId, Username }));
      assert.equal(attributesOf(user.UserAttributes)["email_verified"], "true");
      await assert.rejects(
        signUp("ann@elsewhere.example"),
        refused(
          "UserLambdaValidationException",
          "PreSignUp failed with error Cannot register users from the domain elsewhere.example.",
        ),
      );
      const create = new AdminCreateUserCommand({ UserPoolId, Username: unique("user") });
      assert.equal((await server.client.send(create)).User?.UserStatus, "FORCE_CHANGE_PASSWORD");
    });

    test("claims from a database, whose connection stays open", {
      skip: memberships === undefined && "PostgreSQL cannot be reached",
    }, async () => {
      const { server, UserPoolId, ClientId } = await place({ PreTokenGeneration: arnOf("claims") });
      const [ann, bob] = [newAddress(), newAddress()];
      const database = new pg.Client({ connectionString: memberships!.url });
      await database.connect();
      await database.query("CREATE TABLE IF NOT EXISTS memberships (email text, tenant_id int, roles jsonb)");
      await database.query("INSERT INTO memberships VALUES ($1, 42, $2)", [ann, '["admin", "editor"]']);
      await database.end();
      const attributes = (Value: string) => [
        { Name: "email", Value },
        { Name: "email_verified", Value: "true" },
      ];
      const username = await makeUser(server, UserPoolId, unique("user"), attributes(ann));
      for (const turn of [1, 2]) {
        const { IdToken, AccessToken } = await signIn(server, ClientId, username);
        const { sub, ...claims } = decodeJwt(IdToken);
        assert.equal(claims["custom:tenant_id"], "42", `turn ${turn}`);
        assert.equal(claims["custom:roles"], '["admin","editor"]');
        assert.deepEqual(claims["cognito:groups"], ["admin", "editor"]);
        assert.equal(claims["email_verified"], undefined);
        assert.equal(sub, decodeJwt(AccessToken).sub);
        assert.notEqual(sub, "somebody-else");
      }
      const stranger = await makeUser(server, UserPoolId, unique("user"), attributes(bob));
      await assert.rejects(
        signIn(server, ClientId, stranger),
        refused(
          "UserLambdaValidationException",
          "PreTokenGeneration failed with error User has no membership.",
        ),
      );
    });

    test("accounts that are linked: who comes with Google is the user with that address, at once", async () => {
      const { server, UserPoolId, ClientId } = await place(
        { PreSignUp: arnOf("link-accounts") },
        { UsernameConfiguration: { CaseSensitive: false } },
      );
      const google = { server, UserPoolId, ClientId, base: "" };
      await addProvider(google, "Google", { type: "Google" });
      await offer(google, "Google");
      const email = newAddress();
      const UserAttributes = [{ Name: "email", Value: email }];
      const own = { ClientId, Username: unique("user"), Password: password, UserAttributes };
      assert.equal((await server.client.send(new SignUpCommand(own))).UserConfirmed, false);
      const named = { UserPoolId, Username: own.Username };
      await server.client.send(new AdminConfirmSignUpCommand(named));
      for (const _ of ["first", "again"]) {
        const { user } = await arrive(google, identity("1234567890", { email }), "Google");
        assert.equal(user.username, own.Username);
      }
      const stranger = await arrive(google, identity("0987654321", { email: newAddress() }), "Google");
      assert.equal(stranger.user.username, "google_0987654321");
    });

    test("mail by SES, in Python with boto3", needs("boto3"), async () => {
      const { server, ClientId } = await place({
        PreSignUp: arnOf("email-domain"),
        PostConfirmation: arnOf("welcome"),
      });
      const email = newAddress();
      sent.length = 0;
      const UserAttributes = Object.entries({ email, name: "Ann Bee" }).map(([Name, Value]) => ({
        Name,
        Value,
      }));
      const answer = await server.client.send(
        new SignUpCommand({ ClientId, Username: unique("user"), Password: password, UserAttributes }),
      );
      assert.equal(answer.UserConfirmed, true);
      assert.deepEqual(
        sent.map(({ service }) => service),
        ["ses"],
      );
      const form = new URLSearchParams(sent[0]!.body);
      assert.equal(form.get("Action"), "SendEmail");
      assert.equal(form.get("Source"), "hello@mail.example");
      assert.equal(form.get("Destination.ToAddresses.member.1"), email);
      assert.equal(form.get("Message.Body.Html.Data"), "<h1>Hello Ann Bee</h1>");
    });

    test("a magic link, of which a wrong answer sends no second one", async () => {
      const { server, ClientId, UserPoolId } = await place(
        {
          DefineAuthChallenge: arnOf("define"),
          CreateAuthChallenge: arnOf("create"),
          VerifyAuthChallengeResponse: arnOf("verify"),
        },
        { UsernameAttributes: ["email"] },
        { ExplicitAuthFlows: ["ALLOW_CUSTOM_AUTH"] },
      );
      const email = newAddress();
      await makeUser(server, UserPoolId, email);
      const begin = (USERNAME: string) =>
        server.client.send(
          new InitiateAuthCommand({ ClientId, AuthFlow: "CUSTOM_AUTH", AuthParameters: { USERNAME } }),
        );
      sent.length = 0;
      const asked = await begin(email);
      assert.equal(asked.ChallengeParameters?.["email"], email);
      assert.doesNotMatch(JSON.stringify(asked), /CODE-/);
      const code = /code=(\w+)/.exec(sent[0]!.body)?.[1] ?? assert.fail(sent[0]!.body);
      const answer = (Session: string | undefined, ANSWER: string) =>
        server.client.send(
          new RespondToAuthChallengeCommand({
            ...{ ClientId, Session, ChallengeName: "CUSTOM_CHALLENGE" },
            ChallengeResponses: { USERNAME: asked.ChallengeParameters!["USERNAME"]!, ANSWER },
          }),
        );
      const again = await answer(asked.Session, "wrong");
      assert.equal(again.ChallengeName, "CUSTOM_CHALLENGE");
      assert.equal(sent.length, 1);
      const { AuthenticationResult } = await answer(again.Session, code);
      assert.ok(AuthenticationResult?.AccessToken);

      isMailDown = true;
      try {
        await assert.rejects(
          begin(email),
          refused(
            "UserLambdaValidationException",
            "CreateAuthChallenge failed with error The mail could not be sent.",
          ),
        );
      } finally {
        isMailDown = false;
      }
    });
  },
  { POOLHOUSE_CONFIG: config },
);
