/** `poolhouse serve`: runs the server until SIGTERM or SIGINT. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { loadConfig } from "../config/config.ts";
import type { CreatedKey } from "../domain/iam/access-keys.ts";
import { describeError } from "../lib/describe-error.ts";
import { startServer } from "../server.ts";
import { makeDemo } from "./demo.ts";

export async function serve(argv: readonly string[]): Promise<void> {
  const config = loadConfig(argv);
  // Lines leave together, a few times a second: a write a call would cost as much as a query.
  const lines = pino.destination({ dest: 2, sync: false, minLength: 4096, periodicFlush: 200 });
  process.on("exit", () => lines.flushSync());
  const log = pino({ level: config.logLevel, base: null, serializers: { err: describeError } }, lines);
  const server = await startServer(config, { log });
  if (server.app.config.auth === "open") {
    console.log(
      "WARNING: --auth open accepts any credentials from this machine. Never use it in production.",
    );
  }
  if (server.rootKey) showRootKey(server.app.config.data, server.rootKey);
  if (config.demo) console.log(await makeDemo(server.app));
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await server.close();
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  console.log(`Poolhouse ready at ${server.url}`);
}

function showRootKey(data: string, key: CreatedKey): void {
  const folder = join(data, "secrets");
  const path = join(folder, "root-access-key.json");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(path, `${JSON.stringify(key, null, 2)}\n`, { mode: 0o600 });
  console.log(`Root access key (shown once, kept in ${path}):
  AWS_ACCESS_KEY_ID=${key.accessKeyId}
  AWS_SECRET_ACCESS_KEY=${key.secretAccessKey}
`);
}
