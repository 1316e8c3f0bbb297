/**
 * The gateway inside another Node.js program, as middleware: `import { openGateway } from "poolhouse/gateway"`. As a process
 * of its own it is `poolhouse gateway`.
 */
import { readGatewayFile } from "../config/gateway-file.ts";
import type { GatewaySettings } from "../lib/gateway-settings.ts";
import { createGateway, type Gateway } from "./gateway.ts";
import { type Log, plainLog } from "./log.ts";

export type { GatewaySettings } from "../lib/gateway-settings.ts";
export type { Decision } from "./admission.ts";
export type { Asked } from "./asked.ts";
export type { Gateway } from "./gateway.ts";
export type { Identity } from "./identity.ts";
export { type Known, knownOf } from "./known.ts";
export type { Log } from "./log.ts";
export { expressGateway, fastifyGateway } from "./middleware.ts";
export { type Handled, handleRequest, honoGateway, type RequestOptions } from "./request.ts";

/**
 * Opens a gateway by the path of its file, or by settings. Throws ConfigError, which names file, line and key, or
 * OperatorError if the database cannot be used.
 */
export async function openGateway(
  given: string | GatewaySettings,
  { log = plainLog }: { readonly log?: Log } = {},
): Promise<Gateway> {
  const warn = (text: string) => log.warn({ event: "setting" }, text);
  return createGateway(typeof given === "string" ? readGatewayFile(given, { warn }) : given, { log });
}
