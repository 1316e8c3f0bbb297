/** `poolhouse functions serve`: runs functions apart from the server, which calls them by Lambda's Invoke API. */
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { type FunctionsServerConfig, loadFunctionsServer } from "../config/config.ts";
import { userAgent } from "../config/version.ts";
import { holdings } from "../http/holdings.ts";
import { createInvokeListener } from "../http/lambda/apart.ts";
import { createFunctions } from "../integrations/functions/registry.ts";
import { http } from "../lib/node-http.ts";
import { OperatorError } from "../lib/operator-error.ts";
import { createLog } from "./log.ts";
import { wrongUsage } from "./usage.ts";

/** How long calls may take that run when the program is told to end. Milliseconds. */
const farewell = 10_000;

export async function serveFunctions(argv: readonly string[]): Promise<void> {
  const config = loadFunctionsServer(pathOf(argv));
  const log = createLog(config.logLevel);
  const clock = Date.now;
  const { region, publicUrl: endpoint, programPath: path, functionsUser: childUser } = config;
  const functions = await createFunctions(config.functions, {
    log,
    clock,
    region,
    endpoint,
    path,
    childUser,
    userAgent,
    reload: false,
  });
  const server = http.createServer(limits, createInvokeListener({ ...config, functions, log, clock }));
  server.maxConnections = 1000;
  try {
    await functions.check();
    await listen(server, config);
  } catch (error) {
    await functions.close();
    throw error;
  }
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    const closed = once(server, "close");
    server.close();
    const timer = setTimeout(() => server.closeAllConnections(), farewell);
    await closed;
    clearTimeout(timer);
    await functions.close();
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  console.log(readyLine(config, server.address() as AddressInfo));
}

/** Limits of time and size, as at the server's own front. */
const limits = {
  maxHeaderSize: holdings.headers.limit.bytes,
  headersTimeout: holdings.headersTime.limit.seconds * 1000,
  requestTimeout: holdings.requestTime.limit.seconds * 1000,
  keepAliveTimeout: holdings.idleTime.limit.seconds * 1000,
};

function pathOf(argv: readonly string[]): string {
  const wrong = wrongUsage("functions", ["serve"]);
  let config: string | undefined;
  try {
    config = parseArgs({ args: [...argv], options: { config: { type: "string" } } }).values.config;
  } catch (error) {
    throw wrong((error as Error).message);
  }
  if (config === undefined) throw wrong("--config is missing.");
  return config;
}

async function listen(server: Server, { host, port }: FunctionsServerConfig): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === "EADDRINUSE" ? "the port is taken" : String(error);
    throw new OperatorError(`Cannot listen on ${host}:${port}: ${reason}.`, { cause: error });
  }
}

function readyLine({ functions }: FunctionsServerConfig, { address, port, family }: AddressInfo): string {
  const names = functions.map(({ name, run }) => `${name} (${run})`).join(", ") || "none";
  return `Functions ready at http://${family === "IPv6" ? `[${address}]` : address}:${port}: ${names}`;
}
