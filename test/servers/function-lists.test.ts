/** Servers on one database whose functions differ say so. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { stringify } from "yaml";
import { readFunctionLists } from "../../src/store/function-lists.ts";
import { runWith } from "../cli/program.ts";
import { forEachDatabase, temporaryFolder } from "../kit/databases.ts";
import type { LogLine } from "../kit/declared-errors.ts";
import { startTestServer } from "../kit/server.ts";

const folder = temporaryFolder();
writeFileSync(join(folder, "app.mjs"), "export const handler = async (event) => event;");

let files = 0;
function configured(functions: object): string {
  const file = join(folder, `poolhouse-${++files}.yaml`);
  writeFileSync(file, stringify({ functions }));
  return file;
}

const worker = { run: "worker", file: "app.mjs" };
const hook = (secret: string, query: string) => ({
  run: "webhook",
  // Nobody listens there, which is found out at once.
  url: `http://127.0.0.1:1/x?token=${query}`,
  secret: `whsec_${Buffer.from(secret.repeat(32)).toString("base64")}`,
});
const first = configured({
  same: { ...worker, environment: { TOKEN: "hush-1" } },
  changed: worker,
  codes: worker,
  only: worker,
  hook: hook("a", "hush-2"),
});
const second = configured({
  more: worker,
  same: { ...worker, environment: { TOKEN: "hush-3" } },
  changed: { ...worker, memory: 256 },
  codes: { ...worker, "plain-text-codes": true },
  hook: hook("b", "hush-4"),
});

forEachDatabase((database, _open, fresh) => {
  test("a server names the functions that differ at its start, as doctor does, and nothing after it has ended", async () => {
    const options = await fresh();
    const env = (file: string) => ({ POOLHOUSE_CONFIG: file, POOLHOUSE_PUBLIC_URL: "http://localhost:4747" });
    const start = async (file: string) => {
      const lines: (LogLine & { server?: string; differences?: string[] })[] = [];
      const { server, test: running } = await startTestServer(
        database,
        async () => options,
        env(file),
        {},
        (line) => lines.push(line),
      );
      running.client.destroy();
      const differing = () =>
        lines.filter(({ msg }) => msg?.includes("another server of this database differ"));
      return { server, app: running.app, differing };
    };
    const one = await start(first);
    const differences = [
      "changed (other settings)",
      "codes (other settings)",
      "more (only there)",
      "only (not there)",
    ];
    if (database === "postgres") {
      const two = await start(second);
      const told = [
        "changed (other settings)",
        "codes (other settings)",
        "more (not there)",
        "only (only there)",
      ];
      assert.deepEqual(
        two.differing().map((line) => line.differences),
        [told],
      );
      const alike = await start(first);
      assert.deepEqual(
        alike.differing().map((line) => [line.server?.endsWith(`:${two.app.config.port}`), line.differences]),
        [[true, differences]],
      );
      await alike.server.close();
      await two.server.close();
    }
    assert.deepEqual(one.differing(), []);

    const { db, clock } = one.app;
    const lists = await readFunctionLists(db, clock());
    assert.equal(lists.length, 1);
    assert.doesNotMatch(JSON.stringify(lists), /hush|whsec/);
    const { POOLHOUSE_CONFIG: _, ...rest } = env(second);
    const { stdout } = await runWith(
      {
        ...rest,
        POOLHOUSE_DATABASE: options.url,
        POOLHOUSE_DATA: one.app.config.data,
        ...(options.masterKey && { POOLHOUSE_MASTER_KEY: options.masterKey }),
      },
      "doctor",
      "--config",
      second,
    );
    assert.match(
      stdout,
      /^warn {2}the server \S+ has other functions than this configuration: changed \(other settings\), codes \(other settings\), more \(not there\), only \(only there\)$/m,
    );
    await one.server.close();
    const again = await start(second);
    assert.deepEqual(again.differing(), []);
    await again.server.close();
  });
});
