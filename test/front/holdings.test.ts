/** One address takes as much as it can get of each thing that one client can hold, and a second one is served. */
import { test } from "node:test";
import { type HoldingName, holdings } from "../../src/http/holdings.ts";
import { byAddress, forEachServer } from "../kit/server.ts";
import { manualClock } from "./clock.ts";
import { isServed, settle, type Town } from "./others.ts";
import { metricsToken, small, takings } from "./takings.ts";

/** Rows that involve SQL; for the others one database is enough. */
const inDatabase: ReadonlySet<HoldingName> = new Set([
  "body",
  "users",
  "outbox",
  "attempts",
  "signIns",
  "events",
]);

/** Rows of TLS. A server that serves https does not serve pages and tokens over http, so that the others are without. */
const overTls: ReadonlySet<HoldingName> = new Set(["handshakes", "handshakeTime"]);

const environment = {
  POOLHOUSE_LIMITS: Object.entries(small)
    .map((limit) => limit.join("="))
    .join(","),
  POOLHOUSE_METRICS_TOKEN: metricsToken,
  POOLHOUSE_HASH_CONCURRENCY: "1",
  POOLHOUSE_EXTRA_HOSTS: "127.0.0.1,localhost",
};

const clock = manualClock();
const towns = new Map<string, Promise<Town>>();

forEachServer(
  "what one client can hold",
  (open, database) => {
    const inTown = async () => {
      const server = await open();
      const town = towns.get(database) ?? settle(byAddress(server));
      towns.set(database, town);
      return town;
    };
    for (const name of Object.keys(holdings) as HoldingName[]) {
      if (overTls.has(name) || (database !== "sqlite" && !inDatabase.has(name))) continue;
      testEach(name, inTown);
    }
  },
  environment,
  { monotonic: clock },
);

forEachServer(
  "what one client can hold over TLS",
  (open, database) => {
    if (database !== "sqlite") return;
    for (const name of overTls)
      testEach(name, async () => {
        const server = await open();
        const town = await settle(byAddress(server));
        return { ...town, server: { ...town.server, endpoint: server.endpoint } };
      });
  },
  { ...environment, POOLHOUSE_TLS: "dev", POOLHOUSE_HTTPS_PORT: "0" },
  { monotonic: clock },
);

function testEach(name: HoldingName, inTown: () => Promise<Town>): void {
  for (const [index, take] of (takings[name] ?? []).entries())
    test(`${name}, ${index + 1}: ${holdings[name].what}`, async () => {
      const town = await inTown();
      const held = await take(town, clock);
      try {
        await isServed(town);
        await held.check?.();
      } finally {
        await held.release();
      }
    });
}
