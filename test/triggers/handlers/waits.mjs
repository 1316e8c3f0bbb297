/** Sends nothing until a test lets it: keeps its event, and waits for the script `go`. */
import { appendFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

export async function handler(event) {
  const at = join(process.env.SCRIPTS, event.userPoolId);
  appendFileSync(`${at}.events`, `${JSON.stringify(event)}\n`);
  while (!existsSync(`${at}.go.json`)) await pause(20);
}
