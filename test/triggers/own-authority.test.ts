/** Handlers call the server back also if nobody but this installation's own authority certifies it (`--tls dev`). */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  ConfirmSignUpCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { loadConfig, urlForHandlers } from "../../src/config/config.ts";
import { temporaryFolder } from "../kit/databases.ts";
import { newAddress, password, unique } from "../kit/people.ts";
import { byAddress } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { arnOf, forOneServerWithFunctions, kmsKey, lendKeys, type Sent, sentOf } from "./functions.ts";

const withOwnAuthority = {
  POOLHOUSE_TLS: "dev",
  POOLHOUSE_HTTPS_PORT: "0",
  POOLHOUSE_DATA: temporaryFolder(),
};

forOneServerWithFunctions(
  "postgres",
  "handlers of a server with --tls dev",
  (open) => {
    let opened: Promise<ReturnType<typeof byAddress>> | undefined;
    const place = () => {
      opened ??= open().then(async (server) => {
        await lendKeys(server);
        return byAddress(server);
      });
      return opened;
    };
    after(async () => (await opened)?.client.destroy());

    for (const [sender, run] of [
      ["mailer", "worker"],
      ["texter", "child"],
    ] as const)
      test(`a ${run} decrypts the code that it sends`, async () => {
        const { app, client } = await place();
        assert.match(app.config.publicUrl, /^https:/);
        const { UserPool } = await client.send(
          new CreateUserPoolCommand({
            PoolName: unique("pool"),
            AutoVerifiedAttributes: ["email"],
            LambdaConfig: {
              CustomEmailSender: { LambdaVersion: "V1_0", LambdaArn: arnOf(sender) },
              KMSKeyID: kmsKey,
            },
          }),
        );
        const UserPoolId = UserPool?.Id ?? assert.fail("no pool");
        const { UserPoolClient } = await client.send(
          new CreateUserPoolClientCommand({ UserPoolId, ClientName: "app" }),
        );
        const who = { ClientId: UserPoolClient?.ClientId, Username: unique("user") };
        const UserAttributes = [{ Name: "email", Value: newAddress() }];
        await client.send(new SignUpCommand({ ...who, Password: password, UserAttributes }));
        const sent: Sent[] = [];
        await until("the handler has sent", () => sent.push(...sentOf(UserPoolId)) > 0);
        assert.deepEqual(
          sent.map(({ refused }) => refused),
          [undefined],
        );
        await client.send(new ConfirmSignUpCommand({ ...who, ConfirmationCode: sent[0]!.code }));
      });
  },
  withOwnAuthority,
);

for (const [what, settings, expected] of [
  ["without TLS", {}, "http://localhost:4747"],
  ["on loopback", { POOLHOUSE_TLS: "dev" }, "http://localhost:4747"],
  [
    "on every address, as localhost",
    { POOLHOUSE_TLS: "dev", POOLHOUSE_PUBLIC_URL: "https://localhost:4748", POOLHOUSE_HOST: "0.0.0.0" },
    "http://localhost:4747",
  ],
  [
    "on loopback, under another name",
    { POOLHOUSE_TLS: "dev", POOLHOUSE_PUBLIC_URL: "https://id.example.com", POOLHOUSE_PORT: "4850" },
    "http://localhost:4850",
  ],
  [
    "on every address, under another name: localhost is a foreign host there",
    { POOLHOUSE_TLS: "dev", POOLHOUSE_PUBLIC_URL: "https://id.example.com", POOLHOUSE_HOST: "0.0.0.0" },
    "https://id.example.com",
  ],
  [
    "on one address",
    { POOLHOUSE_TLS: "dev", POOLHOUSE_EXTRA_HOSTS: "localhost", POOLHOUSE_HOST: "10.0.0.5" },
    "https://10.0.0.5:4748",
  ],
  ["with a certificate of others", { POOLHOUSE_TLS: "/etc/tls.pem" }, "https://localhost:4748"],
  ["behind a proxy", { POOLHOUSE_PUBLIC_URL: "https://id.example.com" }, "https://id.example.com"],
] as const)
  test(`where handlers find the server: ${what}`, () => {
    assert.equal(urlForHandlers(loadConfig([], settings)), expected);
  });
