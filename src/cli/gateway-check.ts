/** `poolhouse gateway check`: whether the file, the provider, the database and the applications fit together. */
import { existsSync } from "node:fs";
import { examineApplications, examineProvider } from "../gateway/examine.ts";
import { openSessionsDatabase } from "../gateway/sessions/database.ts";
import { parseDatabase } from "../lib/database-url.ts";
import type { Finding } from "../lib/finding.ts";
import type { GatewaySettings } from "../lib/gateway-settings.ts";
import { explainError } from "../lib/operator-error.ts";
import { placeFinding } from "./database-place.ts";
import { report } from "./findings.ts";
import { nodeFinding } from "./node-version.ts";
import { counted } from "./text.ts";

/**
 * Prints a line for each; the exit code is 1 if one fails.
 * @param warnings about the file
 */
export async function checkGateway(settings: GatewaySettings, warnings: readonly string[]): Promise<void> {
  const { applications } = settings;
  const routes = applications.flatMap((one) => one.routes).length;
  report([
    {
      ok: true,
      text: `the file is valid: ${counted(applications.length, "application")}, ${counted(routes, "route")}`,
    },
    ...[nodeFinding()].filter(({ ok }) => ok !== true),
    ...warnings.map((text): Finding => ({ ok: "perhaps", text })),
    ...(await examineProvider(settings)),
    await databaseFinding(settings),
    ...(await examineApplications(settings)),
  ]);
}

/** Whether the database of sessions answers, without a change in it. */
export async function databaseFinding({ sessions: { database } }: GatewaySettings): Promise<Finding> {
  if (database === undefined)
    return { ok: true, text: "sessions are kept in cookies: they cannot be ended from elsewhere" };
  const address = parseDatabase(database);
  if (address.kind === "sqlite" && address.path !== ":memory:" && !existsSync(address.path))
    return placeFinding(address.path, "sessions.store");
  const quiet = { info: () => {}, warn: () => {}, error: () => {} };
  try {
    const opened = await openSessionsDatabase(database, quiet, {
      secondary: true,
      waitMs: 3_000,
      looksOnly: true,
    });
    await opened.close();
    return { ok: true, text: `the ${address.kind} database of sessions answers` };
  } catch (error) {
    return { ok: false, text: explainError(error) };
  }
}
