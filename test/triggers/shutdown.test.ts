/** A server that stops while a function hangs. */
import { test } from "node:test";
import { SignUpCommand } from "@aws-sdk/client-cognito-identity-provider";
import { newSqlite } from "../kit/databases.ts";
import { makePool, newAddress, password } from "../kit/people.ts";
import { startTestServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { arnOf, environment, eventsOf, kmsKey, script } from "./functions.ts";

test("ends, and the message is sent after the next start", async () => {
  const options = await newSqlite()();
  const start = () => startTestServer("sqlite", async () => options, environment);
  const first = await start();
  const sender = { LambdaVersion: "V1_0", LambdaArn: arnOf("waiting") } as const;
  const { UserPoolId, ClientId } = await makePool(first.test, {
    LambdaConfig: { CustomEmailSender: sender, KMSKeyID: kmsKey },
    AutoVerifiedAttributes: ["email"],
  });
  const UserAttributes = [{ Name: "email", Value: newAddress() }];
  const signUp = new SignUpCommand({ ClientId, Username: "ann", Password: password, UserAttributes });
  const called = () => eventsOf(UserPoolId).length > 0;
  await first.test.client.send(signUp);
  await until("the function is called", called);
  first.test.client.destroy();
  await first.server.close();
  const second = await start();
  try {
    script(UserPoolId, "go", { answer: null });
    second.test.clock.advance(5 * 60_000);
    await until("the function is called again", called);
  } finally {
    second.test.client.destroy();
    await second.server.close();
  }
});
