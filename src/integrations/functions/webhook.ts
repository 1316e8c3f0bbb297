import type { Driver, FunctionHost } from "./driver.ts";
export function createDriver(_settings: unknown, _host: FunctionHost): Driver {
  throw new Error("not yet");
}
