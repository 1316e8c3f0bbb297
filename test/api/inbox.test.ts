import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminResetUserPasswordCommand,
  AdminSetUserPasswordCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { makePool, newAddress } from "../kit/people.ts";
import { forEachServer } from "../kit/server.ts";

forEachServer("the inbox", (open) => {
  test("shows what was sent, by recipient, escaped", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const address = newAddress();
    await server.client.send(
      new AdminCreateUserCommand({
        UserPoolId,
        Username: "<script>alert(1)</script>",
        UserAttributes: [{ Name: "email", Value: address }],
        TemporaryPassword: "Given-Secret-1",
      }),
    );
    const response = await fetch(`${server.endpoint}/inbox?to=${encodeURIComponent(address)}`);
    const page = await response.text();
    assert.match(page, /Given-Secret-1/);
    assert.ok(!page.includes("<script>"));
    assert.match(response.headers.get("content-security-policy") ?? "", /^default-src 'none'/);
    assert.equal(response.headers.get("cache-control"), "no-store");
    assert.ok(!page.includes('http-equiv="refresh"'));
    const refreshing = await (await fetch(`${server.endpoint}/inbox?refresh=on&to="><b>`)).text();
    assert.match(refreshing, /http-equiv="refresh"/);
    assert.ok(!refreshing.includes("<b>"));

    const messages = (await (
      await fetch(`${server.endpoint}/inbox/messages?to=${encodeURIComponent(address.toUpperCase())}`)
    ).json()) as Record<string, unknown>[];
    assert.equal(messages.length, 1);
    const { id, sentAt, ...message } = messages[0] ?? {};
    assert.match(String(id), /^[0-9a-f]{32}$/);
    assert.equal(new Date(String(sentAt)).toISOString(), sentAt);
    assert.deepEqual(message, {
      to: address,
      medium: "EMAIL",
      kind: "invitation",
      subject: "Your temporary password",
      body: "Your username is &lt;script&gt;alert(1)&lt;/script&gt; and temporary password is Given-Secret-1.",
      code: "Given-Secret-1",
      userPoolId: UserPoolId,
    });
  });

  test("a text message, which has no subject, has a title that says what it is for", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const to = "+15550100";
    const user = { UserPoolId, Username: "texted" };
    const UserAttributes = [
      { Name: "phone_number", Value: to },
      { Name: "phone_number_verified", Value: "true" },
    ];
    const DesiredDeliveryMediums: ["SMS"] = ["SMS"];
    await server.client.send(new AdminCreateUserCommand({ ...user, UserAttributes, DesiredDeliveryMediums }));
    const Password = "Another-Horse-8";
    await server.client.send(new AdminSetUserPasswordCommand({ ...user, Password, Permanent: true }));
    await server.client.send(new AdminResetUserPasswordCommand(user));
    const page = await (await fetch(`${server.endpoint}/inbox?to=${encodeURIComponent(to)}`)).text();
    assert.deepEqual(
      [...page.matchAll(/<h2>(.*)<\/h2>/g)].map(([, title]) => title),
      ["Code to set a new password, asked for by an administrator", "Invitation with a temporary password"],
    );
  });

  test("is not for other sites", async () => {
    const server = await open();
    const response = await fetch(`${server.endpoint}/inbox/messages`, {
      headers: { origin: "https://evil.example" },
    });
    assert.equal(response.status, 403);
    assert.equal(response.headers.get("access-control-allow-origin"), null);
    const proxied = { headers: { "x-forwarded-for": "203.0.113.9" } };
    assert.equal((await fetch(`${server.endpoint}/inbox/messages`, proxied)).status, 403);
  });
});

forEachServer(
  "behind a proxy on its own machine",
  (open) => {
    test("a server without a sender has no inbox, and says that it could not deliver", async () => {
      const server = await open();
      assert.equal((await fetch(`${server.endpoint}/inbox`)).status, 404);
      assert.equal((await fetch(`${server.endpoint}/inbox/messages`)).status, 404);
      const { UserPoolId } = await makePool(server);
      const invited = server.client.send(
        new AdminCreateUserCommand({
          UserPoolId,
          Username: "ada",
          UserAttributes: [{ Name: "email", Value: newAddress() }],
        }),
      );
      await assert.rejects(invited, { name: "CodeDeliveryFailureException" });
    });
  },
  { POOLHOUSE_EXTRA_HOSTS: "id.example.com" },
);
