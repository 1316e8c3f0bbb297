/** The queue of events that no answer waits for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startTrail } from "../../src/domain/audit/trail.ts";

interface Event {
  readonly pool: string;
  readonly id: number;
}

const log = { info: () => {}, warn: () => {}, error: () => {} };

/** A queue whose database does not accept events of the pools in `down`. */
function queue() {
  const down = new Set<string>();
  const written: Event[] = [];
  const refused = { times: 0 };
  const trail = startTrail<Event>(log, {
    what: "events",
    poolOf: ({ pool }) => pool,
    insert: async (events) => {
      assert.equal(new Set(events.map(({ pool }) => pool)).size, 1, "one pool at a time");
      if (down.has(events[0]!.pool)) {
        refused.times += 1;
        throw new Error("no machine");
      }
      written.push(...events);
    },
  });
  return { trail, down, written, refused };
}

const idsOf = (events: readonly Event[], of: string) =>
  events.filter(({ pool }) => pool === of).map(({ id }) => id);
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a pool that cannot be written keeps no others waiting, and is written once when it can be", async () => {
  const { trail, down, written, refused } = queue();
  down.add("lost");
  for (let id = 0; id < 200; id++) {
    await trail.add({ pool: "lost", id });
    await trail.add({ pool: "kept", id });
  }
  while (idsOf(written, "kept").length < 200 || refused.times === 0) await turn();
  assert.deepEqual(idsOf(written, "lost"), []);
  assert.equal(trail.waiting, 200);
  down.clear();
  await trail.stop();
  const inOrder = Array.from({ length: 200 }, (_, id) => id);
  assert.deepEqual([idsOf(written, "lost"), idsOf(written, "kept")], [inOrder, inOrder]);
});

test("calls of a pool wait for its own queue only, until that is written or the server stops", async () => {
  const { trail, down, written } = queue();
  down.add("lost");
  let returned = 0;
  const calls = Array.from({ length: 4_100 }, async (_, id) => {
    await trail.add({ pool: "lost", id });
    returned += 1;
  });
  await trail.add({ pool: "kept", id: 0 });
  while (idsOf(written, "kept").length === 0) await turn();
  assert.equal(returned, 4_096);
  await trail.stop();
  await Promise.all(calls);
  assert.deepEqual(idsOf(written, "lost"), []);
});
