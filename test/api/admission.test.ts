/** Shares of the thread that answers, while it is behind. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { createAdmission } from "../../src/http/admission.ts";
import { holdings } from "../../src/http/holdings.ts";

const proxy = "127.0.0.9";

/** An admission whose clock the test moves; `tick(late)` ends a window, so many milliseconds late. */
function watched() {
  let now = 0;
  let end = () => {};
  let period = 0;
  let longest = 0;
  const admission = createAdmission(
    {
      elapsed: () => now,
      every: (milliseconds, tick) => {
        period = milliseconds;
        end = tick;
        return () => {};
      },
    },
    { longestWait: () => longest, trusts: (peer) => peer === proxy },
  );
  const tick = (late: number) => {
    now += period + late;
    end();
  };
  /** How many of so many calls are admitted. */
  const ask = (address: string, calls: number) =>
    Array.from({ length: calls }, () => admission.admits(address)).filter(Boolean).length;
  /** How long newcomers wait from now on. */
  const wait = (milliseconds: number) => {
    longest = milliseconds;
  };
  return { admission, ask, tick, wait };
}

test("everybody is admitted while the thread keeps up, however much they ask", () => {
  const { ask, tick } = watched();
  for (let index = 0; index < 5; index++) {
    assert.equal(ask("busy", 10_000), 10_000);
    tick(40);
  }
});

test("fallen behind, those who ask most are cut to their share, and others are not", () => {
  const { ask, tick } = watched();
  ask("flood", 1_000);
  ask("other", 2);
  tick(100);
  // Half of 1002 would have been in time, for two addresses.
  assert.equal(ask("flood", 1_000), 251);
  assert.equal(ask("other", 2), 2);
  tick(100);
  assert.ok(ask("flood", 1_000) < 251);
  assert.equal(ask("newcomer", 4), 4);
  tick(0);
  assert.equal(ask("flood", 1_000), 1_000);
});

test("when late, a lone address gets four fifths of what was in time, and a newcomer gets the rest", () => {
  const { ask, tick } = watched();
  assert.equal(ask("alone", 1_000), 1_000);
  tick(100);
  // Half of 1000 would have been in time.
  assert.equal(ask("alone", 1_000), 400);
  assert.equal(ask("newcomer", 100), 100);
  tick(0);
  assert.equal(ask("alone", 1_000), 1_000);
});

test("newcomers who wait are a sign of too much, too, though the thread is in time", () => {
  const { ask, tick, wait } = watched();
  ask("flood", 100);
  ask("other", 100);
  wait(51);
  tick(0);
  assert.equal(ask("flood", 1_000), 100);
  wait(50);
  tick(0);
  assert.equal(ask("flood", 1_000), 1_000);
});

test("nobody's share falls below a few calls", () => {
  const { ask, tick } = watched();
  for (let index = 0; index < 1_000; index++) ask(`address ${index}`, 1);
  tick(5_000);
  assert.equal(ask("address 1", 100), holdings.thread.limit.least);
});

/** The server's end of a connection from an address. */
async function connectionFrom(localAddress: string): Promise<{ socket: Socket; end(): void }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect({ host: "127.0.0.1", port: (server.address() as AddressInfo).port, localAddress });
  const [socket] = (await once(server, "connection")) as [Socket];
  socket.resume();
  const end = () => {
    client.destroy();
    socket.destroy();
    server.close();
  };
  return { socket, end };
}

test("holding a connection many times adds no listeners to it", async () => {
  const { admission } = watched();
  const { socket, end } = await connectionFrom("127.0.0.2");
  const before = socket.listenerCount("close");
  for (let turn = 0; turn < 20; turn++) admission.hold(socket);
  assert.ok(socket.isPaused());
  assert.equal(socket.listenerCount("close"), before);
  while (socket.isPaused()) await once(socket, "resume");
  end();
});

test("a trusted proxy's connection is never held: the next request on it is another client's", async () => {
  const { admission } = watched();
  const { socket, end } = await connectionFrom(proxy);
  admission.hold(socket);
  assert.ok(!socket.isPaused());
  end();
});
