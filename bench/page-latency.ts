/**
 * `npm run bench -- page-latency`: how long a visitor waits for the sign-in page, one page after another, compared with
 * a bare answer of the same HTTP stack in the same run. Each server has only this one caller.
 */
import { newDatabase } from "./lib/database.ts";
import { type Measured, measure } from "./lib/load.ts";
import { startProgram } from "./lib/server.ts";
import { openStage } from "./lib/stage.ts";
import { table } from "./lib/table.ts";
import { signInPage } from "./oauth-scenarios.ts";

export const name = "page-latency";

/** Goal for the 99th percentile, in milliseconds. */
const goal = 5;

export async function run(options: { kinds: readonly string[]; seconds: number }): Promise<void> {
  const load = { connections: 1, seconds: options.seconds };
  const rows: string[][] = [];
  const bare = await startProgram("bench/lib/bare.ts", ["hono", "600"]);
  rows.push(row("a bare answer", await measure(bare, (connection) => connection.post("{}", {}), load), ""));
  await bare.close();
  for (const kind of options.kinds) {
    const database = await newDatabase(kind);
    const stage = await openStage(database.url, 100, {});
    const measured = await measure(stage.server, await signInPage(stage), load);
    rows.push(row(`sign-in page, ${kind}`, measured, `≤ ${goal}`));
    await stage.server.close();
    await database.remove();
  }
  console.log(table(["one after the other", "p50 ms", "p99 ms", "goal"], rows));
}

function row(title: string, { p50, p99 }: Measured, goalText: string): string[] {
  return [title, p50.toFixed(2), p99.toFixed(2), goalText];
}
