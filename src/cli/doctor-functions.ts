/** What `poolhouse doctor` says about functions: whether their handlers can be loaded, and whether triggers name others. */
import type { Config } from "../config/config.ts";
import { functionsOf } from "../domain/triggers/configured-functions.ts";
import { readsCodes } from "../domain/triggers/custom-sender.ts";
import { serversWithOthers } from "../domain/triggers/function-lists.ts";
import { senderTriggers } from "../domain/triggers/trigger.ts";
import type { Pool } from "../domain/user-pools/load-pool.ts";
import type { FunctionFacts } from "../integrations/functions/functions.ts";
import type { FunctionRegistry } from "../integrations/functions/registry.ts";
import type { Finding } from "../lib/finding.ts";
import { explainError } from "../lib/operator-error.ts";
import type { Db } from "../store/db.ts";
import type { listPools } from "../store/user-pools.ts";
import { counted } from "./text.ts";

type StoredPool = Awaited<ReturnType<typeof listPools>>[number];

/** Running servers of the database whose functions are others than these. */
export async function otherServers(db: Db, config: Config): Promise<Finding[]> {
  const others = await serversWithOthers(db, config.functions, Date.now());
  return others.map(({ server, differences }) => ({
    ok: "perhaps",
    text: `the server ${server} has other functions than this configuration: ${differences.join(", ")}`,
  }));
}

/** @param pools undefined if there is no database yet */
export async function functionFindings(
  config: Config,
  pools: readonly StoredPool[] | undefined,
): Promise<Finding[]> {
  const problems: string[] = [];
  const warn = (fields: object, message: string) => {
    if ("function" in fields) problems.push(`the function ${String(fields.function)}: ${message}`);
  };
  const running = await functionsOf(config, { log: { info: () => {}, warn }, clock: Date.now });
  try {
    await running.check();
  } catch (error) {
    problems.push(explainError(error));
  } finally {
    await running.close();
  }
  const count = config.functions.length;
  return [
    ...(count > 0 && problems.length === 0 ? [{ ok: true, text: counted(count, "function") }] : []),
    ...problems.map((text) => ({ ok: false, text })),
    ...(pools ?? []).flatMap((pool) => failingTriggers(pool, running)),
  ];
}

/** Triggers whose function is not configured here, or cannot decrypt codes: they fail when they fire. */
function failingTriggers({ poolId, document }: StoredPool, running: FunctionRegistry): Finding[] {
  const { KMSKeyID: _key, ...configured } = (document as Pool["document"]).LambdaConfig ?? {};
  const triggers = Object.entries(configured).map(([trigger, value]) => ({
    trigger,
    arn: typeof value === "string" ? value : value?.LambdaArn,
  }));
  return triggers.flatMap(({ trigger, arn }) => {
    const why = arn && problemOf(trigger, running.find(arn));
    if (!why) return [];
    const text = `${trigger} of pool ${poolId} names the function ${arn}, which ${why}: it fails when it fires`;
    return [{ ok: "perhaps", text: `${text} (docs/functions.md)` } as const];
  });
}

/** Why a function cannot do what a trigger is for, as the end of a sentence. */
function problemOf(trigger: string, found: FunctionFacts | undefined): string | undefined {
  if (found === undefined) return "is not configured";
  const isSender = senderTriggers.some((one) => one === trigger);
  if (!isSender || readsCodes(found)) return undefined;
  return "has no access key of its own to decrypt codes with";
}
