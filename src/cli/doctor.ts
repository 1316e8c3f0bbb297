/** `poolhouse doctor`: says what works and what does not, and how to mend it. Changes nothing. */
import { access, constants } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Config, loadConfig, servesThisMachine } from "../config/config.ts";
import { listAccessKeys } from "../store/access-keys.ts";
import { openDatabase } from "../store/open.ts";
import { listPools } from "../store/pools.ts";

interface Finding {
  readonly ok: boolean;
  readonly text: string;
}

export async function doctor(argv: readonly string[]): Promise<void> {
  const config = loadConfig(argv);
  const findings = [programFinding(), ...settingFindings(config), ...(await databaseFindings(config))];
  for (const finding of findings) console.log(`${finding.ok ? "ok  " : "FAIL"}  ${finding.text}`);
  if (findings.some((finding) => !finding.ok)) process.exitCode = 1;
}

function programFinding(): Finding {
  const major = Number(process.versions.node.split(".")[0]);
  return { ok: major >= 24, text: `Node.js ${process.versions.node} (24 or later is needed)` };
}

function settingFindings(config: Config): Finding[] {
  const findings: Finding[] = [
    { ok: true, text: `listens on ${config.host}:${config.port}, public URL ${config.publicUrl}` },
  ];
  if (!servesThisMachine(config)) {
    findings.push({
      ok: config.publicUrl.startsWith("https:"),
      text: "the public URL is https, since other machines can reach this server (POOLHOUSE_PUBLIC_URL)",
    });
    findings.push({
      ok: false,
      text: "messages cannot be delivered: this release has no mail sender, and the inbox is for this machine alone",
    });
  }
  return findings;
}

async function databaseFindings(config: Config): Promise<Finding[]> {
  const embedded = !/^postgres(?:ql)?:/.test(config.database);
  if (embedded) {
    const exists = await access(config.database, constants.R_OK | constants.W_OK).then(
      () => true,
      () => false,
    );
    if (!exists) {
      const folder = dirname(config.database);
      return [
        { ok: true, text: `no database yet: the first start makes ${config.database} (folder ${folder})` },
      ];
    }
  }
  try {
    const opened = await openDatabase({
      url: config.database,
      masterKey: config.masterKey,
      secretsFolder: join(config.data, "secrets"),
      secondary: true,
      waitMs: 3_000,
      log: { info: () => {}, warn: () => {}, error: () => {} },
    });
    const keys = await listAccessKeys(opened.db);
    const pools = await listPools(opened.db, { after: "", limit: 1000 });
    await opened.close();
    return [
      { ok: true, text: `the ${opened.db.kind} database answers, and the master key fits it` },
      { ok: keys.some((key) => key.status === "Active"), text: `${keys.length} access key(s)` },
      { ok: true, text: `${pools.length} user pool(s)` },
    ];
  } catch (error) {
    return [{ ok: false, text: error instanceof Error ? error.message : String(error) }];
  }
}
