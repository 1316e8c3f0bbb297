/** What a server's log says when functions refuse. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SignUpCommand } from "@aws-sdk/client-cognito-identity-provider";
import { forEachDatabase } from "../kit/databases.ts";
import type { LogLine } from "../kit/declared-errors.ts";
import { makePool, newAddress, password } from "../kit/people.ts";
import { startTestServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { arnOf, environment, eventsOf, kmsKey, script, scripted } from "./functions.ts";

forEachDatabase((database, _open, fresh) => {
  test("the server's own lines name the trigger and the function, but not what a function threw", async () => {
    const lines: LogLine[] = [];
    const seen = (line: LogLine) => void lines.push(line);
    const { server, test: place } = await startTestServer(database, fresh, environment, {}, seen);
    try {
      for (const trigger of ["PreSignUp", "CustomMessage"]) {
        const LambdaConfig = { [trigger]: scripted };
        const pool = { LambdaConfig, AutoVerifiedAttributes: ["email" as const] };
        const { UserPoolId, ClientId } = await makePool(place, pool);
        script(UserPoolId, `${trigger}_SignUp`, { throws: "Ann Bee is on our list" });
        const UserAttributes = [{ Name: "email", Value: newAddress() }];
        const input = { ClientId, Username: "ann", Password: password, UserAttributes };
        await assert.rejects(place.client.send(new SignUpCommand(input)), /Ann Bee is on our list/);
        assert.ok(JSON.stringify(lines).includes(`${trigger}, ${scripted}: it threw`), trigger);
      }
      const LambdaConfig = {
        CustomEmailSender: { LambdaVersion: "V1_0", LambdaArn: arnOf("plain") },
        KMSKeyID: kmsKey,
      } as const;
      const pool = { LambdaConfig, AutoVerifiedAttributes: ["email" as const] };
      const { UserPoolId, ClientId } = await makePool(place, pool);
      script(UserPoolId, "CustomEmailSender_SignUp", { throws: "Ann Bee is on our list" });
      const UserAttributes = [{ Name: "email", Value: newAddress() }];
      const input = { ClientId, Username: "ann", Password: password, UserAttributes };
      await place.client.send(new SignUpCommand(input));
      const told = `CustomEmailSender, ${arnOf("plain")}: it threw`;
      await until("the failure is logged", () => JSON.stringify(lines).includes(told));
      const codes = eventsOf(UserPoolId).map(({ request }) => String(request["code"]));
      assert.match(codes.join(), /^\d{6}$/);
      assert.ok(!lines.some((line) => JSON.stringify(line).includes(`"${codes[0]}"`)));
      // Under its own name is what the function's runtime prints of it, as in Lambda.
      const ours = lines.filter((line) => !("function" in line));
      assert.doesNotMatch(JSON.stringify(ours), /Ann Bee/);
    } finally {
      place.client.destroy();
      await server.close();
    }
  });
});
