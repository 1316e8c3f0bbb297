/** The inbox for programs that wait: messages in order of arrival, with a cursor, from whatever server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AdminCreateUserCommand } from "@aws-sdk/client-cognito-identity-provider";
import { Arrivals } from "../../src/http/inbox/arrivals.ts";
import { FirstSeen } from "../../src/lib/first-seen.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { putMessage, readInbox } from "../kit/inbox.ts";
import { makePool, newAddress } from "../kit/people.ts";
import { byAddress, forEachServer, type Started, startTestServer, type TestServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";

async function invite({ client }: TestServer, UserPoolId: string, to: string): Promise<void> {
  const UserAttributes = [{ Name: "email", Value: to }];
  await client.send(new AdminCreateUserCommand({ UserPoolId, Username: to.split("@")[0], UserAttributes }));
}

forEachServer("the inbox for programs that wait", (open) => {
  test("gives messages page by page in order of arrival, each once, whatever their times", async () => {
    const server = await open();
    const destination = newAddress();
    const createdAt = server.clock.now;
    const put = [];
    for (let count = 0; count < 5; count++) put.push(await putMessage(server, { destination, createdAt }));
    await putMessage(server);
    const seen: string[] = [];
    let cursor = "";
    for (const expected of [2, 2, 1, 0]) {
      const page = await readInbox(server, { to: destination.toUpperCase(), limit: "2", cursor });
      assert.equal(page.messages.length, expected);
      seen.push(...page.messages.map(({ id }) => id));
      cursor = page.next;
    }
    assert.deepEqual(seen.toSorted(), put.toSorted());
    // Dated before all of them, as if its request had taken long.
    const late = await putMessage(server, { destination, createdAt: createdAt - 60_000 });
    const { messages } = await readInbox(server, { to: destination, cursor });
    assert.deepEqual(
      messages.map(({ id }) => id),
      [late],
    );
    const again = await readInbox(server, { to: destination, cursor: "" });
    assert.deepEqual(
      again.messages.map(({ id }) => id),
      [...seen, late],
    );
  });

  test("waits for a message, answers at once if there is one, and in the end without any", async () => {
    const server = await open();
    const { UserPoolId } = await makePool(server);
    const to = newAddress();
    const { next: cursor, messages } = await readInbox(server, { to, cursor: "latest" });
    assert.deepEqual(messages, []);
    const waiting = [
      readInbox(server, { to, wait: "60" }),
      readInbox(server, { to, wait: "60", cursor }),
      readInbox(server, { wait: "60", cursor }),
    ];
    await invite(server, UserPoolId, to);
    const [message] = await server.inbox(to);
    const pages = await Promise.all(waiting);
    for (const page of pages)
      assert.deepEqual(
        page.messages.map(({ id }) => id),
        [message?.id],
      );
    const [shown] = pages[0]!.messages;
    assert.ok(shown?.text.startsWith(message!.body));
    assert.match(shown?.html ?? "", /^<!doctype html>.*Temporary password/s);
    assert.equal(shown?.headers["subject"], "Your temporary password");
    const next = pages[1]!.next;
    assert.deepEqual((await readInbox(server, { to, wait: "60" })).messages, pages[0]!.messages);
    assert.deepEqual(
      await readInbox(server, { to, wait: "1", cursor: next }).then((page) => page.messages),
      [],
    );
    assert.equal((await readInbox(server, { to, wait: "0" })).messages.length, 1);
  });

  test("of workers that look at the same time none leaves out what comes before its last message", async () => {
    const server = await open();
    const order = new FirstSeen("order", 1_000);
    const destination = newAddress();
    const createdAt = server.clock.now;
    const other = new Arrivals(server.app, (ids) => order.number(ids));
    let late: string | undefined;
    const one = new Arrivals(server.app, async (ids) => {
      if (late === undefined) {
        // Too late for its read, dated before what that found, and seen by the other worker first.
        late = await putMessage(server, { destination, createdAt: createdAt - 1_000 });
        await other.read();
      }
      return order.number(ids);
    });
    const known = await putMessage(server, { destination, createdAt });
    for (const worker of [one, other]) {
      const arrived = (await worker.read()).filter(({ message }) => message.destination === destination);
      assert.deepEqual(
        arrived.map(({ message }) => message.id),
        [late, known],
      );
    }
  });

  test("refuses what it does not understand", async () => {
    const { endpoint } = await open();
    for (const [query, parameter] of [
      ["wait=61", "wait"],
      ["wait=-1", "wait"],
      ["wait=1.5", "wait"],
      ["wait=", "wait"],
      ["wait=1e1", "wait"],
      ["to=", "to"],
      ["to=&wait=1", "to"],
      ["limit=0", "limit"],
      ["limit=101", "limit"],
      ["limit=many", "limit"],
      ["wiat=10", "wiat"],
      ["to=ada@example.com&wait=1&subject=code", "subject"],
      ["To=ada@example.com", "To"],
      ["to=ada@example.com&to=ben@example.com", "to"],
      ["wait=0&wait=1", "wait"],
      ["cursor=1", "cursor"],
      ["cursor=%00", "cursor"],
      ["cursor=0123456789abcdef-1-99999999999999999999", "cursor"],
    ]) {
      const answer = await fetch(`${endpoint}/inbox/messages?${query}`);
      assert.equal(answer.status, 400, query);
      const { message } = (await answer.json()) as { message: string };
      assert.ok(message.startsWith(`${parameter} is `), message);
    }
    const misspelled = await (await fetch(`${endpoint}/inbox/messages?wiat=10`)).json();
    const message = "wiat is unknown. Did you mean wait? The parameters are to, wait, cursor, limit.";
    assert.deepEqual(misspelled, { message });
  });

  test("knows numbers and addresses by a plus sign, percent-encoded or not", async () => {
    const server = await open();
    for (const destination of ["+15550101", `ann+${newAddress()}`]) {
      const id = await putMessage(server, { destination });
      for (const to of [destination, encodeURIComponent(destination)])
        for (const order of ["", "&wait=0"]) {
          const answer = await fetch(`${server.endpoint}/inbox/messages?to=${to}${order}`);
          assert.ok((await answer.text()).includes(`"id":"${id}"`), to);
        }
    }
  });

  test("without a cursor or a wait, a limit only shortens the answer", async () => {
    const server = await open();
    const destination = newAddress();
    for (const age of [2, 1, 0])
      await putMessage(server, { destination, createdAt: server.clock.now - age * 1_000 });
    const answer = await fetch(`${server.endpoint}/inbox/messages?limit=2&to=${destination}`);
    assert.deepEqual(await answer.json(), (await server.inbox(destination)).slice(0, 2));
  });

  test("lets a hundred wait and no more, until one goes away", async () => {
    const server = await open();
    const to = newAddress();
    const gone = new AbortController();
    const url = `${server.endpoint}/inbox/messages?wait=60&to=${to}`;
    let refused = 0;
    const waiting = Array.from({ length: 110 }, async () => {
      const { status } = await fetch(url, { signal: gone.signal });
      assert.equal(status, 503);
      refused++;
    });
    const outcomes = Promise.allSettled(waiting);
    await until("those beyond the hundredth are refused", () => refused === 10);
    gone.abort();
    const left = (await outcomes).filter(
      (one) => one.status === "rejected" && one.reason.name === "AbortError",
    );
    assert.equal(left.length, 100);
    await until("others may wait", async () => {
      const answer = await fetch(`${server.endpoint}/inbox/messages?wait=1&to=${to}`);
      await answer.arrayBuffer();
      return answer.status === 200;
    });
    const later = Array.from({ length: 50 }, () => readInbox(server, { to, wait: "60" }));
    const id = await putMessage(server, { destination: to });
    for (const { messages } of await Promise.all(later)) assert.equal(messages[0]?.id, id);
  });
});

forEachDatabase((name, _open, fresh) => {
  test("a server that stops answers those who wait", async () => {
    const { server, test: running } = await startTestServer(name, fresh, {});
    running.client.destroy();
    const first = await readInbox(running, { cursor: "latest" });
    const waiting = readInbox(running, { wait: "60", cursor: first.next });
    // Asked after it, and answered: the first one is being answered by now.
    await readInbox(running, { cursor: "" });
    await server.close();
    assert.deepEqual((await waiting).messages, []);
  });

  if (name !== "postgres") return;

  test("a message that another server sends arrives, and its cursor misses nothing there", async () => {
    const options = await fresh();
    const same = async () => options;
    const url = { POOLHOUSE_PUBLIC_URL: "http://localhost:4001" };
    const started: Started[] = [];
    const start = async () => {
      const running = await startTestServer(name, same, url);
      started.push(running);
      return byAddress(running.test);
    };
    const clients: TestServer["client"][] = [];
    try {
      const [one, other] = [await start(), await start()];
      clients.push(one.client, other.client);
      const { UserPoolId } = await makePool(one);
      const [before, to] = [newAddress(), newAddress()];
      await invite(one, UserPoolId, before);
      const known = await readInbox(one, { to: before, wait: "60" });
      assert.equal(known.messages.length, 1);
      const waiting = readInbox(one, { to, wait: "60", cursor: known.next });
      await invite(other, UserPoolId, to);
      const [arrived] = (await waiting).messages;
      assert.equal(arrived?.to, to);
      const there = await readInbox(other, { to, wait: "60", cursor: known.next });
      assert.deepEqual(there.messages, [arrived]);
      assert.deepEqual((await readInbox(other, { cursor: there.next })).messages, []);
    } finally {
      for (const client of clients) client.destroy();
      for (const { server, test: running } of started) {
        running.client.destroy();
        await server.close();
      }
    }
  });
});
