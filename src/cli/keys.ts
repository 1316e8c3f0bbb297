/** `poolhouse keys`: access keys, beside a running server or without one. */

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Config, ConfigError, loadConfig } from "../config/config.ts";
import { settings } from "../config/settings.ts";
import { createAccessKey, namedPolicies } from "../domain/iam/access-keys.ts";
import { deleteAccessKey, listAccessKeys, setAccessKeyStatus } from "../store/access-keys.ts";
import type { Db } from "../store/db.ts";
import { openDatabase } from "../store/open.ts";

const usage = `poolhouse keys list
poolhouse keys create --name NAME --policy admin|readonly|pool:<pool id>|FILE
poolhouse keys disable|enable|delete ACCESS_KEY_ID
The flags of serve choose the database.`;

/** The flags of serve, for parseArgs. */
const settingOptions = Object.fromEntries(
  Object.values(settings).map((setting) => [
    setting.flag,
    { type: "boolean" in setting ? ("boolean" as const) : ("string" as const) },
  ]),
);

export async function keys(argv: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: { ...settingOptions, name: { type: "string" }, policy: { type: "string" } },
    allowPositionals: true,
  });
  const { name = "", policy = "", ...flags } = values;
  const [action, id] = positionals;
  const config = loadConfig(Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`));
  await withDatabase(config, async (db) => {
    if (action === "list") return list(db);
    if (action === "create") return create(db, config, String(name), String(policy));
    if (id === undefined) throw new ConfigError(usage);
    const done =
      action === "delete"
        ? await deleteAccessKey(db, id)
        : action === "disable" || action === "enable"
          ? await setAccessKeyStatus(db, id, action === "enable" ? "Active" : "Inactive")
          : undefined;
    if (done === undefined) throw new ConfigError(usage);
    if (!done) throw new ConfigError(`There is no access key ${id}.`);
    console.log(`${id}: ${action}d`);
  });
}

async function withDatabase(config: Config, work: (db: Db) => Promise<void>): Promise<void> {
  const opened = await openDatabase({
    url: config.database,
    masterKey: config.masterKey,
    secretsFolder: join(config.data, "secrets"),
    secondary: true,
    log: { info: () => {}, warn: () => {}, error: (_fields, message) => console.error(message) },
  });
  try {
    await work(opened.db);
  } finally {
    await opened.close();
  }
}

async function list(db: Db): Promise<void> {
  for (const key of await listAccessKeys(db)) {
    console.log(
      [key.id, key.status.padEnd(8), new Date(key.createdAt).toISOString(), key.principal].join("  "),
    );
  }
}

async function create(db: Db, config: Config, name: string, policy: string): Promise<void> {
  if (!/^[\w+=,.@-]{1,64}$/.test(name) || name === "root") {
    throw new ConfigError(`--name must be 1 to 64 letters, digits or +=,.@- and not root.\n${usage}`);
  }
  const key = await createAccessKey(
    { db, random: (bytes) => randomBytes(bytes), clock: Date.now },
    name,
    policyText(policy, config),
  );
  console.log(`AWS_ACCESS_KEY_ID=${key.accessKeyId}\nAWS_SECRET_ACCESS_KEY=${key.secretAccessKey}`);
}

function policyText(policy: string, config: Config): string {
  if (policy === "admin" || policy === "readonly") return namedPolicies[policy];
  if (policy.startsWith("pool:")) {
    const resource = `arn:aws:cognito-idp:${config.region}:${config.accountId}:userpool/${policy.slice(5)}`;
    const statement = { Effect: "Allow", Action: "cognito-idp:*", Resource: resource };
    return JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  }
  if (policy === "") throw new ConfigError(`--policy is missing.\n${usage}`);
  return readFileSync(policy, "utf8");
}
