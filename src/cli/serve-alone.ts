/** The server in this process, and what a start says besides the ready line. */
import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import type { CreatedKey } from "../domain/iam/access-keys.ts";
import { type RunningServer, startServer, type WorkerOptions } from "../server.ts";
import { exposedDemo } from "./exposed-demo.ts";
import { watchIdleMemory } from "./idle-memory.ts";
import { createLog } from "./log.ts";
import { readyLine } from "./ready-line.ts";
import { RootKeyFile } from "./root-key.ts";
import { paintFor } from "./terminal-log.ts";

/** Runs a server that is its only process. */
export async function serveAlone(config: Config): Promise<void> {
  let server: RunningServer | undefined;
  stopOnSignals(async () => server?.close());
  server = await startFirst(config, { log: createLog(config.logLevel) });
  watchIdleMemory();
  console.log(readyLine(server.app.config));
}

/**
 * Has a signal stop the server, once, and end the process. To be called first: as process 1 of a container, a server that
 * waits for its database would otherwise ignore signals.
 * @returns stops it without a signal
 */
export function stopOnSignals(close: () => Promise<void>): () => Promise<void> {
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await close();
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  return stop;
}

/** Starts the first process of a server, and prints what there is to say once. */
export async function startFirst(
  config: Config,
  options: { readonly log: Logger; readonly worker?: WorkerOptions },
): Promise<RunningServer> {
  const rootKeyFile = new RootKeyFile(config.data);
  const beforeRootKey = (key: CreatedKey) => rootKeyFile.write(key);
  let server: RunningServer;
  try {
    server = await startServer(config, { ...options, ownsProcess: true, beforeRootKey });
  } catch (error) {
    rootKeyFile.failed();
    throw error;
  }
  if (server.app.config.auth === "open") {
    console.log(
      "WARNING: --auth open accepts any credentials from this machine. Never use it in production.",
    );
  }
  const exposed = await exposedDemo(server.app.db, server.app.config);
  if (exposed !== undefined) console.log(`WARNING: ${exposed}.`);
  if (config.functions.length > 0) console.log(functionsText(config));
  // Kept before anything else can fail, printed last, where it is easy to find.
  const shown = server.rootKey && rootKeyText(server.rootKey, rootKeyFile.keep());
  if (shown === undefined) rootKeyFile.discard();
  if (config.demo) console.log(await (await import("./demo.ts")).makeDemo(server.app));
  if (server.issued !== undefined) {
    const { authority } = server.issued;
    console.log(`https is certified by an authority of this installation: ${authority}
  Node:      NODE_EXTRA_CA_CERTS=${authority}
  aws-cli:   AWS_CA_BUNDLE=${authority}
  browsers:  import it as an authority for web sites; it is for development.
`);
  }
  if (shown !== undefined) console.log(shown);
  return server;
}

/** The functions, and what those that run on this machine can do. */
function functionsText({ functions, functionsUser }: Config): string {
  const names = functions.map(({ name, run }) => `${name} (${run})`).join(", ");
  const local = functions.filter(
    (one) => one.run === "worker" || (one.run === "child" && (one.user ?? functionsUser) === undefined),
  );
  if (local.length === 0) return `Functions: ${names}`;
  return `Functions: ${names}
  These run with this server's rights, and can read its files, its memory and its keys: run only code so that you trust
  like the server itself (docs/functions.md): ${local.map(({ name }) => name).join(", ")}`;
}

/** @param kept where the key is kept */
function rootKeyText(key: CreatedKey, kept: string): string {
  return `${paintFor(process.stdout)("bold", `Root access key (shown once, ${kept}):`)}
  AWS_ACCESS_KEY_ID=${key.accessKeyId}
  AWS_SECRET_ACCESS_KEY=${key.secretAccessKey}
`;
}
