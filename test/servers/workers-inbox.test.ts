/** The inbox of a server with several workers: one inbox, in one order, whichever worker answers. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { AdminCreateUserCommand } from "@aws-sdk/client-cognito-identity-provider";
import type { InboxPage } from "../kit/inbox.ts";
import { makePool, newAddress } from "../kit/people.ts";
import { skipWithoutPostgres } from "../kit/postgres.ts";
import { hangingMs } from "../kit/waiting.ts";
import { type AtWorker, atBothWorkers, replaceWorker, startWorkers } from "../kit/workers.ts";

describe("the inbox of two workers", { ...skipWithoutPostgres(), timeout: hangingMs }, () => {
  let running: Awaited<ReturnType<typeof startWorkers>>;
  let one: AtWorker;
  let two: AtWorker;
  let UserPoolId: string;

  before(async () => {
    running = await startWorkers();
    [one, two] = await atBothWorkers(running.endpoint);
    ({ UserPoolId } = await makePool({ client: one.sdk }));
  });
  after(async () => {
    one?.close();
    two?.close();
    await running?.drop();
  });

  const invite = ({ sdk }: AtWorker, to: string) =>
    sdk.send(
      new AdminCreateUserCommand({
        UserPoolId,
        Username: to.split("@")[0],
        UserAttributes: [{ Name: "email", Value: to }],
      }),
    );
  const read = async ({ ask }: AtWorker, query: Readonly<Record<string, string>>) =>
    JSON.parse(await ask("GET", `/inbox/messages?${new URLSearchParams(query)}`)) as InboxPage;
  /** Where the page of a worker goes on. */
  const pageOf = async ({ ask }: AtWorker) => /data-next="([^"]+)"/.exec(await ask("GET", "/inbox"))![1]!;
  const recipients = ({ messages }: InboxPage) => messages.map(({ to }) => to);

  test("a message of one is seen, opened and deleted at the other", async () => {
    const to = newAddress();
    await invite(one, to);
    const { messages } = await read(two, { to, wait: "60" });
    assert.equal(messages.length, 1);
    const path = `/inbox/messages/${messages[0]!.id}`;
    for (const { ask } of [one, two]) {
      assert.equal(JSON.parse(await ask("GET", path)).to, to);
      assert.ok((await ask("GET", "/inbox")).includes(to));
    }
    await two.ask("DELETE", path);
    for (const { ask } of [one, two]) assert.ok(!(await ask("GET", "/inbox")).includes(to));
  });

  test("whoever waits at one gets what is sent at the other", async () => {
    for (const [waits, sends] of [
      [one, two],
      [two, one],
    ] as const) {
      const to = newAddress();
      const { next: cursor } = await read(waits, { to, cursor: "latest" });
      const waiting = read(waits, { to, cursor, wait: "60" });
      await invite(sends, to);
      assert.deepEqual(recipients(await waiting), [to]);
    }
  });

  test("a cursor of one, or of its page, goes on at the other, and repeats nothing", async () => {
    const known = newAddress();
    await invite(one, known);
    for (const [from, then] of [
      [one, two],
      [two, one],
    ] as const) {
      const { next: latest } = await read(from, { cursor: "latest" });
      const cursors = [latest, await pageOf(from)];
      for (const cursor of cursors) assert.deepEqual(recipients(await read(then, { cursor })), []);
      const to = newAddress();
      await invite(from, to);
      for (const cursor of cursors) assert.deepEqual(recipients(await read(then, { cursor })), [to]);
    }
  });

  test("who follows the cursor from one to the other gets each message once, while both send", async () => {
    let { next: cursor } = await read(one, { cursor: "latest" });
    const expected = Array.from({ length: 40 }, newAddress);
    const sent = [one, two].map(async (at, part) => {
      for (const [index, to] of expected.entries()) if (index % 2 === part) await invite(at, to);
    });
    // The clients of both have one connection: readers have others.
    const readers = await atBothWorkers(running.endpoint);
    const seen: string[] = [];
    for (let turn = 0; seen.length < expected.length; turn += 1) {
      const page = await read(readers[turn % 2]!, { cursor, wait: "60", limit: "3" });
      seen.push(...recipients(page));
      cursor = page.next;
    }
    await Promise.all(sent);
    assert.deepEqual(seen.toSorted(), expected.toSorted());
    for (const { close } of readers) close();
  });

  test("a cursor counts after its worker was killed, and at the one that took its place", async () => {
    const { next: cursor } = await read(one, { cursor: "latest" });
    await replaceWorker(running, 0);
    for (const { close } of [one, two]) close();
    [one, two] = await atBothWorkers(running.endpoint);
    for (const at of [one, two]) assert.deepEqual(recipients(await read(at, { cursor })), []);
    const to = newAddress();
    await invite(one, to);
    for (const at of [two, one]) assert.deepEqual(recipients(await read(at, { cursor })), [to]);
  });
});
