/** `poolhouse gateway`: the gateway in front of applications, as a process of its own. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { readGatewayFile } from "../config/gateway-file.ts";
import { createGateway, type Gateway } from "../gateway/gateway.ts";
import { createGatewayServer, type GatewayServer } from "../gateway/serve.ts";
import { toBase64 } from "../lib/bytes.ts";
import { describeError } from "../lib/describe-error.ts";
import { CommandError } from "./command-error.ts";
import { createLog } from "./log.ts";
import { noSuchAction, wrongUsage } from "./usage.ts";

/** How long requests may take that run when the program is told to end. Milliseconds. */
const farewell = 30_000;

export async function gateway(argv: readonly string[]): Promise<void> {
  const [action = ""] = argv;
  if (action === "new-key") return console.log(toBase64(randomBytes(32)));
  if (action === "check") return check(argv.slice(1));
  if (action !== "" && !action.startsWith("-")) throw noSuchAction("gateway", action);
  return serve(argv);
}

function settingsOf(argv: readonly string[], actions: readonly string[]) {
  const wrong = wrongUsage("gateway", actions);
  let config: string | undefined;
  try {
    config = parseArgs({ args: [...argv], options: { config: { type: "string" } } }).values.config;
  } catch (error) {
    throw wrong((error as Error).message);
  }
  if (config === undefined) throw wrong("--config is missing.");
  return readGatewayFile(config);
}

async function check(argv: readonly string[]): Promise<void> {
  const settings = settingsOf(argv, ["check"]);
  console.log("ok    the file is valid");
  const opened = await createGateway(settings, { log: createLog("fatal") });
  try {
    await opened.check();
  } catch (error) {
    throw new CommandError((error as Error).message, 1);
  } finally {
    await opened.close();
  }
  console.log(`ok    the provider ${settings.provider.issuer} answers`);
  console.log(
    `ok    sessions are kept in ${settings.sessions.database === undefined ? "cookies" : "the database"}`,
  );
}

async function serve(argv: readonly string[]): Promise<void> {
  const settings = settingsOf(argv, []);
  const log = createLog(settings.logLevel);
  const made = await createGateway(settings, { log });
  const server = createGatewayServer(made, log);
  try {
    server.listen(settings.listen.port, settings.listen.host);
    await once(server, "listening");
  } catch (error) {
    await made.close();
    throw new CommandError(`The gateway cannot listen: ${(error as Error).message}`, 1);
  }
  made
    .check()
    .catch((error: unknown) =>
      log.warn({ err: describeError(error) }, "The provider or the database does not answer yet."),
    );
  const stop = onlyOnce(() => end(server, made));
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  const { port } = server.address() as AddressInfo;
  console.log(`The gateway of ${settings.publicUrl} listens on http://${settings.listen.host}:${port}`);
}

async function end(server: GatewayServer, made: Gateway): Promise<void> {
  await server.end(farewell);
  await made.close();
  process.exit(0);
}

function onlyOnce(work: () => Promise<void>): () => void {
  let begun = false;
  return () => {
    if (begun) return;
    begun = true;
    void work();
  };
}
