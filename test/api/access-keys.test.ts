/** When an access key was last used: noted by verified calls only, written once an hour. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ListUserPoolsCommand } from "@aws-sdk/client-cognito-identity-provider";
import { createAccessKey, namedPolicies } from "../../src/domain/iam/access-keys.ts";
import { startUseWriter } from "../../src/domain/iam/key-uses.ts";
import { listAccessKeys } from "../../src/store/access-keys.ts";
import { newSdk } from "../kit/sdk.ts";
import { forOneServer } from "../kit/server.ts";

forOneServer("sqlite", "the use of access keys", (open) => {
  test("is written for verified calls, and not again within the hour", async () => {
    const server = await open();
    const key = await createAccessKey(server.app, "ops", namedPolicies.readonly);
    const call = async (secretAccessKey: string) => {
      const client = newSdk(server.endpoint, {
        credentials: { ...key, secretAccessKey },
        systemClockOffset: server.clock.now - Date.now(),
        maxAttempts: 1,
      });
      await client.send(new ListUserPoolsCommand({ MaxResults: 1 })).finally(() => client.destroy());
    };
    const lastUse = async () =>
      (await listAccessKeys(server.app.db)).find(({ id }) => id === key.accessKeyId)?.lastUsedAt;
    const writer = startUseWriter(server.app);
    const began = server.clock.now;
    await assert.rejects(call("wrong-secret-wrong-secret"), { name: "InvalidSignatureException" });
    await writer.turn();
    assert.equal(await lastUse(), undefined);
    await call(key.secretAccessKey);
    await writer.turn();
    const first = await lastUse();
    assert.ok(first !== undefined && first >= began);
    server.clock.advance(59 * 60_000);
    await call(key.secretAccessKey);
    await writer.turn();
    assert.equal(await lastUse(), first);
    server.clock.advance(60_000);
    await writer.turn();
    const second = await lastUse();
    assert.ok(second !== undefined && second > first);
    await call(key.secretAccessKey);
    await writer.stop();
    assert.ok((await lastUse())! > second);
  });
});
