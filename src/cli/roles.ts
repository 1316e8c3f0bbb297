/** `poolhouse roles`: roles for temporary credentials, with or without a running server. */
import { parse } from "node:path";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/section.ts";
import { readYaml } from "../config/yaml-file.ts";
import { recorded } from "../domain/audit/command.ts";
import { roleArn } from "../domain/roles/find-role.ts";
import { allRoles, changesOf, putRole, removeRole, revokeSessions } from "../domain/roles/manage-roles.ts";
import { type RoleDefinition, readTemplate } from "../domain/roles/role-template.ts";
import type { Db } from "../store/db.ts";
import { readIdentityPool } from "../store/identity-pools.ts";
import { type Role, readRole } from "../store/roles.ts";
import { type Action, program, runAction } from "./actions.ts";
import { CommandError } from "./command-error.ts";
import { type Given, timeText } from "./command-line.ts";
import { withDatabase } from "./database.ts";
import { fileText } from "./file-text.ts";
import { operator } from "./operator.ts";
import { Table } from "./text.ts";
import { wrongUsage } from "./usage.ts";

const json = { json: { type: "boolean" } } as const;
const text = { type: "string" } as const;
const texts = { type: "string", multiple: true } as const;
const truth = { type: "boolean" } as const;

const actions: Readonly<Record<string, Action>> = {
  list: { options: json, operands: 0, run: list },
  show: { options: json, operands: 1, run: show },
  create: {
    options: { trust: text, "identity-pool": text, guests: truth, policy: texts },
    operands: 1,
    run: create,
  },
  apply: { options: { "dry-run": truth }, operands: 1, run: apply },
  revoke: { options: {}, operands: 1, run: revoke },
  delete: { options: {}, operands: 1, run: remove },
};

export async function roles(argv: readonly string[]): Promise<void> {
  await runAction("roles", actions, argv);
}

/** A role in the form of a template, with what the server adds. */
const described = (config: Config, role: Role) => ({
  RoleName: role.name,
  Arn: roleArn(config, role),
  RoleId: role.id,
  Path: role.path,
  Description: role.description,
  MaxSessionDuration: role.maxSessionSeconds,
  CreateDate: timeText(role.createdAt),
  SessionsRevokedBefore: role.notBefore === 0 ? null : timeText(role.notBefore),
  AssumeRolePolicyDocument: JSON.parse(role.trust) as unknown,
  Policies: Object.entries(role.policies).map(([PolicyName, document]) => ({
    PolicyName,
    PolicyDocument: JSON.parse(document) as unknown,
  })),
});

const printJson = (value: unknown) => console.log(JSON.stringify(value, null, 2));

async function list({ config, flag }: Given): Promise<void> {
  const all = await withDatabase(config, ({ db }) => allRoles(db));
  if (flag("json")) return printJson(all.map((role) => described(config, role)));
  const rows = all.map((role) => [role.name, timeText(role.createdAt), roleArn(config, role)]);
  console.log(new Table().lines([["NAME", "CREATED", "ARN"], ...rows]).join("\n"));
}

/** Prints a role as JSON, which is what its policies are. */
async function show({ config, operands: [name] }: Given): Promise<void> {
  const role = await withDatabase(config, ({ db }) => readRole(db, name!));
  printJson(described(config, role ?? noSuchRole(name!)));
}

async function create(given: Given): Promise<void> {
  const {
    config,
    operands: [name],
  } = given;
  const template = {
    RoleName: name,
    AssumeRolePolicyDocument: trustOf(given),
    Policies: given.texts("policy").map(permissions),
  };
  const [role] = read(() => readTemplate(template, config));
  await withDatabase(config, async ({ db }) => {
    await checkIdentityPool(db, given.text("identity-pool"));
    if ((await readRole(db, name!)) !== undefined)
      throw new CommandError(`There is a role ${name} already: \`poolhouse roles apply\` changes it.`);
    await put(db, role!);
  });
  console.log(roleArn(config, role!));
}

/** Refuses an id that no pool has: it is mistyped, or of another database, and nobody could have the role. */
async function checkIdentityPool(db: Db, poolId: string | undefined): Promise<void> {
  if (poolId === undefined || (await readIdentityPool(db, poolId)) !== undefined) return;
  throw new CommandError(
    `There is no identity pool ${poolId} here. ListIdentityPools shows their ids (aws cognito-identity list-identity-pools --max-results 60).`,
  );
}

/** A policy of a file, which it is called after: `read.json` is the policy `read`. */
const permissions = (path: string) => ({ PolicyName: parse(path).name, PolicyDocument: fileText(path) });

/** The trust policy of --trust, or for the identities of a pool. */
function trustOf({ text, flag }: Given): unknown {
  const file = text("trust");
  const pool = text("identity-pool");
  if ((file === undefined) === (pool === undefined))
    throw wrongUsage("roles", ["create"])("Give either --trust or --identity-pool.");
  if (file !== undefined) return fileText(file);
  const provider = "cognito-identity.amazonaws.com";
  const amr = flag("guests") ? "unauthenticated" : "authenticated";
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Federated: provider },
        Action: ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
        Condition: {
          StringEquals: { [`${provider}:aud`]: pool },
          "ForAnyValue:StringLike": { [`${provider}:amr`]: amr },
        },
      },
    ],
  };
}

async function apply({ config, operands: [path], flag }: Given): Promise<void> {
  const roles = read(() => readTemplate(template(path!), config));
  await withDatabase(config, async ({ db }) => {
    for (const role of roles) {
      const changes = flag("dry-run") ? changesOf(await readRole(db, role.name), role) : await put(db, role);
      const what =
        changes === undefined ? "created" : changes.length === 0 ? "unchanged" : changes.join(", ");
      console.log(`${role.name}: ${flag("dry-run") ? "would be " : ""}${told(what, changes)}`);
    }
  });
}

const told = (what: string, changes: readonly string[] | undefined) =>
  changes === undefined || changes.length === 0 ? what : `changed (${what})`;

/** Creates or changes a role; what was changed, as `changesOf`. */
async function put(db: Db, role: RoleDefinition): Promise<string[] | undefined> {
  if (changesOf(await readRole(db, role.name), role)?.length === 0) return [];
  const done = await recorded(
    program(db),
    operator(),
    (tx) => putRole(program(tx), role),
    (changed) => ({
      operation: changed === undefined ? "CreateRole" : "UpdateRole",
      target: role.name,
      details: { changed },
    }),
  );
  if (done === false)
    throw new CommandError(`The role ${role.name} was changed by another command meanwhile.`);
  return done;
}

async function revoke({ config, operands: [name] }: Given): Promise<void> {
  await changing(config, name!, "RevokeRoleSessions", (tx) => revokeSessions(program(tx), name!));
  console.log(`${name}: all credentials that were issued until now are refused`);
}

async function remove({ config, operands: [name] }: Given): Promise<void> {
  await changing(config, name!, "DeleteRole", (tx) => removeRole(program(tx), name!));
  console.log(`${name}: deleted`);
}

async function changing(
  config: Config,
  name: string,
  operation: string,
  work: (tx: Db) => Promise<boolean>,
): Promise<void> {
  await withDatabase(config, async ({ db }) => {
    const done = await recorded(program(db), operator(), work, () => ({ operation, target: name }));
    if (!done) noSuchRole(name);
  });
}

function noSuchRole(name: string): never {
  throw new CommandError(`There is no role ${name}.`);
}

function template(path: string): unknown {
  try {
    return readYaml(path, "").value;
  } catch (error) {
    throw error instanceof ConfigError ? new CommandError(error.message) : error;
  }
}

function read<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError((error as Error).message);
  }
}
