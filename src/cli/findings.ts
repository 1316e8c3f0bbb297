/** What a command that checks has found, a line each. */
import type { Finding } from "../lib/finding.ts";

/** Prints them, and has the program exit with 1 if one is a failure. */
export function report(findings: readonly Finding[]): void {
  for (const { ok, text } of findings)
    console.log(`${ok === "perhaps" ? "warn" : ok ? "ok  " : "FAIL"}  ${text}`);
  if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
}
