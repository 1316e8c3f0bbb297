/** Several servers' outbox workers and sweepers: no message twice, none lost; after a kill at least once. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { startOutboxWorker } from "../../src/domain/messages/worker.ts";
import { openDatabase } from "../../src/store/open.ts";
import { dueMessages } from "../../src/store/outbox.ts";
import { sweep } from "../../src/store/sweep.ts";
import { forEachDatabase } from "../kit/databases.ts";
import { until } from "../kit/waiting.ts";
import { postRoom, queue } from "./post-room.ts";

const leaseMs = 60_000;

forEachDatabase((name, open, fresh) => {
  test("three workers and sweepers send each of 200 messages once", async () => {
    const options = await fresh();
    const first = await open(options);
    // Servers have connections of their own; an SQLite file has one server, whose workers share it.
    const handles =
      name === "sqlite" ? [first, first, first] : [first, await open(options), await open(options)];
    const sent: string[] = [];
    const rooms = handles.map(({ db }) =>
      postRoom(db, async ({ destination }) => {
        sent.push(destination);
        // Others have their turn meanwhile.
        await turn();
      }),
    );
    const addresses = Array.from({ length: 200 }, (_, number) => `${number}@mail.example`);
    const workers = rooms.map(startOutboxWorker);
    let over = false;
    const sweeping = rooms.map(({ db, clock }) =>
      until("all is sent and gone", async () => {
        await sweep(db, clock());
        return over;
      }),
    );
    await Promise.all(addresses.map((address, number) => queue(rooms[number % 3]!, address)));
    await until(
      "all are sent",
      async () => sent.length >= 200 && (await dueMessages(first.db, Date.now(), 1)).length === 0,
    );
    over = true;
    await Promise.all([...sweeping, ...workers.map((worker) => worker.stop())]);
    assert.deepEqual(sent.sort(), addresses.sort());
    // What is sent is gone, so that no clock brings it back.
    assert.deepEqual(await dueMessages(first.db, Date.now() + 10 * leaseMs, 10), []);
  });

  test("a message whose server was killed after sending it is sent again, by another", async () => {
    const options = await fresh();
    const before = await openDatabase(options);
    await queue(
      postRoom(before.db, async () => {}),
      "ada@mail.example",
    );
    await before.close();
    const script = join(import.meta.dirname, "killed-postman.ts");
    const given = [options.url, options.masterKey ?? "", options.secretsFolder ?? ""];
    const child = spawn(process.execPath, [script, ...given], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    assert.equal(line, "sent ada@mail.example");
    child.kill("SIGKILL");
    await once(child, "close");

    const { db } = await open(options);
    let offset = 0;
    const sent: string[] = [];
    const room = postRoom(
      db,
      async ({ destination }) => {
        sent.push(destination);
      },
      () => Date.now() + offset,
    );
    // Nobody else takes it while the lease of the dead one runs.
    assert.deepEqual(await dueMessages(db, room.clock(), 10), []);
    offset = leaseMs;
    const worker = startOutboxWorker(room);
    await until(
      "it is sent and gone",
      async () => (await dueMessages(db, room.clock() + 10 * leaseMs, 10)).length === 0,
    );
    await worker.stop();
    assert.deepEqual(sent, ["ada@mail.example"]);
  });
});
