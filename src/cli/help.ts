/** `poolhouse help`: the commands and every setting. */
import { settings } from "../config/settings.ts";

export async function help(): Promise<void> {
  const rows = Object.values(settings).map((setting) => {
    const fallback = "fallback" in setting && setting.fallback !== "" ? ` [${setting.fallback}]` : "";
    const flag = "secret" in setting ? "(environment or file)" : `--${setting.flag}`;
    return `  ${flag.padEnd(24)} ${setting.env.padEnd(34)} ${setting.help}${fallback}`;
  });
  console.log(`Poolhouse, a self-hosted identity platform, wire-compatible with Amazon Cognito.

Commands
  poolhouse serve [flags]           run the server
  poolhouse migrate [--check] [flags]
                                    bring the database's schema up to date before starting the servers
  poolhouse keys list|show|create|set-policy|disable|enable|delete|reset-root [flags]
                                    access keys for administrators and applications
  poolhouse keys rotate signing|data|master [flags]
                                    replace keys while servers run
  poolhouse names list|release [flags]
                                    client ids and domains that a pool gave up and that are still reserved
  poolhouse audit [--since 24h] [--pool ID] [--actor WHO] [--json] [--follow] …
                                    who did what: administrators' calls and changes of credentials
  poolhouse functions list|invoke --config FILE
                                    the functions of triggers, and calls of them without a pool
  poolhouse public-url [--set] [flags]
                                    the public URL that servers on PostgreSQL share
  poolhouse doctor [flags]          check settings, database and keys, and report problems
  poolhouse help

Settings (flag, environment, meaning, [default])
${rows.join("\n")}`);
}
