/** `poolhouse doctor`: reports what works and what does not, and how to fix it. Changes nothing. */
import { existsSync } from "node:fs";
import { type Config, listensOnLoopback, loadConfig, servesThisMachine } from "../config/config.ts";
import { checkPolicy, lacksOwnPermissions, policyWarnings } from "../domain/iam/policy-check.ts";
import { tlsFileValidity } from "../integrations/tls.ts";
import { parseDatabase } from "../lib/database-url.ts";
import type { Finding } from "../lib/finding.ts";
import { explainError } from "../lib/operator-error.ts";
import { type AccessKeyInfo, listAccessKeys } from "../store/access-keys.ts";
import type { Db } from "../store/db.ts";
import { connectionsAllowed, connectionsEach } from "../store/engine/postgres/clients.ts";
import { isWrappedUnder, masterKeySince, readDataKeys } from "../store/keys/data-keys.ts";
import { type OpenedDatabase, openDatabase } from "../store/open.ts";
import { readPublicUrl } from "../store/public-url.ts";
import { isRotating } from "../store/rotation/rotate-data-key.ts";
import { identityPoolsOwner, oldestSigningKey } from "../store/signing-keys.ts";
import { listPools } from "../store/user-pools.ts";
import { type Listening, whoListens } from "./ask-port.ts";
import { timeText } from "./command-line.ts";
import { openOptions } from "./database.ts";
import { placeFinding } from "./database-place.ts";
import { functionFindings, otherServers } from "./doctor-functions.ts";
import { providerFindings } from "./doctor-providers.ts";
import { roleFindings } from "./doctor-roles.ts";
import { senderFindings, strangers } from "./doctor-senders.ts";
import { exposedDemo } from "./exposed-demo.ts";
import { report } from "./findings.ts";
import { nodeFinding } from "./node-version.ts";
import { counted } from "./text.ts";

const day = 24 * 60 * 60 * 1000;

export async function doctor(argv: readonly string[]): Promise<void> {
  const config = loadConfig(argv);
  report([
    nodeFinding(),
    ...(await portFindings(config)),
    ...settingFindings(config),
    ...tlsFindings(config),
    ...(await senderFindings(config)),
    ...(await databaseFindings(config)),
  ]);
}

/** Who listens on the configured ports, by asking them. */
async function portFindings({ host, port, httpsPort, tls }: Config): Promise<Finding[]> {
  const ports = [
    { scheme: "http", host, port, setting: "port" } as const,
    ...(tls === undefined
      ? []
      : [{ scheme: "https", host, port: httpsPort, setting: "https-port" } as const]),
  ];
  return Promise.all(
    ports.map(async (one) => {
      if (one.port === 0)
        return { ok: true, text: `${one.scheme}: the server picks a free port (${one.setting} is 0)` };
      const place = `${one.scheme} on ${host}:${one.port}`;
      const found: Readonly<Record<Listening, Finding>> = {
        nobody: { ok: true, text: `${place}: the port is free, no server runs there` },
        poolhouse: { ok: true, text: `${place}: a Poolhouse answers, and is ready` },
        "poolhouse, not ready": {
          ok: false,
          text: `${place}: a Poolhouse answers, but is not ready: its log says why (database, disk)`,
        },
        "another program": {
          ok: false,
          text: `${place}: another program listens there. Stop it, or choose another port with --${one.setting}`,
        },
      };
      return found[await whoListens(one)];
    }),
  );
}

function settingFindings(config: Config): Finding[] {
  const findings: Finding[] = [{ ok: true, text: `the public URL is ${config.publicUrl}` }];
  if (!servesThisMachine(config)) {
    findings.push({
      ok: config.publicUrl.startsWith("https:"),
      text: "the public URL is https, since other machines can reach this server (POOLHOUSE_PUBLIC_URL)",
    });
  }
  const { trustedProxies } = config;
  if (trustedProxies.length > 0) {
    findings.push({ ok: true, text: `X-Forwarded-For is believed from ${trustedProxies.join(", ")}` });
  } else if (isBehindProxy(config)) {
    findings.push({
      ok: "perhaps",
      text:
        "a proxy seems to bring the clients, and POOLHOUSE_TRUSTED_PROXIES does not say from where: limits by address " +
        "and the audit log take all of them for one, unless it keeps their addresses on the connection",
    });
  }
  return findings;
}

/** Whether a proxy seems to be in front: this server does no TLS, and its public URL is https or another machine's. */
function isBehindProxy(config: Config): boolean {
  if (config.tls !== undefined) return false;
  return config.publicUrl.startsWith("https:") || (listensOnLoopback(config) && !servesThisMachine(config));
}

/** The time before a certificate expires in which it should have been renewed. Milliseconds. */
const renewalTime = 14 * day;

/** Whether the server can use the TLS file, and until when. A certificate for development is issued at each start. */
function tlsFindings({ tls, httpsPort }: Config, now = Date.now()): Finding[] {
  if (tls === undefined) return [];
  if (tls === "dev") return [{ ok: true, text: `https on port ${httpsPort}, for development (--tls dev)` }];
  try {
    const { from, until } = tlsFileValidity(tls);
    const text = `https on port ${httpsPort}: the certificate in ${tls}`;
    if (now < from) return [{ ok: false, text: `${text} is valid only from ${timeText(from)}` }];
    if (now >= until) return [{ ok: false, text: `${text} expired at ${timeText(until)}: renew it` }];
    const soon = now > until - renewalTime;
    const validity = `is valid until ${timeText(until)}${soon ? ": renew it soon" : ""}`;
    return [{ ok: soon ? "perhaps" : true, text: `${text} ${validity}` }];
  } catch (error) {
    return [{ ok: false, text: explainError(error) }];
  }
}

async function databaseFindings(config: Config): Promise<Finding[]> {
  const address = parseDatabase(config.database);
  if (address.kind === "sqlite") {
    const { path } = address;
    if (!existsSync(path))
      return [await placeFinding(path, "data or database"), ...(await functionFindings(config, undefined))];
  }
  try {
    const opened = await openDatabase({
      ...openOptions(config),
      secondary: true,
      waitMs: 3_000,
      log: { info: () => {}, warn: () => {}, error: () => {} },
    });
    try {
      return await openedFindings(opened, config);
    } finally {
      await opened.close();
    }
  } catch (error) {
    return [{ ok: false, text: explainError(error) }];
  }
}

async function openedFindings(opened: OpenedDatabase, config: Config): Promise<Finding[]> {
  const keys = await listAccessKeys(opened.db);
  const pools = await listPools(opened.db, { after: "", limit: 1000 });
  const demo = await exposedDemo(opened.db, config);
  return [
    { ok: true, text: `the ${opened.db.kind} database answers, and the master key fits it` },
    ...(await publicUrlFindings(opened.db, config)),
    ...(await connectionFindings(opened.db, config)),
    { ok: keys.some((key) => key.status === "Active"), text: counted(keys.length, "access key") },
    ...(await roleFindings(opened.db, config)),
    ...(await providerFindings(opened.db, config)),
    ...keys.flatMap((key) => policyFinding(key, config)),
    { ok: true, text: counted(pools.length, "user pool") },
    ...(demo === undefined ? [] : [{ ok: false, text: demo }]),
    ...(await keyFindings(opened, config)),
    ...strangers(config, pools),
    ...(await functionFindings(config, pools)),
    ...(await otherServers(opened.db, config)),
  ];
}

/**
 * Finds policies with mistakes that were stored before policies were checked, and those that lack Poolhouse's own
 * permissions.
 */
function policyFinding({ id, principal, policy, status }: AccessKeyInfo, config: Config): Finding[] {
  if (status !== "Active") return [];
  try {
    checkPolicy(policy, config);
    const warnings = policyWarnings(policy).map(
      (text): Finding => ({ ok: "perhaps", text: `the policy of access key ${id} (${principal}): ${text}` }),
    );
    if (!lacksOwnPermissions(policy)) return warnings;
    const text = `access key ${id} (${principal}) changes pools or clients, but may neither choose ids nor set poolhouse:… tags`;
    return [...warnings, { ok: true, text: `${text} (docs/security-model.md, Permissions of their own)` }];
  } catch (error) {
    const mistakes = (error as Error).message.replaceAll("\n", "\n        ");
    const text = `the policy of access key ${id} (${principal}) would be refused today, and may deny more than it says:`;
    return [{ ok: "perhaps", text: `${text}\n        ${mistakes}` }];
  }
}

/** Predicts what `sharePublicUrl` will decide about these settings. */
async function publicUrlFindings(db: Db, config: Config): Promise<Finding[]> {
  if (db.kind === "sqlite") return [];
  const { publicUrl, publicUrlConfigured } = config;
  if (!publicUrlConfigured && !listensOnLoopback(config)) {
    const text = "the public URL must be configured, the same for every server (POOLHOUSE_PUBLIC_URL)";
    return [{ ok: false, text }];
  }
  const shared = await readPublicUrl(db);
  if (shared === undefined) {
    return [{ ok: true, text: `the first server to start binds the database to ${publicUrl}` }];
  }
  if (shared === publicUrl) return [{ ok: true, text: "the database belongs to this public URL" }];
  const text =
    `the database belongs to the public URL ${shared}: with ${publicUrl} a server does not start. Set ` +
    "POOLHOUSE_PUBLIC_URL to that, or change it for all servers with `poolhouse public-url --set`";
  return [{ ok: false, text }];
}

/** Whether PostgreSQL accepts the connections of all workers. */
async function connectionFindings(db: Db, { workers }: Config): Promise<Finding[]> {
  if (db.kind === "sqlite" || workers === 1) return [];
  const [most, allowed] = [workers * connectionsEach, await connectionsAllowed(db.kysely)];
  const text = `${workers} workers open up to ${most} connections, and PostgreSQL accepts ${allowed} in all`;
  if (most <= allowed) return [{ ok: true, text }];
  return [
    { ok: "perhaps", text: `${text}: raise its max_connections, or put a connection pooler in front of it` },
  ];
}

/** Reports the age of the keys; how often to rotate them is for the operator to decide. */
async function keyFindings({ db, masterKeys }: OpenedDatabase, config: Config): Promise<Finding[]> {
  const now = Date.now();
  const age = (since: number) => `${counted(Math.max(0, Math.floor((now - since) / day)), "day")} old`;
  const findings: Finding[] = [];
  const since = await masterKeySince(db.kysely);
  if (since !== undefined) findings.push({ ok: true, text: `the master key is ${age(since)}` });
  const dataKeys = await readDataKeys(db.kysely);
  const sealing = dataKeys.find((row) => row.purpose === "seal" && row.retired_at === null);
  if (sealing !== undefined) findings.push({ ok: true, text: `the data key is ${age(sealing.created_at)}` });
  const oldest = await oldestSigningKey(db, now);
  if (oldest !== undefined) {
    findings.push({
      ok: true,
      text: `the oldest signing key, of ${oldest.poolId === identityPoolsOwner ? "identity pools" : `pool ${oldest.poolId}`}, is ${age(oldest.activeFrom)}`,
    });
  }
  if (isRotating(dataKeys)) {
    findings.push({
      ok: false,
      text: "a rotation of the data key is not finished: unless one runs, `poolhouse keys rotate data` goes on with it",
    });
  }
  if (config.previousMasterKey === undefined) return findings;
  const [masterKey] = masterKeys.all();
  const rewrapped = dataKeys.every((row) => isWrappedUnder(masterKey!, row));
  findings.push({
    ok: rewrapped,
    text: rewrapped
      ? "POOLHOUSE_PREVIOUS_MASTER_KEY is needed no more: take it away"
      : "data keys are wrapped under POOLHOUSE_PREVIOUS_MASTER_KEY: run `poolhouse keys rotate master`",
  });
  return findings;
}
