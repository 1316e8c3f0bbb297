/**
 * The gateway inside another Node.js program, as middleware: `import { openGateway } from "poolhouse/gateway"`. As a process
 * of its own it is `poolhouse gateway`.
 */
import { readGatewayFile } from "../config/gateway-file.ts";
import type { GatewaySettings } from "../lib/gateway-settings.ts";
import { createGateway, type Gateway } from "./gateway.ts";
import type { Log } from "./log.ts";

export type { GatewaySettings } from "../lib/gateway-settings.ts";
export type { Decision } from "./admission.ts";
export type { Asked } from "./asked.ts";
export type { Gateway } from "./gateway.ts";
export type { Identity } from "./identity.ts";
export type { Log } from "./log.ts";
export { expressGateway, fastifyGateway, type Handled, handleRequest, type Known } from "./middleware.ts";

/** Unless the program has a log: warnings and errors, on standard error. */
const say = (fields: object, message: string) =>
  void process.stderr.write(`poolhouse gateway: ${message} ${JSON.stringify(fields)}\n`);
const plainLog: Log = { info: () => {}, warn: say, error: say };

/**
 * Opens a gateway by the path of its file, or by settings. Throws ConfigError, which names file, line and key, or
 * OperatorError if the database cannot be used.
 */
export async function openGateway(
  given: string | GatewaySettings,
  { log = plainLog }: { readonly log?: Log } = {},
): Promise<Gateway> {
  if (typeof given !== "string") return createGateway(given, { log });
  const { settings, warnings } = readGatewayFile(given);
  for (const text of warnings) log.warn({ event: "setting" }, text);
  return createGateway(settings, { log });
}
