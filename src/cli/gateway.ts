/** `poolhouse gateway`: the gateway in front of applications, as a process of its own. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo, Server as NetServer } from "node:net";
import { parseArgs } from "node:util";
import { readGatewayFile } from "../config/gateway-file.ts";
import { createGateway, type Gateway } from "../gateway/gateway.ts";
import { createGatewayServer } from "../gateway/serve.ts";
import { createTlsListener, type TlsListener } from "../gateway/tls.ts";
import { certificateFromFile } from "../integrations/tls.ts";
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
  if (settings.listen.tls !== undefined) certificateFromFile(settings.listen.tls.file);
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
  const { host, port, tls } = settings.listen;
  const log = createLog(settings.logLevel);
  const certificate = tls && certificateFromFile(tls.file);
  const made = await createGateway(settings, { log });
  const server = createGatewayServer(made, log);
  const secure = certificate && createTlsListener(server, certificate, log);
  const urls: string[] = [];
  try {
    urls.push(`http://${host}:${await listen(server, port, host)}`);
    if (secure !== undefined) urls.push(`https://${host}:${await listen(secure.server, tls!.port, host)}`);
  } catch (error) {
    await made.close();
    throw new CommandError(`The gateway cannot listen: ${(error as Error).message}`, 1);
  }
  made
    .check()
    .catch((error: unknown) =>
      log.warn({ err: describeError(error) }, "The provider or the database does not answer yet."),
    );
  const stop = onlyOnce(() => end(server, secure, made));
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  console.log(`The gateway of ${settings.publicUrl} listens on ${urls.join(" and ")}`);
}

/** Returns the port, which may be any free one. */
async function listen(server: NetServer, port: number, host: string): Promise<number> {
  server.listen(port, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function end(server: Server, secure: TlsListener | undefined, made: Gateway): Promise<void> {
  const closed = once(server, "close");
  server.close();
  const timer = setTimeout(() => server.closeAllConnections(), farewell);
  await Promise.all([closed, secure?.end(farewell)]);
  clearTimeout(timer);
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
