/** examples/people: a database that comes late, goes away while people are read and written, and comes back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openDatabase } from "../../examples/people/api/database.ts";
import { addressOf, behind, openRelay } from "../kit/relay.ts";
import { forEachServer } from "../kit/server.ts";
import { until } from "../kit/waiting.ts";
import { forEachStore, type Pool, setUp, signInByApi, spawnApi, startApi, stopProgram } from "./people.ts";

forEachServer("examples/people and a database that goes away", (open, database) => {
  // The pool's own database makes no difference here.
  if (database !== "sqlite") return;
  let made: Promise<Pool> | undefined;
  const pool = () => {
    made ??= open().then(setUp);
    return made;
  };

  forEachStore(
    (fresh) => {
      test("it is waited for, missed with a 503, and used again when it is back", async () => {
        const { settings } = await pool();
        const { AccessToken } = await signInByApi(await pool(), "ada");
        const url = await fresh();
        let isSilent = false;
        const relay = await openRelay(addressOf(url), () => !isSilent);
        await relay.cut();
        const api = await spawnApi(behind(relay, url), { settings });
        await api.hear(/Waiting for the database: .*ECONNREFUSED/);
        await relay.join();
        await api.hear(/The People API is at/);

        const headers = { authorization: `Bearer ${AccessToken}`, "content-type": "application/json" };
        const ask = (path: string, init: RequestInit = {}) =>
          fetch(new URL(path, api.url), { ...init, headers });
        const add = (name: string) =>
          ask("/people", { method: "POST", body: JSON.stringify({ name, email: "a@mail.example" }) });
        const kept: string[] = [];
        for (const round of [1, 2]) {
          // Several connections are open, and lost at once.
          const before = await Promise.all(["a", "b", "c", "d"].map((letter) => add(`${round}${letter}`)));
          assert.deepEqual(
            before.map(({ status }) => status),
            [201, 201, 201, 201],
          );
          kept.push(...["a", "b", "c", "d"].map((letter) => `${round}${letter}`));
          await relay.cut();
          const answers = [await ask("/people"), await add("lost"), await ask("/healthz")];
          assert.match(await answers[1]!.clone().text(), /may have been made: check before you try again/);
          for (const answer of answers) {
            assert.equal(answer.status, 503);
            assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/);
            const text = await answer.text();
            assert.match(text, /The database cannot be reached/);
            assert.doesNotMatch(text, /select|insert|ECONN|people|127/);
          }
          await relay.join();
          await until("the database is used again", async () => (await ask("/healthz")).ok);
          const { people } = (await (await ask("/people")).json()) as { people: { name: string }[] };
          assert.deepEqual(people.map(({ name }) => name).toSorted(), kept);
        }
        isSilent = true;
        const silent = await Promise.all([ask("/people"), add("silent"), ask("/healthz")]);
        assert.deepEqual(
          silent.map(({ status }) => status),
          [503, 503, 503],
        );
        assert.match(await silent[1]!.text(), /did not answer in time/);
        isSilent = false;
        await relay.cut();
        await relay.join();
        await until("the database is used again", async () => (await ask("/people")).ok);
        await stopProgram(api);
        await relay.cut();
      });

      test("a change whose commit is not answered is not said to have failed", async () => {
        const { settings } = await pool();
        const { AccessToken } = await signInByApi(await pool(), "ada");
        const url = await fresh();
        let isNext = false;
        const relay = await openRelay(addressOf(url), (piece) => {
          // The database gets it, and its answer meets a connection that is gone.
          if (isNext && /commit/i.test(piece.toString("latin1"))) setImmediate(() => void relay.cut());
          return true;
        });
        const api = await startApi(behind(relay, url), { settings });
        isNext = true;
        const headers = { authorization: `Bearer ${AccessToken}`, "content-type": "application/json" };
        const body = JSON.stringify({ name: "Once", email: "once@mail.example" });
        const answer = await fetch(new URL("/people", api.url), { method: "POST", headers, body });
        assert.ok(answer.status >= 500);
        assert.match(await answer.text(), /may have been made: check before you try again/);
        const database = openDatabase(url);
        await until(
          "it has been made",
          async () => (await database("people").where({ name: "Once" })).length === 1,
        );
        await database.destroy();
        await stopProgram(api);
      });
    },
    ["postgres", "mariadb"],
  );
});
