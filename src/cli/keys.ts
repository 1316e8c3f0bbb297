/** `poolhouse keys`: access keys and key rotation, with or without a running server. */
import { readFileSync } from "node:fs";
import type { Config } from "../config/config.ts";
import { type CommandEvent, recorded, recordingCommand } from "../domain/audit/command.ts";
import { changePolicy, createAccessKey, namedPolicies, resetRootKey } from "../domain/iam/access-keys.ts";
import { checkPolicy, policyWarnings } from "../domain/iam/policy-check.ts";
import { fileProblem } from "../lib/file-problem.ts";
import {
  type AccessKeyInfo,
  deleteAccessKey,
  listAccessKeys,
  setAccessKeyStatus,
} from "../store/access-keys.ts";
import { type Db, inTransaction } from "../store/db.ts";
import { type Action, program, runAction } from "./actions.ts";
import { CommandError } from "./command-error.ts";
import { type Given, timeText } from "./command-line.ts";
import { withDatabase } from "./database.ts";
import { pathHint } from "./file-text.ts";
import { operator } from "./operator.ts";
import { RootKeyFile } from "./root-key.ts";
import { rotations } from "./rotate.ts";
import { Table } from "./text.ts";
import { wrongUsage } from "./usage.ts";

const json = { json: { type: "boolean" } } as const;
const policy = { policy: { type: "string" } } as const;

const actions: Readonly<Record<string, Action>> = {
  list: { options: json, operands: 0, run: list },
  show: { options: json, operands: 1, run: show },
  create: { options: { ...json, ...policy, name: { type: "string" } }, operands: 0, run: create },
  "set-policy": { options: policy, operands: 1, run: setPolicy },
  disable: {
    options: {},
    operands: 1,
    run: changing("disabled", { operation: "UpdateAccessKey", details: { status: "Inactive" } }, (db, id) =>
      inTransaction(db, (tx) => setAccessKeyStatus(tx, id, "Inactive")),
    ),
  },
  enable: {
    options: {},
    operands: 1,
    run: changing("enabled", { operation: "UpdateAccessKey", details: { status: "Active" } }, (db, id) =>
      inTransaction(db, (tx) => setAccessKeyStatus(tx, id, "Active")),
    ),
  },
  delete: {
    options: {},
    operands: 1,
    run: changing("deleted", { operation: "DeleteAccessKey" }, deleteAccessKey),
  },
  "reset-root": { options: json, operands: 0, run: resetRoot },
  ...rotations,
};

export async function keys(argv: readonly string[]): Promise<void> {
  await runAction("keys", actions, argv, argv[0] === "rotate" ? 2 : 1);
}

/** An access key as JSON for scripts. */
const described = (key: AccessKeyInfo) => ({
  accessKeyId: key.id,
  name: key.principal,
  status: key.status,
  createdAt: timeText(key.createdAt),
  lastUsedAt: key.lastUsedAt === undefined ? null : timeText(key.lastUsedAt),
  policy: JSON.parse(key.policy) as unknown,
});

const printJson = (value: unknown) => console.log(JSON.stringify(value, null, 2));
const lastUse = (key: AccessKeyInfo) => (key.lastUsedAt === undefined ? "never" : timeText(key.lastUsedAt));

async function list({ config, flag }: Given): Promise<void> {
  const keys = await withDatabase(config, ({ db }) => listAccessKeys(db));
  if (flag("json")) return printJson(keys.map(described));
  const head = ["ACCESS KEY ID", "STATUS", "CREATED", "LAST USED", "NAME"];
  const rows = keys.map((key) => [key.id, key.status, timeText(key.createdAt), lastUse(key), key.principal]);
  console.log(new Table().lines([head, ...rows]).join("\n"));
}

async function show({ config, operands: [id], flag }: Given): Promise<void> {
  const all = await withDatabase(config, ({ db }) => listAccessKeys(db));
  const key = all.find((one) => one.id === id) ?? noSuchKey(id!);
  if (flag("json")) return printJson(described(key));
  console.log(`Access key  ${key.id}
Name        ${key.principal}
Status      ${key.status}
Created     ${timeText(key.createdAt)}
Last used   ${lastUse(key)}
Policy
${JSON.stringify(JSON.parse(key.policy), null, 2)}`);
}

async function create({ config, text, flag }: Given): Promise<void> {
  const name = text("name") ?? "";
  if (!/^[\w+=,.@-]{1,64}$/.test(name) || name === "root")
    throw wrongUsage("keys", ["create"])("--name must be 1 to 64 letters, digits or +=,.@- and not root.");
  const policy = policyText("create", text("policy"), config);
  const key = await withDatabase(config, ({ db }) =>
    recorded(
      program(db),
      operator(),
      (tx) => createAccessKey({ ...program(tx), config }, name, policy),
      ({ accessKeyId: target }) => ({ operation: "CreateAccessKey", target, details: { principal: name } }),
    ),
  );
  if (flag("json")) printJson(key);
  else console.log(`AWS_ACCESS_KEY_ID=${key.accessKeyId}\nAWS_SECRET_ACCESS_KEY=${key.secretAccessKey}`);
}

async function setPolicy({ config, operands: [id], text }: Given): Promise<void> {
  const policy = policyText("set-policy", text("policy"), config);
  await withDatabase(config, async ({ db }) => {
    const event: CommandEvent = {
      operation: "UpdateAccessKey",
      target: id,
      details: { changed: ["policy"] },
    };
    const set = (tx: Db) => changePolicy({ db: tx, config }, id!, policy);
    if (!(await recorded(program(db), operator(), set, () => event))) noSuchKey(id!);
  });
  console.log(`${id}: policy set`);
}

function changing(
  done: string,
  event: CommandEvent,
  change: (db: Db, id: string) => Promise<boolean>,
): Action["run"] {
  return async ({ config, operands: [id] }) => {
    await withDatabase(config, async ({ db }) => {
      const recording = recordingCommand(program(db), operator(), { ...event, target: id });
      if (!(await change(recording, id!))) noSuchKey(id!);
    });
    console.log(`${id}: ${done}`);
  };
}

async function resetRoot({ config, flag }: Given): Promise<void> {
  const { rootAccessKeyId: accessKeyId, rootSecretAccessKey: secretAccessKey } = config;
  const configured =
    accessKeyId !== undefined && secretAccessKey !== undefined ? { accessKeyId, secretAccessKey } : undefined;
  const event: CommandEvent = {
    operation: "CreateAccessKey",
    target: configured?.accessKeyId,
    details: { principal: "root", replaces: "the former root key" },
  };
  const file = new RootKeyFile(config.data);
  const key = await withDatabase(config, ({ db }) =>
    resetRootKey(program(recordingCommand(program(db), operator(), event)), configured, (made) =>
      file.write(made),
    ),
  ).catch((error: unknown) => {
    file.failed();
    throw error;
  });
  if (configured !== undefined) {
    console.log(`${key.accessKeyId}: the configured key is the root key now`);
    return;
  }
  const kept = file.keep();
  if (flag("json")) return printJson(key);
  console.log(`New root access key (shown once, ${kept}); the former one is refused from now on:
AWS_ACCESS_KEY_ID=${key.accessKeyId}
AWS_SECRET_ACCESS_KEY=${key.secretAccessKey}`);
}

function noSuchKey(id: string): never {
  throw new CommandError(`There is no access key ${id}.`);
}

/** The policy document that --policy names, with warnings on stderr. Throws CommandError, also if the document has mistakes. */
function policyText(action: string, policy: string | undefined, config: Config): string {
  if (policy === undefined || policy === "") throw wrongUsage("keys", [action])("--policy is missing.");
  if (policy === "admin" || policy === "readonly") return namedPolicies[policy];
  const document = policy.startsWith("pool:") ? poolPolicy(policy.slice(5), config) : fileText(policy);
  try {
    checkPolicy(document, config);
  } catch (error) {
    throw new CommandError(`The policy ${policy} is refused:\n${(error as Error).message}`);
  }
  for (const warning of policyWarnings(document)) console.error(`WARNING: ${warning}`);
  return document;
}

/** A policy that allows everything on one pool. */
function poolPolicy(poolId: string, config: Config): string {
  const Resource = `arn:aws:cognito-idp:${config.region}:${config.accountId}:userpool/${poolId}`;
  const statement = { Effect: "Allow", Action: "cognito-idp:*", Resource };
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
}

function fileText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new CommandError(
      `--policy ${path} is neither admin, readonly or pool:POOL_ID nor a file that can be read: ${fileProblem(error)}.${pathHint(path)}`,
    );
  }
}
