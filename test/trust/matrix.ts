/**
 * Every event that ends trust × everything that carries it (tools/trust-table.ts): somebody who holds all there is, then
 * the event, then each thing is tried.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Cell, events, type Thing, type TrustEvent } from "../../tools/trust-table.ts";
import { track } from "../api/tracking.ts";
import type { DatabaseName } from "../kit/databases.ts";
import { forEachServer, type TestServer } from "../kit/server.ts";
import { type Happening, happenings } from "./events.ts";
import { equip, type Holder, makePlace, makePlacePool, type Place } from "./holder.ts";
import { hold, holdings, type Try } from "./things.ts";

const things = Object.keys(holdings) as Thing[];

/** From here on the apps show codes that have not been used. */
const newCodes = ({ server }: Holder) => server.clock.advance(90_000);

async function placesFor(server: TestServer): Promise<(at: Happening["at"]) => Promise<Place>> {
  server.clock.freeze();
  const shared = await makePlacePool(server);
  const tracked = await makePlacePool(server);
  await track(server, tracked);
  const common = await makePlace(server, shared);
  const inTracked = await makePlace(server, tracked);
  const places: Readonly<Record<Happening["at"], () => Promise<Place> | Place>> = {
    shared: () => common,
    tracked: () => inTracked,
    client: () => makePlace(server, shared),
    pool: async () => makePlace(server, await makePlacePool(server)),
  };
  return async (at) => places[at]();
}

/** What is seen of a cell that is not `none`. */
const isOpen = (cell: Cell) => cell !== "ends" && cell !== "rests";

async function tryEvent(name: TrustEvent, places: (at: Happening["at"]) => Promise<Place>): Promise<void> {
  const { at, of = "two", happen, undo } = happenings[name];
  const holder = await equip(await places(at), of);
  newCodes(holder);
  const held = await hold(holder);
  const tries = new Map<Thing, Try | undefined>();
  for (const thing of things) tries.set(thing, await holdings[thing](held));
  newCodes(holder);
  await happen(held);
  const row = events[name];
  const expected: string[] = [];
  const seen: string[] = [];
  const look = async (thing: Thing, when: string, opens: boolean) => {
    const once = tries.get(thing) ?? assert.fail(`nobody holds ${thing}`);
    expected.push(`${thing}${when}: ${opens ? "goes on" : "opens nothing"}`);
    seen.push(`${thing}${when}: ${(await once()) ? "goes on" : "opens nothing"}`);
  };
  // A recovery that succeeds is an event of its own.
  const isLast = (thing: Thing) => thing === "recoveryCode" && isOpen(row[thing]);
  for (const thing of things)
    if (row[thing] !== "none" && !isLast(thing)) await look(thing, "", isOpen(row[thing]));
  const resting = things.filter((thing) => row[thing] === "rests");
  if (resting.length > 0) {
    await (undo ?? assert.fail("nothing rests that cannot be undone"))(held);
    newCodes(holder);
    for (const thing of resting) await look(thing, ", undone", true);
    await happen(held);
  }
  for (const thing of things.filter(isLast)) await look(thing, "", true);
  assert.deepEqual(seen, expected);
}

/** @param isTried by the place of an event in the table, and the database */
export function tryMatrix(isTried: (event: number, database: DatabaseName) => boolean): void {
  forEachServer("what ends what", (open, database) => {
    let places: ReturnType<typeof placesFor> | undefined;
    for (const [at, name] of (Object.keys(events) as TrustEvent[]).entries())
      if (isTried(at, database))
        test(name, async () => {
          places ??= open().then(placesFor);
          await tryEvent(name, await places);
        });
  });
}
