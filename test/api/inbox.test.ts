/** The development inbox as people and programs get it by HTTP; test/browser/inbox.test.ts looks at it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdminCreateUserCommand,
  AdminResetUserPasswordCommand,
  AdminSetUserPasswordCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { type FullMessage, putMessage, readInbox } from "../kit/inbox.ts";
import { makePool, newAddress } from "../kit/people.ts";
import { forOneServer, type TestServer } from "../kit/server.ts";

const browser = { accept: "text/html" };

async function pageAt({ endpoint }: TestServer, path: string) {
  const response = await fetch(`${endpoint}${path}`, { headers: browser });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const listOf = (server: TestServer, query: Record<string, string>) =>
  pageAt(server, `/inbox?${new URLSearchParams(query)}`);
const titlesIn = ({ text }: { text: string }) =>
  [...text.matchAll(/<h2[^>]*><a [^>]*>(.*)<\/a><\/h2>/g)].map(([, title]) => title);

forOneServer("postgres", "the inbox", (open) => {
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
    const page = await listOf(server, { to: address });
    assert.match(page.text, /Given-Secret-1/);
    assert.ok(!page.text.includes("<script>"));
    assert.match(page.headers.get("content-security-policy") ?? "", /^default-src 'none'/);
    assert.equal(page.headers.get("cache-control"), "no-store");
    assert.ok(!page.text.includes('http-equiv="refresh"'));
    const refreshing = await listOf(server, { refresh: "on", to: '"><b>', q: '"><i>' });
    assert.match(refreshing.text, /<noscript><meta http-equiv="refresh" content="3"><\/noscript>/);
    assert.ok(!/<[bi]>/.test(refreshing.text));

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

  test("shows one message: headers, text, HTML in a sandbox, and the bytes that a mail server would get", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server, {
      EmailConfiguration: { From: "Häuser <post@house.example>", ReplyToEmailAddress: "help@house.example" },
      AdminCreateUserConfig: {
        InviteMessageTemplate: {
          EmailSubject: "Welcome <b>home</b>",
          EmailMessage:
            '<p onclick="alert(1)">{username}: <a href="https://house.example/go">go</a> {####}</p><script>alert(2)</script>',
        },
      },
    });
    const to = newAddress();
    const TemporaryPassword = "Given-Secret-1";
    const UserAttributes = [{ Name: "email", Value: to }];
    await server.client.send(
      new AdminCreateUserCommand({ UserPoolId, Username: "ann", UserAttributes, TemporaryPassword }),
    );
    const [{ id }] = (await server.inbox(to)) as [FullMessage];
    const answer = await fetch(`${server.endpoint}/inbox/messages/${id}`);
    assert.equal(answer.headers.get("content-type"), "application/json");
    const { text, html, headers, ...brief } = (await answer.json()) as FullMessage & { sentAt: string };
    assert.deepEqual([brief], await server.inbox(to));
    assert.equal(html, brief.body);
    assert.equal(text, "ann: go (https://house.example/go) Given-Secret-1");
    assert.deepEqual(headers, {
      from: "Häuser <post@house.example>",
      to,
      "reply-to": "help@house.example",
      subject: "Welcome <b>home</b>",
      date: new Date(brief.sentAt).toUTCString().replace("GMT", "+0000"),
    });

    const page = await pageAt(server, `/inbox/messages/${id}`);
    assert.match(page.text, /<h1 class="subject" dir="auto">Welcome &lt;b&gt;home&lt;\/b&gt;<\/h1>/);
    assert.match(page.text, /<a href="https:\/\/house.example\/go" target="_blank" rel="noreferrer">/);
    assert.ok(!/alert/.test(page.text));
    const frame = await pageAt(server, `/inbox/messages/${id}/html`);
    assert.ok(frame.text.endsWith(brief.body));
    const policy = frame.headers.get("content-security-policy") ?? "";
    for (const part of ["default-src 'none'", "img-src data:", "frame-ancestors 'self'"])
      assert.ok(policy.split("; ").includes(part), part);
    assert.match(policy, /; sandbox allow-popups allow-popups-to-escape-sandbox$/);

    const raw = await pageAt(server, `/inbox/messages/${id}/raw`);
    assert.equal(raw.headers.get("content-type"), "text/plain; charset=UTF-8");
    const date = headers["date"]!;
    for (const line of [
      "From: =?UTF-8?Q?H=C3=A4user?= <post@house.example>",
      `To: ${to}`,
      "Reply-To: help@house.example",
      "Subject: Welcome <b>home</b>",
      `Message-ID: <${id}@house.example>`,
      "Auto-Submitted: auto-generated",
      `Date: ${date}`,
    ])
      assert.ok(raw.text.split("\r\n").includes(line), line);
    for (const path of [`${"0".repeat(32)}`, `${"0".repeat(32)}/html`, `${"0".repeat(32)}/raw`, `${id}/no`])
      assert.equal((await pageAt(server, `/inbox/messages/${path}`)).status, 404, path);
  });

  test("a text message, which has no subject, has a title that says what it is for, and no source", async () => {
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
    assert.deepEqual(titlesIn(await listOf(server, { to })), [
      "Code to set a new password, asked for by an administrator",
      "Invitation with a temporary password",
    ]);
    const [{ id }] = (await server.inbox(to)) as [FullMessage];
    const page = await pageAt(server, `/inbox/messages/${id}`);
    assert.match(page.text, /<h2 id="about">Text message<\/h2>/);
    assert.ok(!/iframe|\/raw/.test(page.text));
    for (const part of ["html", "raw"])
      assert.equal((await pageAt(server, `/inbox/messages/${id}/${part}`)).status, 404);
  });

  test("finds messages by words of the recipient, the subject and the text", async () => {
    const server = await open();
    const word = `w${newAddress().slice(5, 17)}`;
    for (const [at, fields] of [
      { destination: `${word}@mail.example`, subject: "First" },
      { subject: `Second ${word}`, body: "<p title='other'>nothing</p>" },
      { subject: "Third", body: `<b>${word.slice(0, 4)}</b>${word.slice(4)}` },
      { subject: "Fourth", body: `<p title="${word}">hidden</p>` },
    ].entries())
      await putMessage(server, { ...fields, createdAt: server.clock.now - 1_000 + at });
    const found = async (q: string) => titlesIn(await listOf(server, { q }));
    assert.deepEqual(await found(word.toUpperCase()), ["Third", `Second ${word}`, "First"]);
    assert.deepEqual(await found(`nothing  ${word}`), [`Second ${word}`]);
    assert.deepEqual(await found(`${word} absent`), []);
    const both = await listOf(server, { q: word, to: `${word}@mail.example` });
    assert.deepEqual(titlesIn(both), ["First"]);
  });

  test("a message that no mail server would take says so in place of its source", async () => {
    const server = await open();
    const id = await putMessage(server, { destination: "a b@mail.example" });
    const raw = await pageAt(server, `/inbox/messages/${id}/raw`);
    assert.equal(raw.status, 409);
    assert.match(raw.text, /The recipient's address is malformed/);
  });

  test("deletes one message, and all", async () => {
    const server = await open();
    const to = newAddress();
    const [first, second, third] = [
      await putMessage(server, { destination: to }),
      await putMessage(server, { destination: to, poolId: "us-east-1_Another01" }),
      await putMessage(server, { destination: to }),
    ];
    const ids = async () => (await server.inbox(to)).map(({ id }) => id).sort();
    const send = (method: string, path: string, headers: Record<string, string> = {}) =>
      fetch(`${server.endpoint}/inbox/messages${path}`, { method, headers, redirect: "manual" });
    for (const headers of [
      { origin: "https://evil.example" },
      { origin: "null" },
      { origin: "http://localhost:1" },
    ]) {
      assert.equal((await send("POST", `/${first}/delete`, headers)).status, 403);
      assert.equal((await send("POST", "/delete", headers)).status, 403);
      assert.equal((await send("DELETE", "", headers)).status, 403);
    }
    assert.deepEqual(await ids(), [first, second, third].sort());
    const deleted = await send("POST", `/${first}/delete`, { origin: server.endpoint });
    assert.equal(deleted.status, 303);
    assert.equal(deleted.headers.get("location"), "/inbox");
    assert.deepEqual(await ids(), [second, third].sort());
    assert.equal((await send("DELETE", `/${second}`)).status, 204);
    assert.equal((await send("DELETE", `/${second}`)).status, 404);
    assert.deepEqual(await ids(), [third]);
    assert.equal((await send("POST", "/delete", { origin: server.endpoint })).status, 303);
    assert.deepEqual((await readInbox(server, { cursor: "" })).messages, []);
    await putMessage(server, { destination: to });
    assert.equal((await send("DELETE", "")).status, 204);
    assert.deepEqual(await ids(), []);
  });

  test("deletes the messages to one recipient, and none if it is asked for anything else", async () => {
    const server = await open();
    const [ann, bob] = [`ann+${newAddress()}`, newAddress()];
    await putMessage(server, { destination: ann });
    await putMessage(server, { destination: ann, poolId: "us-east-1_Another01" });
    const kept = await putMessage(server, { destination: bob });
    const remove = (query: string) =>
      fetch(`${server.endpoint}/inbox/messages?${query}`, { method: "DELETE" });
    for (const [query, message] of [
      ["to=", "to is empty. Leave it out for messages to everybody."],
      ["too=a@b.example", "too is unknown. Did you mean to? The only parameter is to."],
      [`to=${bob}&limit=1`, "limit is unknown. The only parameter is to."],
      [`to=${bob}&to=${ann}`, "to is there more than once."],
    ] as const) {
      const refused = await remove(query);
      assert.equal(refused.status, 400, query);
      assert.deepEqual(await refused.json(), { message });
    }
    assert.equal((await server.inbox(ann)).length, 2);
    assert.equal((await remove(`to=${ann.toUpperCase()}`)).status, 204);
    assert.deepEqual(await server.inbox(ann), []);
    assert.deepEqual(
      (await server.inbox(bob)).map(({ id }) => id),
      [kept],
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
    const id = await putMessage(server);
    for (const path of ["", "/messages", "/public/inbox.js", `/messages/${id}`, `/messages/${id}/raw`])
      assert.equal((await fetch(`${server.endpoint}/inbox${path}`, proxied)).status, 403, path);
  });
});

forOneServer(
  "postgres",
  "behind a proxy on its own machine",
  (open) => {
    test("a server without a sender has no inbox, and says that it could not deliver", async () => {
      const server = await open();
      for (const path of ["/inbox", "/inbox/messages", "/inbox/messages?wait=1", "/inbox/public/inbox.js"])
        assert.equal((await fetch(`${server.endpoint}${path}`)).status, 404, path);
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
