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

const quiet: Log = { info: () => {}, warn: () => {}, error: () => {} };

/**
 * Opens a gateway by the path of its file, or by settings. Throws ConfigError, which names file, line and key, or
 * OperatorError if the database cannot be used.
 */
export function openGateway(
  settings: string | GatewaySettings,
  options: { readonly log?: Log } = {},
): Promise<Gateway> {
  const read = typeof settings === "string" ? readGatewayFile(settings) : settings;
  return createGateway(read, { log: options.log ?? quiet });
}
