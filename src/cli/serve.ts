/** `poolhouse serve`: runs the server until SIGTERM or SIGINT. */
import { pino } from "pino";
import { loadConfig } from "../config/config.ts";
import type { CreatedKey } from "../domain/iam/access-keys.ts";
import { describeError } from "../lib/describe-error.ts";
import { startServer } from "../server.ts";
import { makeDemo } from "./demo.ts";
import { keepRootKey } from "./root-key.ts";

export async function serve(argv: readonly string[]): Promise<void> {
  const config = loadConfig(argv);
  const log = pino(
    { level: config.logLevel, base: null, serializers: { err: describeError } },
    pino.destination({ dest: 2, sync: false }),
  );
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
    log.flush();
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  console.log(`Poolhouse ready at ${server.url}`);
}

function showRootKey(data: string, key: CreatedKey): void {
  const path = keepRootKey(data, key);
  console.log(`Root access key (shown once, kept in ${path}):
  AWS_ACCESS_KEY_ID=${key.accessKeyId}
  AWS_SECRET_ACCESS_KEY=${key.secretAccessKey}
`);
}
