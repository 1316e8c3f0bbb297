/** The handlers of examples/triggers that send messages, for the pool of the guests; and that for other providers. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { after, describe, test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminGetUserCommand,
  ConfirmSignUpCommand,
  InitiateAuthCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { parse, stringify } from "yaml";
import { inboundFederation } from "../../src/domain/triggers/inbound-federation.ts";
import { loadClient } from "../../src/domain/user-pools/load-pool.ts";
import { createCtx } from "../../src/http/context.ts";
import { forOneDatabase } from "../kit/databases.ts";
import { attributesOf, newAddress, password, unique } from "../kit/people.ts";
import { hangingMs, until } from "../kit/waiting.ts";
import { openPostOffice, type PostOffice } from "../mail/post-office.ts";
import { type Started, startWithFunctions } from "./with-functions.ts";

const programs = join(import.meta.dirname, "..", "..", "examples", "triggers");

/** Loading AWS's library takes long on a busy machine. */
function allowTime(config: string): void {
  const { functions } = parse(readFileSync(config, "utf8")) as { functions: Record<string, object> };
  const timeout = hangingMs / 1000;
  for (const name of ["custom-email-sender", "custom-sms-sender"])
    functions[name] = { ...functions[name], timeout };
  writeFileSync(config, stringify({ functions }, { aliasDuplicateObjects: false }));
}

/** A provider of text messages, which does not take the first request for a number. */
async function openProvider() {
  const refused = new Set<string>();
  const taken: { readonly to: string; readonly body: string }[] = [];
  const server = createServer(async (request, response) => {
    const message = (await json(request)) as (typeof taken)[number];
    const isFirst = !refused.has(message.to);
    refused.add(message.to);
    if (!isFirst) taken.push(message);
    response.writeHead(isFirst ? 503 : 202).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { refused, taken, port: (server.address() as AddressInfo).port, close: () => server.close() };
}

describe("the senders of examples/triggers", () => {
  forOneDatabase("postgres", (database, _open, fresh) => {
    let office: PostOffice | undefined;
    let provider: Awaited<ReturnType<typeof openProvider>> | undefined;
    let started: Promise<Started> | undefined;
    const begin = async () => {
      office = await openPostOffice({ disabledCommands: ["AUTH", "STARTTLS"] });
      provider = await openProvider();
      const urls = {
        APP_URL: "http://localhost:3030",
        // The setup takes /sms there for the provider.
        MAIL_URL: `http://127.0.0.1:${provider.port}`,
        SMTP_URL: `smtp://127.0.0.1:${office.port}`,
      };
      return startWithFunctions(database, fresh, { programs, urls, change: allowTime });
    };
    after(async () => {
      await (await started)?.close();
      await office?.close();
      provider?.close();
    });
    const place = async () => {
      started ??= begin();
      const { server, settings } = await started;
      const [UserPoolId, ClientId] = [settings["GUESTS_POOL_ID"]!, settings["GUESTS_CLIENT_ID"]!];
      return { server, client: server.client, UserPoolId, ClientId, members: settings["CLIENT_ID"]! };
    };
    const mailTo = async (address: string) => {
      await until("a mail is there", () => office!.to(address).length > 0);
      const { headers, raw } = office!.to(address)[0]!;
      // Plain text, in short lines.
      const [, body = ""] = raw.split("\r\n\r\n");
      return { subject: headers.get("subject"), body: body.trim() };
    };

    test("a code by mail confirms who signs up", async () => {
      const { server, client, UserPoolId, ClientId } = await place();
      const [Username, email] = [unique("user"), newAddress()];
      const UserAttributes = [{ Name: "email", Value: email }];
      await client.send(new SignUpCommand({ ClientId, Username, Password: password, UserAttributes }));
      const { subject, body } = await mailTo(email);
      assert.equal(subject, "Your code");
      const [, ConfirmationCode] = /^Your code: (\d{6})$/.exec(body) ?? assert.fail(body);
      assert.deepEqual(await server.inbox(email), [], "nobody else sends it");
      await client.send(new ConfirmSignUpCommand({ ClientId, Username, ConfirmationCode }));
      const user = await client.send(new AdminGetUserCommand({ UserPoolId, Username }));
      assert.equal(user.UserStatus, "CONFIRMED");
      assert.equal(attributesOf(user.UserAttributes)["email_verified"], "true");
    });

    test("a temporary password arrives as it is, and signs in", async () => {
      const { client, UserPoolId, ClientId } = await place();
      const [Username, email, PASSWORD] = [unique("user"), newAddress(), "Tempo<&>rary&lt;-7"];
      await client.send(
        new AdminCreateUserCommand({
          ...{ UserPoolId, Username, TemporaryPassword: PASSWORD, DesiredDeliveryMediums: ["EMAIL"] },
          UserAttributes: [{ Name: "email", Value: email }],
        }),
      );
      const { body } = await mailTo(email);
      assert.equal(body, `Your temporary password: ${PASSWORD}`);
      const AuthParameters = { USERNAME: Username, PASSWORD };
      const input = { ClientId, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters } as const;
      const { ChallengeName } = await client.send(new InitiateAuthCommand(input));
      assert.equal(ChallengeName, "NEW_PASSWORD_REQUIRED");
    });

    test("a code by text message confirms who signs up, though the provider refuses at first", async () => {
      const { server, client, UserPoolId, ClientId } = await place();
      const [Username, number] = [unique("user"), "+4915550001234"];
      const UserAttributes = [{ Name: "phone_number", Value: number }];
      await client.send(new SignUpCommand({ ClientId, Username, Password: password, UserAttributes }));
      await until("the provider has refused", () => provider!.refused.has(number));
      await until("the failure is recorded", () => server.app.deliveries.size === 0);
      server.clock.advance(5_000);
      await until("the message is there", () => provider!.taken.length > 0);
      const [message] = provider!.taken;
      const [, ConfirmationCode] = /^Your code: (\d{6})$/.exec(message!.body) ?? assert.fail(message!.body);
      await client.send(new ConfirmSignUpCommand({ ClientId, Username, ConfirmationCode }));
      const user = await client.send(new AdminGetUserCommand({ UserPoolId, Username }));
      assert.equal(attributesOf(user.UserAttributes)["phone_number_verified"], "true");
    });

    test("of what another provider says, members keep four claims", async () => {
      const { server, members } = await place();
      const ctx = createCtx(server.app, { requestId: "r", address: "127.0.0.1", userAgent: undefined });
      const { pool, client } = await loadClient(ctx, members);
      const mapped = await inboundFederation(ctx, pool, client, {
        ...{ userName: "Corporate_1", providerName: "Corporate", providerType: "OIDC" },
        answers: {
          tokenResponse: { access_token: "secret" },
          idToken: { sub: "1", email: "ann@example.com", email_verified: true, groups: "admins" },
          userInfo: { sub: "1", name: "Ann", salary: "7" },
        },
      });
      const kept = { sub: "1", email: "ann@example.com", email_verified: "true", name: "Ann" };
      assert.deepEqual({ ...mapped }, kept);
    });
  });
});
