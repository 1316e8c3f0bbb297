/** Many waiting messages, two servers on one database and a receiver that counts: what two-servers.test.ts and many.ts do. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { startOutboxWorker } from "../../src/domain/messages/worker.ts";
import { openDatabase } from "../../src/store/open.ts";
import { dueMessages } from "../../src/store/outbox.ts";
import type { DatabaseName, Fresh, Open } from "../kit/databases.ts";
import { until } from "../kit/waiting.ts";
import { postRoom, queue } from "../servers/post-room.ts";
import { senderFor } from "./senders.ts";
import { type HttpSink, openHttpSink } from "./sink.ts";

const leaseMs = 60_000;

const addresses = (count: number) => Array.from({ length: count }, (_, at) => `${at}@mail.example`);
const portOf = ({ url }: HttpSink) => Number(new URL(url).port);

/** How often a message came to each address, by the id that is the same in repetitions. */
function countsOf({ taken }: HttpSink): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const ids = new Map<string, unknown>();
  for (const { body, headers } of taken) {
    const { to } = JSON.parse(body) as { to: string };
    counts.set(to, (counts.get(to) ?? 0) + 1);
    const known = ids.get(to) ?? headers["webhook-id"];
    assert.equal(headers["webhook-id"], known);
    ids.set(to, known);
  }
  return counts;
}

/** Two servers send what waits: each message once. */
export async function sendMany(
  { name, open, fresh }: { readonly name: DatabaseName; readonly open: Open; readonly fresh: Fresh },
  count: number,
): Promise<void> {
  const options = await fresh();
  const first = await open(options);
  // An SQLite file has one server, whose workers share it.
  const handles = name === "sqlite" ? [first, first] : [first, await open(options)];
  const sink = await openHttpSink(() => ({ status: 202 }));
  const senders = handles.map(() => senderFor("http", portOf(sink)));
  const rooms = handles.map(({ db }, at) => postRoom(db, (message) => senders[at]!.send(message)));
  for (const address of addresses(count)) await queue(rooms[0]!, address);
  const workers = rooms.map(startOutboxWorker);
  const isDone = async () =>
    sink.taken.length >= count && (await dueMessages(first.db, Date.now() + 10 * leaseMs, 1)).length === 0;
  await until("all are sent", isDone);
  await Promise.all(workers.map((worker) => worker.stop()));
  await Promise.all([...senders, sink].map((one) => one.close()));
  const counts = countsOf(sink);
  assert.equal(counts.size, count);
  assert.deepEqual(
    [...counts].filter(([, times]) => times !== 1),
    [],
  );
}

/** A server is killed while messages are in its hands: another sends all; a second time only what was in those hands. */
export async function killOne({
  open,
  fresh,
}: {
  readonly open: Open;
  readonly fresh: Fresh;
}): Promise<void> {
  const count = 60;
  const options = await fresh();
  const before = await openDatabase(options);
  const room = postRoom(before.db, async () => {});
  for (const address of addresses(count)) await queue(room, address);
  await before.close();
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  const { promise: killed, resolve: release } = Promise.withResolvers<void>();
  const sink = await openHttpSink(async () => {
    // The first are answered, and the server dies before it has the answers of the next.
    if (sink.taken.length <= 20) return { status: 202 };
    if (sink.taken.length >= 30) resolve();
    await killed;
    return { status: 202 };
  });
  const script = join(import.meta.dirname, "killed-server.ts");
  const given = [options.url, options.masterKey ?? "", options.secretsFolder ?? "", String(portOf(sink))];
  const child = spawn(process.execPath, [script, ...given], { stdio: ["pipe", "inherit", "inherit"] });
  await enough;
  child.kill("SIGKILL");
  await once(child, "close");
  release();
  const { db } = await open(options);
  const sender = senderFor("http", portOf(sink));
  const later = () => Date.now() + leaseMs;
  const worker = startOutboxWorker(postRoom(db, (message) => sender.send(message), later));
  await until("all are sent", async () => (await dueMessages(db, Date.now() + 10 * leaseMs, 1)).length === 0);
  await worker.stop();
  await Promise.all([sender.close(), sink.close()]);
  const counts = countsOf(sink);
  assert.equal(counts.size, count, "none is lost");
  const twice = [...counts.values()].filter((times) => times > 1);
  assert.ok(twice.length >= 1 && twice.every((times) => times === 2), `${twice.join()}`);
}
