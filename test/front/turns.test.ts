/**
 * What one turn of the event loop answers, and who is next: over the wire, on a server whose answers take a fixed time.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { holdings } from "../../src/http/holdings.ts";
import { Turns } from "../../src/http/turns.ts";
import { until } from "../kit/waiting.ts";
import { manualClock } from "./clock.ts";
import { attacker, other } from "./others.ts";
import { ask, hold, letGo } from "./sockets.ts";

const { requests: most, turn } = holdings.waiting.limit;
const clock = manualClock();
const turns = new Turns(clock);

/** The answers, with the address of the request and the turn of the event loop. */
let answered: { readonly address: string; readonly turn: number }[] = [];
let refused = 0;
let come = 0;
/** Milliseconds that an answer takes. */
let cost = 0;
/** While set, nothing that arrives is processed, so that everything arrives at once. */
let gathers = false;
const gathered: (() => void)[] = [];
let loop = 0;
let counting = true;
const count = () => {
  loop += 1;
  if (counting) setImmediate(count);
};
count();

const server = createServer((incoming: IncomingMessage, outgoing) => {
  const address = incoming.socket.remoteAddress!;
  come += 1;
  const take = () =>
    turns.take({
      incoming,
      address: () => address,
      answer: () => {
        clock.stall(cost);
        answered.push({ address, turn: loop });
        // Later work of an answer in the same turn counts as its own time, too.
        void Promise.resolve().then(() => outgoing.end());
      },
      refuse: () => {
        refused += 1;
        outgoing.writeHead(429).end();
      },
    });
  if (gathers) gathered.push(take);
  else take();
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
after(() => {
  counting = false;
  server.closeAllConnections();
  server.close();
});

const text = `GET / HTTP/1.1\r\nhost: ${new URL(endpoint).host}\r\n\r\n`;

/** A number of requests from each address, which arrive in one turn, in this order. */
async function together(...askers: (readonly [from: string, requests: number])[]) {
  answered = [];
  refused = 0;
  come = 0;
  gathers = true;
  const held = [];
  for (const [from, requests] of askers) {
    const before = come;
    held.push(...(await hold(endpoint, from, requests, text)));
    await until("they have come", () => come - before === requests);
  }
  gathers = false;
  // As when they are read: each with its own microtasks.
  for (const take of gathered.splice(0)) take();
  return held;
}

test("a turn answers what it has time for; others are next, however many of one wait", async () => {
  cost = turn / 2;
  const held = await together([attacker, 20], [other, 2]);
  await until("all are answered", () => answered.length === 22);
  const [first] = answered;
  const places = answered.flatMap(({ address }, place) => (address === other ? [place] : []));
  assert.deepEqual(places, [3, 5], "they take turns");
  const perTurn = new Map<number, number>();
  for (const { turn: of } of answered) perTurn.set(of, (perTurn.get(of) ?? 0) + 1);
  assert.equal(first!.address, attacker);
  assert.ok(
    [...perTurn.values()].every((number) => number <= 2),
    `${[...perTurn.values()]} a turn`,
  );
  letGo(held);
});

test("only the wait of an address that has nothing else waiting before it counts as overload", async () => {
  cost = turn;
  turns.longestWait();
  const held = await together([attacker, 20]);
  await until("all are answered", () => answered.length === 20);
  assert.equal(turns.longestWait(), 0, "who has others of its own before it");
  held.push(...(await together([attacker, 20], [other, 1])));
  await until("all are answered", () => answered.length === 21);
  assert.equal(turns.longestWait(), turn, "while the other was answered that came before");
  assert.equal(turns.longestWait(), 0);
  letGo(held);
});

test("a turn that accepted a connection answers only one request, since more connections may be waiting", async () => {
  cost = 0;
  const held = await together([attacker, 5]);
  await until("all are answered", () => answered.length === 5);
  assert.equal(new Set(answered.map(({ turn: of }) => of)).size, 1, "they cost nothing");
  gathers = true;
  for (const { socket } of held) socket.write(text);
  await until("they have come", () => come === 10);
  gathers = false;
  answered = [];
  turns.accepted();
  for (const take of gathered.splice(0)) take();
  assert.equal(answered.length, 1);
  await until("all are answered", () => answered.length === 5);
  letGo(held);
});

test("what waits ends with its connection", async () => {
  cost = turn;
  letGo(await together([attacker, 20]));
  server.closeAllConnections();
  assert.equal((await ask(endpoint, other, { path: "/" })).status, 200);
  // Connections close at the end of a turn, which answers one.
  assert.ok(answered.length < 10, `${answered.length} answered`);
});

test("of too many that wait, those of whoever has most are refused, and a newcomer waits its turn", async () => {
  cost = turn;
  const text10 = text.repeat(holdings.pipeline.limit.requests);
  answered = [];
  come = 0;
  gathers = true;
  const beyond = 30;
  const sockets = (most + beyond) / holdings.pipeline.limit.requests;
  const held = await hold(endpoint, attacker, sockets, text10);
  await until("they have come", () => come === most + beyond);
  held.push(...(await hold(endpoint, other, 1, text)));
  await until("it has come", () => come === most + beyond + 1);
  gathers = false;
  for (const take of gathered.splice(0)) take();
  // One is answered at once, and the newcomer takes a place.
  assert.equal(refused, beyond - 1 + 1);
  await until("the newcomer is answered", () => answered.some(({ address }) => address === other));
  const place = answered.findIndex(({ address }) => address === other);
  assert.ok(place <= 2, `${place}`);
  letGo(held);
});
