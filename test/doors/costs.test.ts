/**
 * Compares the number of SQL statements of each operation with a stored list, so that no change adds one unnoticed.
 * After an intended change, WRITE_COSTS=1 rewrites the list.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { watchWork } from "../api/work.ts";
import { forEachServer } from "../kit/server.ts";
import { commonRequests, everyOperation } from "./costs.ts";

const list = new URL("./costs.json", import.meta.url);

forEachServer("Statements", (open, database) => {
  // Both databases execute the same statements.
  if (database !== "sqlite") return;

  test("every operation takes as many as the list says", async () => {
    const server = await open();
    const work = watchWork(server.app);
    const counted: Record<string, number> = {};
    for (const requests of [everyOperation(server), commonRequests(server)])
      for await (const { title, make } of requests)
        counted[title] = (await work.during(make)).work.statements.length;
    if (process.env["WRITE_COSTS"] === "1") fs.writeFileSync(list, `${JSON.stringify(counted, null, 2)}\n`);
    assert.deepEqual(counted, JSON.parse(fs.readFileSync(list, "utf8")));
  });
});
