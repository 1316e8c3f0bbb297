/** The functions of the configuration file, for the server and for commands. */
import { type Config, servesThisMachine, urlForHandlers } from "../../config/config.ts";
import { userAgent } from "../../config/version.ts";
import { partOf } from "../../config/workers.ts";
import type { FunctionHost } from "../../integrations/functions/driver.ts";
import { createFunctions, type FunctionRegistry } from "../../integrations/functions/registry.ts";

/** The configured functions. Their handlers are loaded when they are first needed. */
export function functionsOf(
  config: Config,
  { log, clock }: Pick<FunctionHost, "log" | "clock">,
): Promise<FunctionRegistry> {
  return createFunctions(config.functions, {
    log,
    clock,
    region: config.region,
    endpoint: urlForHandlers(config),
    path: config.programPath,
    childUser: config.functionsUser,
    userAgent,
    part: (whole) => partOf(whole, config.worker),
    reload: servesThisMachine(config),
  });
}
