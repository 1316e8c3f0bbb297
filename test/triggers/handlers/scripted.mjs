/** Answers as a test has written down for a pool and trigger source, and keeps the events that it got. */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export async function handler(event) {
  const at = join(process.env.SCRIPTS, event.userPoolId);
  appendFileSync(`${at}.events`, `${JSON.stringify(event)}\n`);
  const file = `${at}.${event.triggerSource}.json`;
  if (!existsSync(file)) return event;
  const script = JSON.parse(readFileSync(file, "utf8"));
  if (script.throws !== undefined) throw new Error(script.throws);
  if (script.exits !== undefined) process.exit(script.exits);
  if (script.hangs) await new Promise((resolve) => setTimeout(resolve, 2 ** 30));
  if ("answer" in script) return script.answer;
  return { ...event, response: { ...event.response, ...script.response } };
}
